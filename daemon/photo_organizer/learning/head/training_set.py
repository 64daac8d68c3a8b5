"""What a head is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats, Head
from photo_organizer.learning.head.samples import Samples


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What a head is trained on.

    Attributes:
        owner: the labelled photos; at least one.
        not_in: (N,) the position of the category in which the organizer had filed the photo and which the
            owner found wrong; -1 where there is none.
        certain: (N,) labels that are beyond doubt: the owner was asked, or confirmed the photo.
        exemplars: of the backbone; may be none.
        others: features (M, F) of the owner's photos without a label.
        base: the head to be drawn to, with the categories of the labels.
        temperature: of the base head.
    """

    owner: Samples
    not_in: NDArray[np.int64]
    certain: NDArray[np.bool_]
    exemplars: Samples
    others: Floats
    base: Head
    temperature: float = 1.0

    @classmethod
    def plain(cls, owner: Samples, exemplars: Samples, base: Head) -> TrainingSet:
        """Return a training set of which no more is known than labels."""
        width = owner.features.shape[1]
        return cls(
            owner=owner,
            not_in=np.full(len(owner), -1, np.int64),
            certain=np.zeros(len(owner), np.bool_),
            exemplars=exemplars,
            others=np.zeros((0, width), np.float32),
            base=base,
        )
