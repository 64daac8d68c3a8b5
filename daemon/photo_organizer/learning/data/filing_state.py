"""What became of the owner's photos: where each was filed, and what the photos without a label look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats
from photo_organizer.learning.labels.label_store import Label, Provenance

MOST_PHOTOS = 2000
"""Photos without a label that are looked at; more do not change what is learned or estimated from them."""

FiledIn = Mapping[str, str | None]
"""By sha256: the category that a photo was filed in last; None for one that went to Review."""


@dataclass(frozen=True, slots=True)
class UnlabelledPhotos:
    """The owner's photos without a label that the vision process has seen.

    Attributes:
        photos: sha256 of each (M,).
        features: (M, F).
        filed: (M,) whether it was filed and left there; the others wait in Review.
    """

    photos: tuple[str, ...]
    features: Floats
    filed: NDArray[np.bool_]


def unlabelled_photos(filed_in: FiledIn, labels: Sequence[Label]) -> dict[str, bool]:
    """Return the photos without a label, by sha256, and whether each was filed; a random part of very many.

    Args:
        filed_in: the library's memory.
        labels: of the last scan; a photo that was filed and is not among them is gone.
    """
    found = {label.sha256: label for label in labels}
    left = {
        sha256: category is not None
        for sha256, category in sorted(filed_in.items())
        if (found[sha256].provenance is Provenance.UNTOUCHED if sha256 in found else category is None)
    }
    chosen = np.random.default_rng(0).permutation(len(left))[:MOST_PHOTOS]
    names = list(left)
    return {names[index]: left[names[index]] for index in sorted(chosen.tolist())}


def with_features(filed: Mapping[str, bool], features: Mapping[str, Floats], width: int) -> UnlabelledPhotos:
    """Return those of the photos whose features are known; `width` is how many each has."""
    known = tuple(sha256 for sha256 in filed if sha256 in features)
    return UnlabelledPhotos(
        photos=known,
        features=np.stack([features[sha256] for sha256 in known]).astype(np.float32)
        if known
        else np.zeros((0, width), np.float32),
        filed=np.array([filed[sha256] for sha256 in known], np.bool_),
    )


def moved_out_of(
    labels: Sequence[Label], filed_in: FiledIn, renamed: Mapping[str, str], categories: Sequence[str]
) -> NDArray[np.int64]:
    """Return (N,) the position of the category that the owner moved each photo out of, or -1."""
    position = {name: index for index, name in enumerate(categories)}
    former = [filed_in.get(label.sha256) for label in labels]
    return np.array(
        [
            position.get(renamed.get(name, name), -1)
            if name and label.provenance is Provenance.CORRECTED
            else -1
            for name, label in zip(former, labels, strict=True)
        ],
        np.int64,
    )
