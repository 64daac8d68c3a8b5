"""Figures by the categories that an owner could accept for each photo.

Many photos fit more than one category. A CSV file with the columns `file,acceptable` lists them, separated by
`+`: `IMG_0815.jpg,Family+Friends`. `file` is relative to the folder of photos.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer.errors import OrganizerError


@dataclass(frozen=True, slots=True)
class AcceptableFigures:
    """Shares of `photos` judged photos: `acceptable` predictions, `coverage` (filed at the thresholds) and
    `filed_acceptable` (of the filed ones; 1.0 when none is).
    """

    photos: int
    acceptable: float
    coverage: float
    filed_acceptable: float

    def summary(self) -> dict[str, float]:
        """Return the figures by name, rounded."""
        return {
            "photos": self.photos,
            "acceptable": round(self.acceptable, 4),
            "coverage": round(self.coverage, 4),
            "filed_acceptable": round(self.filed_acceptable, 4),
        }


def read_acceptable(path: Path, categories: Sequence[str]) -> dict[str, frozenset[int]]:
    """Return the indices of the acceptable categories by file name.

    Raises:
        OrganizerError: the file cannot be read, has other columns, or names a category that the model lacks.
    """
    position = {name: place for place, name in enumerate(categories)}
    judgements: dict[str, frozenset[int]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if not {"file", "acceptable"} <= set(reader.fieldnames or ()):
                raise OrganizerError("the columns file,acceptable are missing", where=path)
            for row in reader:
                names = [name.strip() for name in (row["acceptable"] or "").split("+") if name.strip()]
                unknown = [name for name in names if name not in position]
                if unknown or not names:
                    said = f"not a category of the model: {unknown[0]}" if unknown else "no category given"
                    raise OrganizerError(f"line {reader.line_num}: {said}", where=path)
                judgements[row["file"]] = frozenset(position[name] for name in names)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OrganizerError(f"cannot be read ({error})", where=path) from error
    if not judgements:
        raise OrganizerError("contains no photos", where=path)
    return judgements


def acceptable_figures(
    probabilities: NDArray[np.float32], acceptable: Sequence[frozenset[int]], thresholds: Sequence[float]
) -> AcceptableFigures:
    """Count how often the prediction is one of the acceptable categories.

    Args:
        probabilities: calibrated, (N, C), N at least 1.
        acceptable: indices of the acceptable categories of each photo.
        thresholds: C.
    """
    predicted = probabilities.argmax(axis=1)
    fine = np.array([int(category) in these for category, these in zip(predicted, acceptable, strict=True)])
    filed = probabilities.max(axis=1) >= np.asarray(thresholds)[predicted]
    return AcceptableFigures(
        len(fine), float(fine.mean()), float(filed.mean()), float(fine[filed].mean()) if filed.any() else 1.0
    )


def acceptable_lines(figures: AcceptableFigures, by_source: Mapping[str, AcceptableFigures]) -> Iterator[str]:
    """Yield the figures as text, with a line per source if there is more than one."""
    yield f"judged photos     {figures.photos}   (acceptable: an owner could accept the prediction)"
    yield f"acceptable        {figures.acceptable:.3f}"
    yield f"coverage          {figures.coverage:.3f}"
    yield f"filed acceptable  {figures.filed_acceptable:.3f}"
    if len(by_source) > 1:
        yield ""
        yield "photos  acceptable  coverage  filed acceptable  source"
        for source, own in by_source.items():
            yield (
                f"{own.photos:6}  {own.acceptable:10.3f}  {own.coverage:8.3f}  {own.filed_acceptable:16.3f}  "
                f"{source or 'unknown'}"
            )
