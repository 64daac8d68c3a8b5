"""Whether labels say anything: do heads that have not seen a photo find its label better than a label of
another photo?

A permutation test in closed form. For each photo, the log-probability of its own label is compared with its
mean and variance over the labels of all photos (or over all categories alike, where nearly all labels are the
same). Labels that were shuffled have a mean of zero and a deviation of one. Near-duplicates and bursts count
as one photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats, Labels
from photo_organizer.learning.head.label_trust import without_former

FEWEST_LABELS = 6
"""Fewer say nothing about one another, and are believed."""
FEW_LABELS = 30
_NEEDED_OF_FEW, _NEEDED = 2.5, 3.5
"""Deviations above shuffled labels. By simulation, a dozen meant labels reach 3.7 on average, fifty 8.8."""
_LEAST = 1e-3
_ONE_SIDED = 1.8  # effective number of different labels below which all categories are compared


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What is known of N labels besides the category.

    Attributes:
        not_in: (N,) the category out of which the owner moved the photo, or -1.
        groups: (N,) near-duplicates and bursts have the same number.
    """

    not_in: NDArray[np.int64]
    groups: NDArray[np.int64]

    @classmethod
    def none(cls, count: int) -> LabelFacts:
        """Return that nothing is known of `count` labels."""
        return cls(np.full(count, -1, np.int64), np.arange(count))

    @property
    def independent(self) -> int:
        """How many photos are not near-duplicates of one another."""
        return len(np.unique(self.groups))


def label_consistency(probabilities: Floats, labels: Labels, facts: LabelFacts) -> float:
    """Return how many standard deviations the labels lie above shuffled ones.

    Args:
        probabilities: (N, C) of heads that have not seen the photo.
        labels: (N,).
        facts: of the labels; a photo cannot be in the category that it was moved out of.
    """
    not_in = facts.not_in
    count, classes = probabilities.shape
    rows = np.arange(count)
    moved = (not_in >= 0) & (not_in != labels)
    likelihood = np.log(np.maximum(without_former(probabilities, labels, not_in), _LEAST))
    share = np.bincount(labels, minlength=classes) / count
    effective = np.exp(-(share[share > 0] * np.log(share[share > 0])).sum())
    if effective < _ONE_SIDED:
        share = np.full(classes, 1 / classes)
    shares = np.tile(share, (count, 1))
    shares[rows[moved], not_in[moved]] = 0.0
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)
    mean = (shares * likelihood).sum(axis=1)
    variance = (shares * (likelihood - mean[:, None]) ** 2).sum(axis=1)
    _, group, size = np.unique(facts.groups, return_inverse=True, return_counts=True)
    part = 1 / size[group]  # of the group's mean
    rise = float((part * (likelihood[rows, labels] - mean)).sum())
    return rise / float(np.sqrt((part * variance).sum() + 1e-9))


def is_consistent(deviations: float, count: int) -> bool:
    """Return whether so many `deviations` are enough for `count` labels of different photos."""
    if count < FEWEST_LABELS:
        return True
    return deviations >= (_NEEDED_OF_FEW if count < FEW_LABELS else _NEEDED)
