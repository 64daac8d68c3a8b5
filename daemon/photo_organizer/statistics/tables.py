"""Compute the statistics from the actions in the journal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from photo_organizer.library.record.actions import RecordedAction
from photo_organizer.photo import Action

_BINS = 20
_CHAIN = (Action.FILED, Action.REVIEW, Action.CORRECTED, Action.UNDONE)


@dataclass(frozen=True, slots=True)
class Statistics:
    """The statistics.

    Attributes:
        totals: photos by action; a photo can have several.
        categories: by category: `photos` filed by the model, `confidence` (mean), `corrected` and `share`
            (of the photos filed there, those that the owner moved elsewhere).
        months: photos filed by the model, a row for each month in which a picture was taken (or filed, where
            unknown), a column for each category.
        confidence: `filed` and `review`, photos by confidence, in bins of 0.05 (`from` is the index).
        corrected: by month of filing: `photos` filed, `corrected` and `share`.
        review: `waiting`: photos in Review at the end of each day.
    """

    totals: dict[str, int]
    categories: pd.DataFrame
    months: pd.DataFrame
    confidence: pd.DataFrame
    corrected: pd.DataFrame
    review: pd.DataFrame

    @property
    def filed(self) -> int:
        """Return the number of photos that the model filed in a category, without undone ones."""
        return int(self.categories["photos"].sum())

    @property
    def corrected_share(self) -> float | None:
        """Return the share of these that the owner moved to another category; None without photos."""
        return float(self.categories["corrected"].sum() / self.filed) if self.filed else None

    def to_json(self) -> dict[str, Any]:
        """Return the statistics as values for JSON."""
        return {
            "totals": self.totals,
            "filed": self.filed,
            "corrected_share": _rounded(self.corrected_share),
            "categories": _records(self.categories, "category"),
            "months": [
                {"month": month, "photos": {name: int(count) for name, count in row.items() if count}}
                for month, row in self.months.to_dict("index").items()
            ],
            "confidence": _records(self.confidence, "from"),
            "corrected": _records(self.corrected, "month"),
            "review": _records(self.review, "date"),
        }


def make_statistics(actions: Iterable[RecordedAction]) -> Statistics:
    """Compute the statistics of `actions`, oldest first."""
    table = pd.DataFrame(list(actions), columns=list(RecordedAction._fields))
    table["time"] = pd.to_datetime(table["time"].str[:19], format="ISO8601")  # local time at that moment
    table["action"] = table["action"].astype(str)
    filed = _with_next(table)
    filed = filed[(filed["action"] == Action.FILED) & (filed["category"] != "") & ~filed["undone"]]
    return Statistics(
        {str(name): int(count) for name, count in table["action"].value_counts().sort_index().items()},
        _shares(filed.groupby("category"), confidence=True).sort_values("photos", ascending=False),
        _months(filed),
        _confidence(table),
        _shares(filed.groupby(filed["time"].dt.strftime("%Y-%m").rename("month")), confidence=False),
        _review(table),
    )


def _with_next(table: pd.DataFrame) -> pd.DataFrame:
    """Return the steps of each photo, with the next step of the same photo."""
    steps = table[table["action"].isin([str(action) for action in _CHAIN])]
    steps = steps[~((steps["action"] == Action.CORRECTED) & steps["undone"])].copy()
    following = steps.groupby("sha256", sort=False)
    steps["next_action"] = following["action"].shift(-1)
    steps["next_label"] = following["label"].shift(-1)
    steps["next_time"] = following["time"].shift(-1)
    return steps


def _shares(groups: Any, *, confidence: bool) -> pd.DataFrame:  # noqa: ANN401 (pandas' groups have no simple type)
    """Return the number of photos and of corrected photos in each group."""

    def moved(group: pd.DataFrame) -> int:
        is_other = group["next_label"] != group["category"]
        return int(((group["next_action"] == Action.CORRECTED) & is_other).sum())

    rows = {
        name: {
            "photos": len(group),
            **({"confidence": group["confidence"].mean()} if confidence else {}),
            "corrected": moved(group),
        }
        for name, group in groups
    }
    columns = ["photos", *(["confidence"] if confidence else []), "corrected"]
    result = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    result = result.astype({"photos": int, "corrected": int})
    result["share"] = result["corrected"] / result["photos"].where(result["photos"] > 0)
    return result


def _months(filed: pd.DataFrame) -> pd.DataFrame:
    """Count photos by month and category, including months without photos."""
    known = filed["taken"].str.match(r"(?:19|20)\d\d-\d\d")  # cameras whose clock was never set write 0001
    month = filed["taken"].str[:7].where(known, filed["time"].dt.strftime("%Y-%m"))
    if filed.empty:
        return pd.DataFrame()
    counts = pd.crosstab(month, filed["category"])
    counts = counts[counts.sum().sort_values(ascending=False).index]
    every = pd.period_range(counts.index.min(), counts.index.max(), freq="M").strftime("%Y-%m")
    return counts.reindex(every, fill_value=0)


def _confidence(table: pd.DataFrame) -> pd.DataFrame:
    """Count filed and reviewed photos by confidence."""
    edges = np.linspace(0, 1, _BINS + 1)
    columns = {
        str(action): np.histogram(
            table.loc[table["action"] == action, "confidence"].dropna().astype(float), edges
        )[0]
        for action in (Action.FILED, Action.REVIEW)
    }
    return pd.DataFrame(columns, index=edges[:-1].round(2))


def _review(table: pd.DataFrame) -> pd.DataFrame:
    """Count the photos in the review folder at the end of each day; the next step of a photo removes it."""
    steps = _with_next(table)
    came = steps[steps["action"] == Action.REVIEW]
    if came.empty:
        return pd.DataFrame({"waiting": pd.Series(dtype=int)})
    days = came["time"].dt.normalize().value_counts()
    left = came["next_time"].dropna().dt.normalize().value_counts()
    change = days.sub(left, fill_value=0)
    every = pd.date_range(change.index.min(), max(change.index.max(), table["time"].max().normalize()))
    waiting = change.reindex(every, fill_value=0).cumsum().astype(int)
    return pd.DataFrame({"waiting": waiting.to_numpy()}, index=every.strftime("%Y-%m-%d"))


def _records(table: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    """Return the rows of `table` as mappings, with its index as `name`; NaN becomes None."""
    return [
        {name: _plain(index), **{str(column): _plain(value) for column, value in row.items()}}
        for index, row in zip(table.index, table.to_dict("records"), strict=True)
    ]


def _plain(value: Any) -> Any:  # noqa: ANN401 (a cell of any column)
    if isinstance(value, float):
        return _rounded(value)
    return value.item() if isinstance(value, np.generic) else value


def _rounded(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else round(float(value), 4)
