"""Thresholds that file as many photos as they can while enough of the filed ones are acceptable.

One threshold for all categories as far as possible: thresholds of their own fit the sources that they are
chosen on and not the next one, where at the same precision they file fewer photos (docs/starter-model.md has
the table). The exception are categories of which that threshold would file almost nothing, because people
together are ``Family``, ``Friends`` or ``Events`` for reasons that no pixel shows. What a category's own
threshold should be, only its owner's photos can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats
from recipe.data.split import Integers

STEPS = np.round(np.arange(0.40, 0.96, 0.05), 2)
"""Few and round values: finer ones would only fit the photos at hand."""
LEAST_FILED = 0.03
"""A category of whose predictions less is filed gets a threshold of its own."""
LOWEST_OWN = 0.50
ACCEPTED_TOO: Mapping[str, frozenset[str]] = {"Friends": frozenset({"Family", "Events", "Selfies"})}
"""Labels that do not make a prediction wrong. Among 160 photos of left-out sources with a probability of 0.6
to 0.8, all 26 predictions of ``Friends`` were acceptable when looked at, though 7 had one of these labels.
"""


def accepted(predicted: Integers, labels: Integers, categories: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each prediction is the label or one that `ACCEPTED_TOO` allows for it, bool (N,)."""
    fine = predicted == labels
    for name, others in ACCEPTED_TOO.items():
        if name in categories:
            allowed = [place for place, other in enumerate(categories) if other in others]
            fine |= (predicted == categories.index(name)) & np.isin(labels, allowed)
    return np.asarray(fine, np.bool_)


def choose_threshold(probabilities: Floats, labels: Integers, precision: float) -> float:
    """The lowest step from which on every higher one keeps the precision; else the highest.

    Args:
        probabilities: calibrated, float32 (N, C), of photos that the head was not fitted on.
        labels: int64 (N,).
        precision: share of the filed photos that should be right.
    """
    return lowest_step(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, precision)


def lowest_step(confidence: Floats, right: NDArray[np.bool_], precision: float) -> float:
    """`choose_threshold` on confidences (N,) and whether each prediction is right (N,)."""
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
    """The threshold ``default``, and those of the categories of which it would file almost nothing.

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
