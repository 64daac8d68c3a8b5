"""Choose thresholds that file as many photos as possible while enough of the filed ones are acceptable.

All categories share one threshold where possible: thresholds per category fit the sources they were chosen
on, and on the next source file fewer photos at the same precision (table in docs/starter-model.md). A
category gets a threshold of its own only if the shared one would file almost none of its photos: people
together are `Family`, `Friends` or `Events` for reasons that the pixels do not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats
from recipe.data.split import Integers

STEPS = np.round(np.arange(0.40, 0.96, 0.05), 2)
"""Coarse steps: finer ones would only fit the photos at hand."""
LEAST_FILED = 0.03
"""A category gets a threshold of its own if a smaller share of its predictions is filed."""
LOWEST_OWN = 0.50
ACCEPTED_TOO: Mapping[str, frozenset[str]] = {"Friends": frozenset({"Family", "Events", "Selfies"})}
"""Labels with which a prediction still counts as acceptable. Of 160 photos of left-out sources with a
probability of 0.6 to 0.8, all 26 predicted as `Friends` were acceptable by eye; 7 had one of these labels.
"""


def accepted(predicted: Integers, labels: Integers, categories: Sequence[str]) -> NDArray[np.bool_]:
    """Return whether each prediction is the label or allowed for it by `ACCEPTED_TOO`, bool (N,)."""
    fine = predicted == labels
    for name, others in ACCEPTED_TOO.items():
        if name in categories:
            allowed = [place for place, other in enumerate(categories) if other in others]
            fine |= (predicted == categories.index(name)) & np.isin(labels, allowed)
    return np.asarray(fine, np.bool_)


def choose_threshold(probabilities: Floats, labels: Integers, precision: float) -> float:
    """Return the lowest step at which, and above which, the precision is kept; else the highest step.

    Args:
        probabilities: calibrated, float32 (N, C), of photos that the head was not fitted on.
        labels: int64 (N,).
        precision: share of the filed photos that should be right.
    """
    return lowest_step(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, precision)


def lowest_step(confidence: Floats, right: NDArray[np.bool_], precision: float) -> float:
    """Do as `choose_threshold`, given the confidences (N,) and which predictions are right (N,)."""
    chosen = float(STEPS[-1])
    for step in STEPS[::-1]:
        filed = confidence >= step
        if filed.any() and right[filed].mean() < precision:
            break
        chosen = float(step)
    return chosen


def choose_thresholds(
    probabilities: Floats, labels: Integers, categories: Sequence[str], precision: float, own_precision: float
) -> dict[str, float]:
    """Return the threshold ``default``, and those of categories of which it would file almost nothing.

    Args:
        probabilities: calibrated, float32 (N, C), of photos that the head was not fitted on.
        labels: int64 (N,).
        categories: C names.
        precision: share of the filed photos whose label should agree.
        own_precision: share of a category's filed photos that should be acceptable, where it has a threshold
            of its own.
    """
    default = choose_threshold(probabilities, labels, precision)
    thresholds = {"default": default}
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    fine = accepted(predicted, labels, categories)
    for place, name in enumerate(categories):
        own = predicted == place
        if own.any() and (confidence[own] >= default).mean() < LEAST_FILED:
            wanted = max(LOWEST_OWN, lowest_step(confidence[own], fine[own], own_precision))
            filing = [step for step in STEPS if (confidence[own] >= step).mean() >= LEAST_FILED]
            thresholds[name] = min(wanted, max([LOWEST_OWN, *map(float, filing)]), default)
    return thresholds
