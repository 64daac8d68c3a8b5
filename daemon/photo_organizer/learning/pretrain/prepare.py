"""From cache and teacher to what the loop needs: the split, the targets, the weights to start from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.pretrain.arrays import Arrays, float32, save_arrays
from photo_organizer.learning.pretrain.batches import Floats, Targets
from photo_organizer.learning.pretrain.corpus import Corpus, open_cache
from photo_organizer.learning.pretrain.folding import unfold
from photo_organizer.learning.pretrain.soft_labels import make_soft_labels
from photo_organizer.learning.pretrain.split import (
    Integers,
    Part,
    group_copies,
    make_split,
    similar_pairs,
    thumbnails,
)

CLIP = 4.0  # Standard deviations: single wild activations of the teacher must not dominate a squared error.


@dataclass(frozen=True)
class Prepared:
    """The corpus with everything the training asks of it; arrays are in the cache's row order.

    ``parts`` and ``groups`` as in `split.Split`, ``doubted`` bool (N,), ``embedding`` float16 (N, 1280)
    standardised by
    ``mean`` and ``deviation`` of the training photos, float32 (1280,).
    """

    corpus: Corpus
    parts: Integers
    groups: Integers
    doubted: NDArray[np.bool_]
    targets: Targets
    mean: Floats
    deviation: Floats

    @property
    def training_rows(self) -> Integers:
        """The rows that the backbone may see."""
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
    """Load what `prepare` wrote, with the teacher's answers standardised."""
    corpus = open_cache(cache)
    with np.load(cache / "prepared.npz") as file:
        parts, groups, doubted = file["parts"], file["groups"], file["doubted"]
        category, weight = file["category"], file["weight"]
    with np.load(cache / "teacher.npz") as file:
        embedding, probabilities = float32(file["embedding"]), float32(file["probabilities"])
    seen = embedding[parts == Part.TRAIN]
    mean, deviation = seen.mean(0), seen.std(0) + 1e-6
    standardised = np.clip((embedding - mean) / deviation, -CLIP, CLIP).astype(np.float16)
    # The teacher's 8-bit softmax does not sum to one.
    probabilities /= np.maximum(probabilities.sum(1, keepdims=True), 1e-6)
    targets = Targets(standardised, probabilities.astype(np.float16), category, weight)
    return Prepared(corpus, parts, groups, doubted, targets, mean, deviation)


def weights_of_starter(directory: Path, mean: Floats, deviation: Floats) -> Arrays:
    """Named weights from an exported starter directory: unfolded convolutions, and its distillation heads if
    they are there.

    The embedding head is re-expressed in this corpus's standardisation: with the raw embedding r = p * s' +
    m' for the head's prediction p and its own s', m', the new prediction is (r - m) / s.

    Args:
        directory: holds ``vgg16_folded.npz``, ``batch_norm.npz``, ``distillation_heads.npz`` and
        ``head.npz``.
        mean: of this corpus's embedding, float32 (1280,).
        deviation: likewise.
    """
    with (
        np.load(directory / "vgg16_folded.npz") as folded,
        np.load(directory / "batch_norm.npz") as normalisation,
    ):
        weights = unfold(dict(folded), dict(normalisation))
    with np.load(directory / "distillation_heads.npz") as heads:
        ratio = heads["embedding_std"] / deviation
        weights["embedding/kernel"] = float32(heads["emb/kernel"]) * ratio
        weights["embedding/bias"] = (
            float32(heads["emb/bias"]) * ratio + (heads["embedding_mean"] - mean) / deviation
        )
        weights["classes/kernel"] = float32(heads["cls/kernel"])
        weights["classes/bias"] = float32(heads["cls/bias"])
    with np.load(directory / "head.npz") as head:
        weights["category/kernel"] = float32(head["kernel"])
        weights["category/bias"] = float32(head["bias"])
    return weights
