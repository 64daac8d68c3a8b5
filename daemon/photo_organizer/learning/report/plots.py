"""The pictures of a report. Each function draws one PNG that says its point in its title.

Colours are Okabe and Ito's, which stay apart for colour-blind eyes; the two models also differ in line and
marker. matplotlib is used without pyplot: no window system, no state.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from photo_organizer.learning.events import Epoch
from photo_organizer.learning.head.head import Floats, Labels
from photo_organizer.learning.judge.calibration import Reliability
from photo_organizer.learning.judge.evaluation import Evaluation

CHAMPION, CHALLENGER = "#E69F00", "#0072B2"
TRAINING, VALIDATION = "#009E73", "#D55E00"
INK, FAINT = "#222222", "#BBBBBB"
_DPI = 130


@dataclass(frozen=True, slots=True)
class PastModel:
    """A model of the history: when it was made, its figures, and whether it was promoted."""

    id: str
    made: datetime
    accuracy: float
    macro_f1: float
    promoted: bool
    corrected_share: float | None = None  # of the photos filed until then, moved by the owner


@dataclass(frozen=True, slots=True)
class CurvePhotos:
    """Which photos the two curves of a training count."""

    training: str
    validation: str


def draw_curves(epochs: Sequence[Epoch], photos: CurvePhotos, path: Path) -> None:
    """Draw loss and accuracy per epoch on two sets of photos, a vertical line where a stage begins."""
    figure, (loss_axes, accuracy_axes) = _figure(1, 2, size=(11, 4.2))
    steps = np.arange(1, len(epochs) + 1)
    for axes, name, training, validation in (
        (
            loss_axes,
            "Loss (nats)",
            [epoch.loss for epoch in epochs],
            [epoch.validation_loss for epoch in epochs],
        ),
        (
            accuracy_axes,
            "Accuracy",
            [epoch.accuracy for epoch in epochs],
            [epoch.validation_accuracy for epoch in epochs],
        ),
    ):
        marker = "o" if len(epochs) <= 40 else None
        axes.plot(steps, training, color=TRAINING, marker=marker, markersize=3.5, label=photos.training)
        axes.plot(
            steps,
            validation,
            color=VALIDATION,
            marker=marker,
            markersize=3.5,
            linestyle="--",
            label=photos.validation,
        )
        axes.set_xlabel("epoch")
        axes.set_title(name, loc="left")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _mark_stages(axes, epochs)
    accuracy_axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    figure.suptitle("Training curves: the two lines count different photos, so either may lie above")
    handles, names = loss_axes.get_legend_handles_labels()
    figure.legend(handles, names, frameon=False, loc="outside lower center", ncols=1)
    _save(figure, path)


def draw_confusion(champion: Evaluation, challenger: Evaluation, photos: str, path: Path) -> None:
    """Draw both confusion matrices side by side: share of each true category, with counts."""
    side = max(4.6, 0.52 * len(champion.categories))
    figure, pair = _figure(1, 2, size=(2 * side + 1.6, side + 0.9))
    for axes, evaluation, name in zip(pair, (champion, challenger), ("Champion", "Challenger"), strict=True):
        shown = _confusion(axes, evaluation)
        axes.set_title(f"{name}: {evaluation.accuracy:.1%} right", loc="left")
    _say_photos(figure, photos)
    pair[0].set_ylabel("lies in")
    bar = figure.colorbar(shown, ax=list(pair), shrink=0.8, format=PercentFormatter(1.0, decimals=0))
    bar.set_label("share of the category's photos")
    _save(figure, path)


def draw_categories(champion: Evaluation, challenger: Evaluation, photos: str, path: Path) -> None:
    """Draw precision and recall of each category, champion and challenger, sorted by the challenger's F1."""
    rows = [index for index, category in enumerate(challenger.per_category) if category.photos]
    rows.sort(key=lambda index: challenger.per_category[index].f1)
    places = np.arange(len(rows))
    figure, pair = _figure(1, 2, size=(11, max(2.6, 0.45 * len(rows) + 1.4)), share_y=True)
    for axes, field, title in zip(
        pair,
        ("precision", "recall"),
        (
            "Precision: of the photos put there, how many belong",
            "Recall: of its photos, how many are recognised",
        ),
        strict=True,
    ):
        old = [getattr(champion.per_category[index], field) for index in rows]
        new = [getattr(challenger.per_category[index], field) for index in rows]
        axes.hlines(places, old, new, color=FAINT, linewidth=2, zorder=1)
        axes.scatter(old, places, color=CHAMPION, marker="D", s=42, label="champion", zorder=2)
        axes.scatter(new, places, color=CHALLENGER, marker="o", s=52, label="challenger", zorder=3)
        axes.set_xlim(-0.02, 1.02)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_title(title, loc="left", fontsize=10)
        axes.grid(axis="x", color="#EEEEEE")
    _say_photos(figure, photos)
    names = [f"{challenger.categories[index]} ({challenger.per_category[index].photos})" for index in rows]
    pair[0].set_yticks(places, names)
    pair[1].legend(frameon=False, loc="lower left")
    _save(figure, path)


def draw_reliability(champion: Reliability, challenger: Reliability, photos: str, path: Path) -> None:
    """Draw accuracy against confidence; on the diagonal, confidence means what it says."""
    figure, (axes, counts) = _figure(2, 1, size=(6.4, 6.6), heights=(3.4, 1))
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="as it should be")
    for reliability, name, colour, marker in (
        (champion, "champion", CHAMPION, "D"),
        (challenger, "challenger", CHALLENGER, "o"),
    ):
        label = f"{name}, calibration error {reliability.error:.3f}"
        axes.plot(
            reliability.confidence,
            reliability.accuracy,
            color=colour,
            marker=marker,
            markersize=5,
            label=label,
        )
    width = 0.012
    counts.bar(champion.confidence - width / 2, champion.count, width, color=CHAMPION)
    counts.bar(challenger.confidence + width / 2, challenger.count, width, color=CHALLENGER)
    counts.set_ylabel("photos")
    for panel in (axes, counts):
        panel.set_xlim(0, 1.01)
        panel.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylim(0, 1.01)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylabel("share that is right")
    counts.set_xlabel("confidence")
    _say_photos(figure, photos)
    axes.set_title("Does confidence mean what it says?", loc="left")
    axes.legend(frameon=False, loc="upper left")
    _save(figure, path)


def draw_coverage(
    models: Sequence[tuple[str, Floats, Labels]],
    marks: Sequence[tuple[str, float, float]],
    photos: str,
    path: Path,
) -> None:
    """Draw precision against the share that is filed, for every threshold.

    Args:
        models: name, probabilities (N, C) and labels (N,) of champion and challenger.
        marks: label, share and precision of the thresholds to be marked on the challenger's curve.
        photos: which photos are counted.
        path: of the PNG.
    """
    figure, axes = _figure(1, 1, size=(7.2, 4.6))
    _say_photos(figure, photos)
    lowest = 1.0
    for (name, probabilities, labels), colour, style in zip(
        models, (CHAMPION, CHALLENGER), ("--", "-"), strict=True
    ):
        confidence = probabilities.max(axis=1)
        order = np.argsort(-confidence, kind="stable")
        right = (probabilities.argmax(axis=1) == labels)[order]
        number = np.arange(1, len(right) + 1)
        precision = np.cumsum(right) / number
        axes.plot(number / max(1, len(right)), precision, color=colour, linestyle=style, label=name)
        lowest = min(lowest, float(precision[len(precision) // 20 :].min(initial=1.0)))
    for (share, precision_here), label in _joined(marks).items():
        axes.plot([share], [precision_here], marker="s", color=INK, markersize=6, linestyle="none")
        axes.annotate(
            label, (share, precision_here), textcoords="offset points", xytext=(6, 6), fontsize=9, color=INK
        )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(max(0.0, lowest - 0.05), 1.01)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("share of photos that is filed (the rest goes to Review)")
    axes.set_ylabel("share of the filed that is right")
    axes.set_title("How much is filed, and how much of it is right", loc="left")
    axes.grid(color="#EEEEEE")
    axes.legend(frameon=False, loc="lower left")
    _save(figure, path)


def _joined(marks: Sequence[tuple[str, float, float]]) -> dict[tuple[float, float], str]:
    """Return labels by point; those that would overlap share a line."""
    joined: dict[tuple[float, float], str] = {}
    for label, share, precision in marks:
        point = (round(share, 2), round(precision, 2))
        joined[point] = f"{joined[point]}, {label}" if point in joined else label
    return joined


def draw_history(models: Sequence[PastModel], path: Path) -> None:
    """Draw accuracy and macro F1 of all retrainings, and the share of filed photos that was corrected; hollow
    marks are challengers that were not promoted.
    """
    figure, axes = _figure(1, 1, size=(8.4, 4.2))
    steps = np.arange(len(models))
    for name, values, colour, marker in (
        ("accuracy", [model.accuracy for model in models], CHALLENGER, "o"),
        ("macro F1", [model.macro_f1 for model in models], VALIDATION, "s"),
    ):
        axes.plot(steps, values, color=colour, linewidth=1, alpha=0.5)
        for step, value, model in zip(steps, values, models, strict=True):
            axes.plot(
                [step],
                [value],
                marker=marker,
                color=colour,
                markersize=8,
                markerfacecolor=colour if model.promoted else "white",
                linestyle="none",
                label=name if step == 0 else None,
            )
    known = [
        (step, model.corrected_share)
        for step, model in enumerate(models)
        if model.corrected_share is not None
    ]
    if known:
        axes.plot(*zip(*known, strict=True), color=CHAMPION, marker="v", label="corrected after filing")
    axes.set_xticks(steps, [f"{model.made:%d %b}\n{model.made:%H:%M}" for model in models], fontsize=8)
    axes.set_xlim(-0.5, len(models) - 0.5)
    values = [value for model in models for value in (model.accuracy, model.macro_f1)] + [
        share for _, share in known
    ]
    axes.set_ylim(max(0.0, min(values) - 0.05), min(1.02, max(values) + 0.05))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_title("All retrainings (hollow: not promoted), each on the photos that judged it", loc="left")
    axes.grid(axis="y", color="#EEEEEE")
    axes.legend(frameon=False)
    _save(figure, path)


def _mark_stages(axes: Any, epochs: Sequence[Epoch]) -> None:  # noqa: ANN401 (matplotlib has no types)
    stages = [0] + [
        index for index in range(1, len(epochs)) if epochs[index].stage != epochs[index - 1].stage
    ]
    if len(stages) < 2:
        return
    for number, index in enumerate(stages):
        if index:
            axes.axvline(index + 0.5, color=FAINT, linewidth=1)
        axes.annotate(
            epochs[index].stage,
            (index + 0.6, 1.0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            xytext=(2, -10 - 11 * (number % 2)),  # names of short stages would lie on one another
            fontsize=8,
            color="#666666",
        )


def _confusion(axes: Any, evaluation: Evaluation) -> Any:  # noqa: ANN401 (matplotlib has no types)
    counts = evaluation.confusion
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shown = axes.imshow(share, cmap="cividis", vmin=0, vmax=1)
    names = evaluation.categories
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=9)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.set_xlabel("recognised as")
    for row, column in np.argwhere(counts > 0):
        light = share[row, column] < 0.55
        axes.text(
            column,
            row,
            str(counts[row, column]),
            ha="center",
            va="center",
            fontsize=8 if len(names) <= 14 else 6,
            color="white" if light else "black",
        )
    axes.tick_params(length=0)
    return shown


def _figure(
    rows: int,
    columns: int,
    *,
    size: tuple[float, float],
    share_y: bool = False,
    heights: Sequence[float] | None = None,
) -> tuple[Any, Any]:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, sharey=share_y, height_ratios=heights)
    for panel in np.ravel(np.array(axes, dtype=object)):
        panel.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _say_photos(figure: Any, photos: str) -> None:  # noqa: ANN401 (matplotlib has no types)
    figure.suptitle(textwrap.fill(f"On {photos}", 90), fontsize=9, color="#555555")


def _save(figure: Any, path: Path) -> None:  # noqa: ANN401 (matplotlib has no types)
    figure.savefig(path, dpi=_DPI, facecolor="white")
