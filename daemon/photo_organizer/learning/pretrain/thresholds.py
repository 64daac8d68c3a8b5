"""Thresholds that file as many photos as they can while enough of the filed ones are right.

One threshold for all would be set by the worst category. So each category gets its own, chosen together: a
photo filed wrongly costs the same wherever it happens, and the price is raised until the wanted share is
right.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head import Floats
from photo_organizer.learning.pretrain.split import Integers

STEPS = np.round(np.arange(0.40, 0.96, 0.05), 2)
"""Few and round values: finer ones would only fit the photos at hand."""
EVIDENCE = 50
"""True photos that a category needs among those judged for a threshold of its own."""
PRICES = np.exp(np.linspace(np.log(0.01), np.log(1000.0), 60))


def default_threshold(probabilities: Floats, labels: Integers, precision: float) -> float:
    """The lowest step from which on every higher one keeps the precision, over all categories; else the
    highest.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    chosen = float(STEPS[-1])
    for step in STEPS[::-1]:
        filed = confidence >= step
        if filed.any() and right[filed].mean() < precision:
            break
        chosen = float(step)
    return chosen


def choose_thresholds(
    probabilities: Floats, labels: Integers, categories: tuple[str, ...], precision: float
) -> dict[str, float]:
    """``default`` and a threshold for each category of which there are photos enough to judge.

    Args:
        probabilities: calibrated, float32 (N, C), of photos that the head was not fitted on.
        labels: int64 (N,).
        categories: C names.
        precision: share of the filed photos that should be right.
    """
    counts = np.bincount(labels, minlength=len(categories))
    judged = [number for number in range(len(categories)) if counts[number] >= EVIDENCE]
    thresholds = {"default": default_threshold(probabilities, labels, precision)}
    for price in PRICES:
        chosen = {number: _best_step(probabilities, labels, number, price, precision) for number in judged}
        filed, right = _filed(probabilities, labels, chosen)
        if filed == 0 or right / filed >= precision:
            break
    return thresholds | {categories[number]: threshold for number, threshold in chosen.items()}


def _best_step(probabilities: Floats, labels: Integers, number: int, price: float, precision: float) -> float:
    """The step of one category with the most photos filed, less the price of wrong ones beyond those
    allowed.
    """
    mine = probabilities.argmax(axis=1) == number
    confidence, right = probabilities[mine].max(axis=1), labels[mine] == number

    def worth(step: float) -> float:
        filed: NDArray[np.bool_] = confidence >= step
        wrong = float((filed & ~right).sum())
        return float(filed.sum()) - price * (wrong - (1.0 - precision) * float(filed.sum()))

    # Of equal steps the highest: it rests on nothing less.
    return float(max(STEPS[::-1], key=worth))


def _filed(probabilities: Floats, labels: Integers, chosen: Mapping[int, float]) -> tuple[int, int]:
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    limits = np.array([chosen.get(number, np.inf) for number in range(probabilities.shape[1])])
    filed = confidence >= limits[predicted]
    return int(filed.sum()), int((filed & (predicted == labels)).sum())
