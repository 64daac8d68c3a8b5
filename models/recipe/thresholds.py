"""The threshold that files as many photos as it can while enough of the filed ones are right.

One for all categories: thresholds of their own fit the sources that they are chosen on and not the next
one, where at the same precision they file fewer photos (docs/starter-model.md has the table). What a
category's own threshold should be, only its owner's photos can tell.
"""

from __future__ import annotations

import numpy as np

from photo_organizer.learning.head.head import Floats
from recipe.split import Integers

STEPS = np.round(np.arange(0.40, 0.96, 0.05), 2)
"""Few and round values: finer ones would only fit the photos at hand."""


def choose_threshold(probabilities: Floats, labels: Integers, precision: float) -> float:
    """The lowest step from which on every higher one keeps the precision; else the highest.

    Args:
        probabilities: calibrated, float32 (N, C), of photos that the head was not fitted on.
        labels: int64 (N,).
        precision: share of the filed photos that should be right.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    chosen = float(STEPS[-1])
    for step in STEPS[::-1]:
        filed = confidence >= step
        if filed.any() and right[filed].mean() < precision:
            break
        chosen = float(step)
    return chosen
