"""What two models would do with all of the owner's photos, estimated from those of which something is known.

The photos that the owner labelled are no fair sample: what was moved out of a category was wrong by
definition, and what waits in Review is doubtful. So each kind stands for all of its kind:

- a photo that was moved out of Review stands for its share of all that went there;
- a photo that was moved out of a category, confirmed, or placed by hand stands for itself;
- a photo that was filed and never moved stands for itself, with the categories that the model in use gives it
  instead of a label: it is probably right, and nobody said so.

Labelled photos are predicted out of fold, for both models: no prediction has seen its photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats, Labels, one_hot

MOST_A_PHOTO_STANDS_FOR = 20.0


@dataclass(frozen=True, slots=True)
class Scores:
    """Probabilities (N, C) of champion and challenger for the same photos, and their categories (N,)."""

    champion: Floats
    challenger: Floats
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def joined(self, other: Scores) -> Scores:
        """Return both sets together."""
        return Scores(
            np.concatenate([self.champion, other.champion]),
            np.concatenate([self.challenger, other.challenger]),
            np.concatenate([self.labels, other.labels]),
        )

    def only(self, chosen: NDArray[np.bool_]) -> Scores:
        """Return the chosen photos."""
        return Scores(self.champion[chosen], self.challenger[chosen], self.labels[chosen])


@dataclass(frozen=True, slots=True)
class OwnerSample:
    """The owner's photos under both models.

    Attributes:
        labelled: the photos with a label, predicted out of fold.
        stands_for: (N,) how many photos each labelled one stands for.
        champion, challenger: (M, C) what both say of the photos without a label.
        filed: (M,) whether the photo was filed and left there; the others wait in Review.
    """

    labelled: Scores
    stands_for: Floats
    champion: Floats
    challenger: Floats
    filed: NDArray[np.bool_]

    def estimate(self, probabilities: Floats, others: Floats, thresholds: Sequence[float]) -> Estimate:
        """Return what a model would do with all of the owner's photos.

        Args:
            probabilities: (N, C) of the labelled photos.
            others: (M, C) of the others.
            thresholds: of each category.
        """
        if not self.stands_for.sum() and not self.filed.any():
            return Estimate(0.0, 1.0, 0.0)
        chance, filed, weights = self.outcomes(probabilities, others, thresholds)
        total, kept = weights.sum(), (weights * filed).sum()
        return Estimate(
            filed_share=float(kept / total),
            filed_precision=float((weights * filed * chance).sum() / kept) if kept else 1.0,
            right_share=float((weights * chance).sum() / total),
        )

    def outcomes(
        self, probabilities: Floats, others: Floats, thresholds: Sequence[float]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
        """Return for each photo that counts the chance that a model is right, whether it files the photo, and
        how many photos it stands for: first the labelled ones, then the filed ones. Arguments as `estimate`.
        """
        classes = probabilities.shape[1]
        targets = np.concatenate([one_hot(self.labelled.labels, classes), self.champion[self.filed]])
        said = np.concatenate([probabilities, others[self.filed]])
        predicted = said.argmax(axis=1)
        chance = targets[np.arange(len(said)), predicted].astype(np.float64)
        filed = said.max(axis=1) >= np.asarray(thresholds)[predicted]
        weights = np.concatenate([self.stands_for, np.ones(int(self.filed.sum()))]).astype(np.float64)
        return chance, filed, weights


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of all photos of the owner: the share filed, the share of these that is right, and the share for which
    the most probable category is right.
    """

    filed_share: float
    filed_precision: float
    right_share: float


def stand_for(reviewed: NDArray[np.bool_], waiting: int) -> Floats:
    """Return how many photos each labelled one stands for (N,).

    Args:
        reviewed: (N,) whether the photo was moved out of Review.
        waiting: how many photos are still there.
    """
    count = int(reviewed.sum())
    share = min(MOST_A_PHOTO_STANDS_FOR, (count + waiting) / count) if count else 1.0
    return np.where(reviewed, share, 1.0).astype(np.float32)
