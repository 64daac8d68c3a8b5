"""Simulated owners: photos of sources that the starter's head has not seen, with the starter that does not
know them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from photo_organizer.learning.data.training_data import Exemplars, base_head
from photo_organizer.learning.head.head import Floats, Head, Labels, Scaling, fit, one_hot, softmax
from photo_organizer.learning.head.samples import Samples
from photo_organizer.learning.judge.calibration import fit_temperature
from photo_organizer.models.manifest import read_manifest

STARTER_STRENGTH, SOURCE_BALANCE, CATEGORY_BALANCE = 0.02, 0.25, 0.5
"""Penalty and weights of the shipped starter (models/recipe/head/refit.py)."""
STARTER_PRECISION = 0.91
"""Share of labels that agree with what the starter files of sources left out (docs/starter-model.md)."""
SOURCE_FOLDS = 6
PHOTOS_OF_AN_OWNER, FEWEST_CATEGORIES, LARGEST_SHARE = 500, 4, 0.4
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


def owners(photos: LabelledFeatures, count: int) -> list[NDArray[np.int64]]:
    """Return the photos of simulated owners, as positions: sources are dealt out at random, none to two
    owners, until each owner has photos enough. No source has more than two in five of an owner's photos, and
    all of an owner's categories occur in other sources, too.
    """
    random = np.random.default_rng(0)
    found: list[NDArray[np.int64]] = []
    names = random.permutation(np.unique(photos.sources)).tolist()
    rows: list[int] = []
    for name in names:
        source = np.flatnonzero(photos.sources == name)
        known = np.isin(photos.labels[source], photos.labels[photos.sources != name])
        rows += random.permutation(source[known])[: int(LARGEST_SHARE * PHOTOS_OF_AN_OWNER)].tolist()
        if len(rows) >= PHOTOS_OF_AN_OWNER and len(np.unique(photos.labels[rows])) >= FEWEST_CATEGORIES:
            found.append(np.sort(np.array(rows, np.int64)))
            rows = []
    return found[:count]


def starter_without(photos: LabelledFeatures, sources: Sequence[str] | NDArray[np.str_]) -> Starter:
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
    weights = _weights(photos)
    scaling = Scaling.of(photos.features)
    shape = (photos.features.shape[1], len(photos.categories))
    nothing = Head(np.zeros(shape, np.float32), np.zeros(shape[1], np.float32), photos.categories)
    targets = one_hot(photos.labels, shape[1])
    head = fit(scaling.apply(photos.features), targets, weights, prior=nothing, strength=STARTER_STRENGTH)
    return scaling.from_scaled(head)


def _weights(photos: LabelledFeatures) -> Floats:
    """Return weights (N,) under which sources and categories count less than their number of photos."""
    kinds = pd.DataFrame({"label": photos.labels, "source": photos.sources})
    weights = kinds.groupby(["label", "source"])["label"].transform("size").astype(float) ** -SOURCE_BALANCE
    total = weights.groupby(kinds["label"]).transform("sum")
    size = kinds.groupby("label")["label"].transform("size")
    return (weights * size ** (1 - CATEGORY_BALANCE) / total).to_numpy(np.float32)


def _left_out(photos: LabelledFeatures) -> tuple[Floats, Labels]:
    """Return logits and labels of each source, by heads that were fitted without it and some others."""
    logits, labels = [], []
    names = np.unique(photos.sources)
    for number in range(min(SOURCE_FOLDS, len(names))):
        out = np.isin(photos.sources, names[number::SOURCE_FOLDS])
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
        if filed.any() and right[filed].mean() < STARTER_PRECISION:
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
