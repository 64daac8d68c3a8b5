"""Simulated owners: photos of sources that the starter's head has not seen, with the starter that does not
know them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.data.training_data import Exemplars, base_head
from photo_organizer.learning.head.head import Floats, Head, Labels, Scaling, fit, one_hot, softmax
from photo_organizer.learning.head.samples import Samples
from photo_organizer.learning.judge.calibration import fit_temperature
from photo_organizer.models.manifest import read_manifest

STARTER_STRENGTH = 0.3
TARGET_PRECISION = 0.95
FEWEST_PHOTOS, FEWEST_CATEGORIES = 240, 3
EXEMPLARS, HELD_OUT_SHARE = 2000, 0.15


@dataclass(frozen=True, slots=True)
class LabelledFeatures:
    """Features (N, F) of labelled photos, their labels (N,) and the source of each (N,)."""

    features: Floats
    labels: Labels
    sources: NDArray[np.str_]
    categories: tuple[str, ...]

    def only(self, chosen: NDArray[np.bool_]) -> LabelledFeatures:
        """Return the chosen photos."""
        return LabelledFeatures(
            self.features[chosen], self.labels[chosen], self.sources[chosen], self.categories
        )


@dataclass(frozen=True, slots=True)
class Starter:
    """A head with its temperature, threshold and exemplars, and photos of its own sources that it has not
    seen.
    """

    head: Head
    temperature: float
    threshold: float
    exemplars: Samples
    held_out: Samples
    own_sources: LabelledFeatures


def owners(photos: LabelledFeatures, count: int) -> list[tuple[str, ...]]:
    """Return sets of sources, each with photos enough of categories that the other sources have too: sources
    alone where that suffices, then three together, drawn at random.
    """
    names = sorted(set(photos.sources.tolist()))
    random = np.random.default_rng(0)
    candidates = [(name,) for name in names]
    candidates += [tuple(sorted(random.choice(names, 3, replace=False).tolist())) for _ in range(10 * count)]
    found = [sources for sources in dict.fromkeys(candidates) if _suffices(photos, sources)]
    return found[:count]


def _suffices(photos: LabelledFeatures, sources: Sequence[str]) -> bool:
    mine = np.isin(photos.sources, sources)
    known = np.isin(photos.labels, photos.labels[~mine])
    return bool(
        (mine & known).sum() >= FEWEST_PHOTOS
        and len(np.unique(photos.labels[mine & known])) >= FEWEST_CATEGORIES
    )


def starter_without(photos: LabelledFeatures, sources: Sequence[str]) -> Starter:
    """Fit a starter as the shipped one was fitted, on everything but these sources."""
    rest = photos.only(~np.isin(photos.sources, sources))
    random = np.random.default_rng(0)
    held = random.random(len(rest.labels)) < HELD_OUT_SHARE
    seen, unseen = rest.only(~held), rest.only(held)
    head = _fit(seen)
    logits, labels = _left_out(seen)
    same = random.permutation(len(unseen.labels))[: len(labels)]
    temperature = fit_temperature(
        np.concatenate([logits, head.logits(unseen.features[same])]),
        np.concatenate([labels, unseen.labels[same]]),
    )
    chosen = _evenly(seen, EXEMPLARS * 4 // 5, random)
    judges = _evenly(unseen, min(EXEMPLARS // 5, len(unseen.labels) // 2), random)
    others = np.ones(len(unseen.labels), np.bool_)
    others[judges] = False
    return Starter(
        head=head,
        temperature=temperature,
        threshold=_threshold(softmax(logits, temperature), labels),
        exemplars=as_samples(seen.features[chosen], seen.labels[chosen]),
        held_out=as_samples(unseen.features[judges], unseen.labels[judges]),
        own_sources=unseen.only(others),
    )


def shipped_starter(model: Path) -> Starter:
    """Return a model as it is, for photos that it has not been trained on."""
    manifest = read_manifest(model)
    exemplars = Exemplars.load(model, {})
    head = base_head(model, {})
    width = head.kernel.shape[0]
    taught = exemplars.samples(manifest.categories, held_out=False, width=width)
    held_out = exemplars.samples(manifest.categories, held_out=True, width=width)
    sources = np.full(len(held_out), "exemplars")
    return Starter(
        head=head,
        temperature=manifest.temperature,
        threshold=manifest.thresholds["default"],
        exemplars=taught,
        held_out=held_out,
        own_sources=LabelledFeatures(held_out.features, held_out.labels, sources, manifest.categories),
    )


def as_samples(features: Floats, labels: Labels) -> Samples:
    """Return photos that weigh the same and have nothing to do with one another."""
    return Samples(features, labels, np.ones(len(labels), np.float32), np.arange(len(labels)))


def _fit(photos: LabelledFeatures) -> Head:
    count = np.maximum(np.bincount(photos.labels, minlength=len(photos.categories)), 1)
    weights = (1 / count[photos.labels]).astype(np.float32)
    scaling = Scaling.of(photos.features)
    shape = (photos.features.shape[1], len(photos.categories))
    nothing = Head(np.zeros(shape, np.float32), np.zeros(shape[1], np.float32), photos.categories)
    targets = one_hot(photos.labels, shape[1])
    head = fit(scaling.apply(photos.features), targets, weights, prior=nothing, strength=STARTER_STRENGTH)
    return scaling.from_scaled(head)


def _left_out(photos: LabelledFeatures) -> tuple[Floats, Labels]:
    """Return logits and labels of each source, by heads that were fitted without it."""
    logits, labels = [], []
    for source in np.unique(photos.sources):
        out = photos.sources == source
        judged = out & np.isin(photos.labels, photos.labels[~out])
        if judged.any():
            logits.append(_fit(photos.only(~out)).logits(photos.features[judged]))
            labels.append(photos.labels[judged])
    return np.concatenate(logits), np.concatenate(labels)


def _threshold(probabilities: Floats, labels: Labels) -> float:
    """Return the lowest threshold from which on every higher one keeps the precision of left-out sources."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    chosen = 0.95
    for step in np.round(np.arange(0.95, 0.39, -0.05), 2).tolist():
        filed = confidence >= step
        if filed.any() and right[filed].mean() < TARGET_PRECISION:
            break
        chosen = step
    return chosen


def _evenly(photos: LabelledFeatures, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    pools = [
        random.permutation(np.flatnonzero(photos.labels == label)) for label in range(len(photos.categories))
    ]
    chosen, left = [], count
    for place, pool in enumerate(sorted(pools, key=len)):
        taken = pool[: left // (len(pools) - place)]
        chosen.append(taken)
        left -= len(taken)
    return np.sort(np.concatenate(chosen))
