"""Split the photos: group near-duplicates, hold out photos and whole sources.

All figures reported later depend on these rules:

- copies of a photo, also across sources and among unlabelled photos, form a group and stay together;
- held-out sources, and a random share of the other labelled groups, take part in no loss, with neither labels
  nor pixels;
- an unlabelled copy of a held-out photo is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from recipe.data.corpus import Corpus, Pixels

THUMBNAIL = 12
# Two photos are copies above this correlation of 12 x 12 thumbnails and this cosine of teacher embeddings:
# chosen by eye on pairs around the limits. The thumbnail alone confuses receipts, and plain portraits.
SAME_THUMBNAIL = 0.98
SAME_EMBEDDING = 0.93

Integers = NDArray[np.int64]


class Part(IntEnum):
    """The use of a photo."""

    TRAIN = 0
    SAME_SOURCE = 1
    OTHER_SOURCE = 2
    DROPPED = 3


@dataclass(frozen=True)
class Split:
    """``parts``: `Part` of each photo, int64 (N,). ``groups``: group number of each photo, int64 (N,)."""

    parts: Integers
    groups: Integers


def _unit_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(norms, 1e-6), np.float32)


def thumbnails(pixels: Pixels) -> NDArray[np.float32]:
    """Return centred, normalised thumbnails, float32 (N, 432), whose dot product is the correlation."""
    small = np.stack([cv2.resize(p, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA) for p in pixels])
    flat = small.reshape(len(small), -1).astype(np.float32)
    return _unit_rows(flat - flat.mean(1, keepdims=True))


def similar_pairs(
    thumbs: NDArray[np.float32], embeddings: NDArray[np.float32], chunk: int = 2048
) -> Iterator[tuple[int, int]]:
    """Yield the pairs (i, j), i < j, above both limits."""
    centred = _unit_rows(embeddings - embeddings.mean(0))
    for start in range(0, len(thumbs), chunk):
        alike = thumbs[start : start + chunk] @ thumbs[start:].T > SAME_THUMBNAIL
        for i, j in zip(*np.nonzero(np.triu(alike, 1)), strict=True):
            first, second = int(i) + start, int(j) + start
            if float(centred[first] @ centred[second]) > SAME_EMBEDDING:
                yield first, second


def group_copies(count: int, pairs: Iterator[tuple[int, int]]) -> Integers:
    """Return a group number for each of ``count`` photos: connected components of the pairs (union-find)."""
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for first, second in pairs:
        parent[root(second)] = root(first)
    return np.array([root(item) for item in range(count)], np.int64)


def make_split(
    corpus: Corpus, groups: Integers, held_sources: frozenset[str], share: float = 0.1, seed: int = 0
) -> Split:
    """Assign each photo a `Part`.

    Args:
        corpus: the photos.
        groups: from `group_copies`.
        held_sources: sources to hold out as a whole.
        share: share of the other labelled photos to hold out, by group, in each category.
        seed: of the random choice.
    """
    labels, sources = corpus.labels, corpus.sources
    parts = np.full(len(labels), int(Part.TRAIN), np.int64)
    other = np.isin(sources, sorted(held_sources)) & (labels >= 0)
    parts[other] = Part.OTHER_SOURCE
    random = np.random.default_rng(seed)
    taken: set[int] = set()
    for label in range(len(corpus.categories)):
        own = np.nonzero((labels == label) & ~other)[0]
        candidates = random.permutation(np.unique(groups[own]))
        taken.update(int(group) for group in candidates[: round(share * len(candidates))])
    same = np.isin(groups, sorted(taken)) & ~other
    parts[same & (labels >= 0)] = Part.SAME_SOURCE
    parts[same & (labels < 0)] = Part.DROPPED
    # Copies of a held-out source's photos in other sources would leak into the training.
    copies = np.isin(groups, np.unique(groups[other])) & ~other
    parts[copies] = Part.DROPPED
    return Split(parts, groups)


def folds_by_group(groups: Integers, folds: int, seed: int = 0) -> Integers:
    """Return a fold number for each photo, int64 (N,); a group is in one fold."""
    names, inverse = np.unique(groups, return_inverse=True)
    of_group = np.random.default_rng(seed).integers(0, folds, len(names))
    return np.asarray(of_group[inverse], np.int64)
