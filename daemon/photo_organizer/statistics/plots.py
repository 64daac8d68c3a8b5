"""The plots, as standalone SVG images.

The colours are Okabe and Ito's, which colour-blind people can distinguish. matplotlib is used without pyplot,
which has global state.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

from photo_organizer.photo import Action

_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999", "#6A4C93",
    "#8B5A2B",
)  # fmt: skip
_OTHERS = "#DDDDDD"
_MOST_LABELS = 14
_SIZE = (9.0, 3.4)


def draw_months(months: pd.DataFrame) -> str:
    """Plot photos per month, stacked by category."""
    figure, axes = _figure()
    places = np.arange(len(months))
    bottom = np.zeros(len(months))
    shown = list(months.columns[: len(_COLOURS)])
    layers = [(name, months[name].to_numpy(), colour) for name, colour in zip(shown, _COLOURS, strict=False)]
    rest = months.drop(columns=shown)
    if not rest.empty:
        layers.append(("others", rest.sum(axis=1).to_numpy(), _OTHERS))
    for name, counts, colour in layers:
        axes.bar(places, counts, bottom=bottom, width=0.9, color=colour, label=str(name))
        bottom = bottom + counts
    _label_months(axes, list(months.index))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_ylabel("photos")
    axes.legend(frameon=False, bbox_to_anchor=(1.0, 1.0), loc="upper left", fontsize=9)
    return _svg(figure)


def draw_confidence(confidence: pd.DataFrame) -> str:
    """Plot filed and reviewed photos by confidence."""
    figure, axes = _figure()
    width = 1 / len(confidence)
    left = confidence.index.to_numpy(dtype=float)
    review, filed = (confidence[str(action)].to_numpy() for action in (Action.REVIEW, Action.FILED))
    axes.bar(left, filed, width=0.92 * width, align="edge", color=_COLOURS[0], label="filed")
    axes.bar(
        left, review, width=0.92 * width, align="edge", bottom=filed, color=_COLOURS[1], label="to Review"
    )
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("confidence")
    axes.set_ylabel("photos")
    axes.legend(frameon=False, loc="upper left")
    return _svg(figure)


def draw_corrected(corrected: pd.DataFrame) -> str:
    """Plot the share of photos that were corrected, by month of filing."""
    figure, axes = _figure()
    places = np.arange(len(corrected))
    axes.plot(places, corrected["share"].to_numpy(dtype=float), color=_COLOURS[5], marker="o")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel("corrected")
    _label_months(axes, list(corrected.index))
    return _svg(figure)


def draw_review(review: pd.DataFrame) -> str:
    """Plot the number of photos in the review folder at the end of each day."""
    figure, axes = _figure()
    days = pd.to_datetime(review.index).to_numpy()
    axes.fill_between(days, review["waiting"], step="post", color=_COLOURS[4], alpha=0.4)
    axes.step(days, review["waiting"], where="post", color=_COLOURS[0])
    if len(days) == 1:
        axes.plot(days, review["waiting"], color=_COLOURS[0], marker="o")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("photos in Review")
    figure.autofmt_xdate()
    return _svg(figure)


def _label_months(axes: Any, months: list[str]) -> None:  # noqa: ANN401 (matplotlib has no types)
    step = max(1, -(-len(months) // _MOST_LABELS))
    axes.set_xticks(range(0, len(months), step), months[::step], rotation=30, ha="right", fontsize=9)
    axes.set_xlim(-0.6, max(len(months) - 0.4, 0.6))


def _figure() -> tuple[Any, Any]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#EEEEEE")
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Any) -> str:  # noqa: ANN401 (matplotlib has no types)
    text = io.StringIO()
    with rc_context({"svg.hashsalt": "photo-organizer"}):  # reproducible files
        figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    return text.getvalue().partition("<svg")[1] + text.getvalue().partition("<svg")[2]
