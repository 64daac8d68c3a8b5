"""From the cache and the teacher's output to the training data: split, groups of copies, targets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipe.arrays import float32, save_arrays
from recipe.data.batches import Standard, Targets
from recipe.data.corpus import Corpus, open_cache
from recipe.data.soft_labels import make_soft_labels
from recipe.data.split import (
    Integers,
    Part,
    group_copies,
    make_split,
    similar_pairs,
    thumbnails,
)


@dataclass(frozen=True)
class Prepared:
    """The corpus with all that training and export need; arrays are in the cache's row order.

    ``parts`` and ``groups`` as in `split.Split`, ``doubted`` bool (N,), ``standard`` of the training photos.
    """

    corpus: Corpus
    parts: Integers
    groups: Integers
    doubted: NDArray[np.bool_]
    targets: Targets
    standard: Standard

    @property
    def training_rows(self) -> Integers:
        """Return the rows that the backbone is trained on."""
        return np.asarray(np.nonzero(self.parts == Part.TRAIN)[0], np.int64)


def prepare(cache: Path, held_sources: frozenset[str], share: float, seed: int = 0) -> None:
    """Write ``prepared.npz`` into the cache: split, groups, category targets. Takes about a minute for
    33,000 photos.
    """
    corpus = open_cache(cache)
    embedding = float32(np.load(cache / "teacher.npz")["embedding"])
    groups = group_copies(len(corpus.entries), similar_pairs(thumbnails(corpus.pixels), embedding))
    split = make_split(corpus, groups, held_sources, share, seed)
    seen = split.parts == Part.TRAIN
    classes = len(corpus.categories)
    soft = make_soft_labels(embedding[seen], corpus.labels[seen], groups[seen], classes)
    category = np.full((len(seen), classes), 1.0 / classes, np.float32)
    weight = np.zeros(len(seen), np.float32)
    doubted = np.zeros(len(seen), np.bool_)
    category[seen], weight[seen], doubted[seen] = soft.targets, soft.weights, soft.doubted
    save_arrays(
        cache / "prepared.npz",
        {
            "parts": split.parts,
            "groups": groups,
            "category": category,
            "weight": weight,
            "doubted": doubted,
        },
    )


def open_prepared(cache: Path) -> Prepared:
    """Load what `prepare` wrote, with the teacher's embedding standardised."""
    corpus = open_cache(cache)
    with np.load(cache / "prepared.npz") as file:
        parts, groups, doubted = file["parts"], file["groups"], file["doubted"]
        category, weight = file["category"], file["weight"]
    with np.load(cache / "teacher.npz") as file:
        embedding = float32(file["embedding"])
    seen = embedding[parts == Part.TRAIN]
    standard = Standard(seen.mean(0), seen.std(0) + 1e-6)
    targets = Targets(standard.of(embedding).astype(np.float16), category, weight)
    return Prepared(corpus, parts, groups, doubted, targets, standard)
