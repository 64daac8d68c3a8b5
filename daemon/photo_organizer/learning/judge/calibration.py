"""Confidence that means what it says: temperature, reliability, thresholds for a wanted precision.

Temperature scaling: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from photo_organizer.learning.head.head import Floats, Labels, log_softmax

TARGETS = (0.90, 0.95, 0.99)
BINS = 15
_PRIOR_PHOTOS = 30.0  # how many photos the temperature that was known before is worth
_PRIOR_HITS = 5.0  # how many photos the model's own confidence is worth against counted hits
_FEWEST = 5  # filed photos without which a counted precision says nothing
_HIGHEST = 0.999  # the threshold of a category whose precision is out of reach


def fit_temperature(logits: Floats, labels: Labels, *, known: float = 1.0) -> float:
    """Return the temperature that makes held-out photos most likely, drawn to the one known before when
    they are few.

    Args:
        logits: (N, C) of photos that the head was not fitted on.
        labels: (N,).
        known: the temperature of the model before; counts like 30 photos.
    """
    if len(labels) == 0:
        return known

    def loss(log_temperature: float) -> float:
        likelihood = log_softmax(logits / np.float32(np.exp(log_temperature)))[np.arange(len(labels)), labels]
        return -float(likelihood.sum()) + 0.5 * _PRIOR_PHOTOS * float(log_temperature - np.log(known)) ** 2

    found = minimize_scalar(loss, bounds=(np.log(0.1), np.log(10.0)), method="bounded")
    return float(np.exp(found.x))


@dataclass(frozen=True, slots=True)
class Reliability:
    """Photos by confidence: in each of the bins that has photos, mean confidence, share right, and how
    many.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Return expected calibration error: the mean distance between confidence and accuracy, by photos."""
        return float((np.abs(self.confidence - self.accuracy) * self.count).sum() / max(1, self.count.sum()))


def reliability(probabilities: Floats, labels: Labels, bins: int = BINS) -> Reliability:
    """Compare confidence with accuracy in equally wide bins of confidence."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    position = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    count = np.bincount(position, minlength=bins)
    filled = count > 0
    return Reliability(
        np.bincount(position, confidence, bins)[filled] / count[filled],
        np.bincount(position, right, bins)[filled] / count[filled],
        count[filled],
    )


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A threshold for one category, what it would file of the photos predicted so, and how many are right."""

    category: str
    target: float
    threshold: float
    precision: float
    filed_share: float


def suggest_thresholds(
    probabilities: Floats, labels: Labels, categories: Sequence[str], target: float
) -> tuple[Suggestion, ...]:
    """Return the lowest threshold of each category from which photos predicted so reach the wanted precision.

    Counted precision is blended with the model's own confidence, which weighs like five photos: a category of
    a handful of photos gets a sensible threshold instead of 0 or 1.

    Args:
        probabilities: (N, C) of held-out photos.
        labels: (N,) positions in `categories`.
        categories: C names.
        target: the precision wanted, 0 to 1.

    Returns:
        One suggestion a category, in their order; `precision` is the plain count (1.0 when nothing is filed).
    """
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float64)
    suggestions = []
    for index, category in enumerate(categories):
        mine = predicted == index
        order = np.argsort(-confidence[mine], kind="stable")
        sure, right = confidence[mine][order], (labels[mine] == index)[order]
        threshold = _lowest(sure, right, target)
        filed = sure >= threshold
        suggestions.append(
            Suggestion(
                category,
                target,
                threshold,
                float(right[filed].mean()) if filed.any() else 1.0,
                float(filed.mean()) if len(filed) else 0.0,
            )
        )
    return tuple(suggestions)


def _lowest(sure: NDArray[np.float64], right: NDArray[np.bool_], target: float) -> float:
    """Return the lowest confidence, of those in falling order, down to which the precision holds."""
    if len(sure) < _FEWEST:
        return round(max(0.5, target), 3)  # nothing to count: a calibrated confidence is the precision itself
    number = np.arange(1, len(sure) + 1)
    hits = np.cumsum(right)
    believed = np.cumsum(sure) / number
    precision = (hits + _PRIOR_HITS * believed) / (number + _PRIOR_HITS)
    # A threshold takes all photos of equal confidence or none.
    last_of_equal = np.append(sure[1:] < sure[:-1], True)
    reached = np.flatnonzero((precision >= target) & last_of_equal)
    if len(reached) == 0:
        return _HIGHEST
    return float(min(_HIGHEST, np.floor(sure[reached[-1]] * 1000) / 1000))
