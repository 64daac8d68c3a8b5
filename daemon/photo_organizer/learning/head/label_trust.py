"""How far the owner's labels can be trusted, by what heads say that were trained without them.

Each label is either meant, or wrong: a slip of the mouse, a photo that belongs in two categories, a joke of a
child. A meant label is drawn from the out-of-fold probabilities, a wrong one is any other category, all
equally likely. The share of wrong labels is estimated along (expectation maximisation of this two-part
mixture, after the label-noise models of Dawid and Skene 1979 and of Natarajan et al. 2013), drawn to one in
twenty. The probability that a label is meant is its weight in the training.

A photo that the owner moved out of a category was put there by the organizer, with confidence: that the heads
call it so says nothing against the correction. Only how the *other* categories compare counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats, Labels

DOUBTED_BELOW = 0.5
_PRIOR_WRONG, _PRIOR_LABELS = 1.0, 20.0
_ROUNDS = 50
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class LabelTrust:
    """What is thought of N labels.

    Attributes:
        weights: (N,) the probability that each label is meant.
        doubted: (N,) the labels that are more likely wrong than right.
        suggested: (N,) positions of the categories that the photos look like instead.
        confidence: (N,) the out-of-fold probabilities of these.
        wrong_share: the estimated share of wrong labels.
    """

    weights: Floats
    doubted: NDArray[np.bool_]
    suggested: NDArray[np.int64]
    confidence: Floats
    wrong_share: float

    def at(self, rows: NDArray[np.int64], wanted: NDArray[np.int64]) -> LabelTrust:
        """Return what is thought of the `wanted` photos; those that are not among `rows` (N,) are trusted."""
        place = {row: index for index, row in enumerate(rows.tolist())}
        known = np.array([row in place for row in wanted.tolist()], np.bool_)
        found = np.array([place.get(row, 0) for row in wanted.tolist()], np.int64)
        return LabelTrust(
            weights=np.where(known, self.weights[found], 1.0).astype(np.float32),
            doubted=known & self.doubted[found],
            suggested=self.suggested[found],
            confidence=self.confidence[found],
            wrong_share=self.wrong_share,
        )


def without_former(probabilities: Floats, labels: Labels, not_in: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probabilities (N, C) given that a photo is not in the category that it was moved out of."""
    left = probabilities.astype(np.float64)
    moved = np.flatnonzero((not_in >= 0) & (not_in != labels))
    left[moved, not_in[moved]] = 0.0
    return np.asarray(left / np.maximum(left.sum(axis=1, keepdims=True), _LEAST), np.float64)


def trust_labels(
    probabilities: Floats, labels: Labels, not_in: NDArray[np.int64], certain: NDArray[np.bool_]
) -> LabelTrust:
    """Estimate which labels are meant.

    Args:
        probabilities: (N, C) of heads that were trained without the photo.
        labels: (N,) the owner's.
        not_in: (N,) the category out of which the owner moved the photo, or -1.
        certain: (N,) labels that are beyond doubt.
    """
    rows = np.arange(len(labels))
    left = without_former(probabilities, labels, not_in)
    likely = np.maximum(left[rows, labels], _LEAST)
    by_chance = 1.0 / max(1, probabilities.shape[1] - 1)
    asked = ~certain
    wrong = _PRIOR_WRONG / _PRIOR_LABELS
    meant = np.ones(len(labels))
    for _ in range(_ROUNDS):
        meant[asked] = ((1 - wrong) * likely / ((1 - wrong) * likely + wrong * by_chance))[asked]
        wrong = (_PRIOR_WRONG + float((1 - meant[asked]).sum())) / (_PRIOR_LABELS + int(asked.sum()))
    suggested = np.asarray(left.argmax(axis=1), np.int64)
    return LabelTrust(
        weights=meant.astype(np.float32),
        doubted=meant < DOUBTED_BELOW,
        suggested=suggested,
        confidence=left[rows, suggested].astype(np.float32),
        wrong_share=wrong,
    )
