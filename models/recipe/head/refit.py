"""From features to a shipped head: fit, temperature, threshold, exemplars, and honest figures.

Two heads are fitted. The *judged* head has seen the training part only; the figures of the model card come
from it, on photos and sources of which neither this training's backbone nor the head has seen a label. The
*shipped* head is then fitted on everything but the judges among the exemplars, with the same choices:
nothing is reported from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats, Head
from photo_organizer.learning.judge.calibration import fit_temperature
from photo_organizer.learning.judge.evaluation import Evaluation, evaluate
from recipe.arrays import float32
from recipe.data.soft_labels import doubted_labels
from recipe.data.split import Integers, Part
from recipe.head.linear import fit_linear, one_hot, softmax
from recipe.head.thresholds import choose_thresholds
from recipe.head.validate import FitHead, other_source_logits, same_source_logits

WANTED_PRECISION = 0.91
"""Share of the filed photos of left-out sources whose label should agree. Of the predictions that contradict
a label half are acceptable all the same when looked at (44 of 87), so that this makes 0.95 acceptable.
"""
OWN_PRECISION = 0.95
"""Share of a category's filed photos that should be acceptable where it has a threshold of its own."""
SOURCE_BALANCE = 0.25
CATEGORY_BALANCE = 0.5
"""A photo weighs (photos of its category in its source) ** -SOURCE_BALANCE, and a category as much as (its
photos) ** (1 - CATEGORY_BALANCE). What is common in a collection says little about the next one, and
thousands of photos of one kind say less than their number (docs/starter-model.md has the tables).
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labelled photos: ``features`` float32 (N, F), ``labels`` and ``groups`` and ``parts`` int64 (N,),
    ``sources`` str (N,), the category names by class index, and how much a photo of a source counts (1 where
    nothing is said).
    """

    features: Floats
    labels: Integers
    groups: Integers
    parts: Integers
    sources: NDArray[np.str_]
    categories: tuple[str, ...]
    source_weights: Mapping[str, float] = field(default_factory=dict)

    def only(self, rows: NDArray[np.bool_]) -> Labelled:
        """The photos where ``rows`` is True."""
        return Labelled(
            self.features[rows],
            self.labels[rows],
            self.groups[rows],
            self.parts[rows],
            self.sources[rows],
            self.categories,
            self.source_weights,
        )


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """Photos with category targets only: ``features`` float32 (M, F), ``targets`` float32 (M, C), and the
    weight of all of them together relative to the labelled ones.
    """

    features: Floats
    targets: Floats
    total_weight: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """``temperature`` and ``thresholds`` by category name, with ``default``."""

    temperature: float
    thresholds: dict[str, float]

    def vector(self, categories: tuple[str, ...]) -> list[float]:
        """The threshold of each category."""
        return [self.thresholds.get(name, self.thresholds["default"]) for name in categories]


@dataclass(frozen=True, slots=True)
class Refit:
    """The shipped head with its calibration, the exemplars' rows, int64 (E,), of which ``held_out``, bool
    (E,), were not trained on, and ``metrics`` for ``model.json``.
    """

    head: Head
    calibration: Calibration
    exemplars: Integers
    held_out: NDArray[np.bool_]
    metrics: dict[str, Any]


def photo_weights(
    labels: Integers, sources: NDArray[np.str_], source_weights: Mapping[str, float] | None = None
) -> Floats:
    """Weight of each photo, float32 (N,), mean 1: sources and categories count less than their size.

    Args:
        labels: int64 (N,).
        sources: str (N,).
        source_weights: how much a photo of a source counts besides; 1 where nothing is said.
    """
    names, source = np.unique(sources, return_inverse=True)
    _, kind, counts = np.unique(np.stack([labels, source]), axis=1, return_inverse=True, return_counts=True)
    weights = counts[kind.ravel()].astype(np.float64) ** -SOURCE_BALANCE
    weights *= np.array([(source_weights or {}).get(str(name), 1.0) for name in names])[source]
    total = np.bincount(labels, weights)
    weights *= np.bincount(labels)[labels] ** (1 - CATEGORY_BALANCE) / total[labels]
    return np.asarray(weights / weights.mean(), np.float32)


def fit_head(photos: Labelled, strength: float, extra: Unlabelled | None = None) -> Head:
    """Fit a head. Replacing labels that a cross-validated head contradicts was tried, and changed nothing."""
    features, targets = photos.features, one_hot(photos.labels, len(photos.categories))
    weights = photo_weights(photos.labels, photos.sources, photos.source_weights)
    if extra is not None:
        share = extra.total_weight * weights.sum() / len(extra.features)
        features = np.concatenate([features, extra.features])
        targets = np.concatenate([targets, extra.targets])
        weights = np.concatenate([weights, np.full(len(extra.features), share, np.float32)])
    return fit_linear(features, targets, weights, photos.categories, strength)


def fitter(photos: Labelled, strength: float, extra: Unlabelled | None = None) -> FitHead:
    """`fit_head` on chosen rows, for the validation loops."""
    return lambda rows: fit_head(photos.only(rows), strength, extra)


def source_figures(
    probabilities: Floats, labels: Integers, sources: NDArray[np.str_], thresholds: list[float]
) -> dict[str, dict[str, float]]:
    """Photos, accuracy, coverage and precision of what is filed, of each source.

    Args:
        probabilities: calibrated, float32 (N, C).
        labels: int64 (N,).
        sources: str (N,).
        thresholds: C.
    """
    predicted = probabilities.argmax(axis=1)
    right = predicted == labels
    filed = probabilities.max(axis=1) >= np.asarray(thresholds)[predicted]
    figures_of: dict[str, dict[str, float]] = {}
    for source in np.unique(sources):
        own = sources == source
        figures_of[str(source)] = {
            "photos": int(own.sum()),
            "accuracy": round(float(right[own].mean()), 3),
            "coverage": round(float(filed[own].mean()), 3),
            "filed_precision": round(float(right[own & filed].mean()), 3) if (own & filed).any() else 1.0,
        }
    return figures_of


def calibrate(
    photos: Labelled, strength: float, extra: Unlabelled | None = None
) -> tuple[Calibration, Evaluation, dict[str, dict[str, float]]]:
    """Temperature and thresholds from photos that the predicting head had not seen, the figures on left-out
    sources, and those of each source.

    The temperature fits cross-validated and left-out-source predictions, as many of the one as of the other,
    since a user's photos are somewhere between the two; the threshold fits the left-out sources alone, the
    harder half.
    """
    fit = fitter(photos, strength, extra)
    same = same_source_logits(photos.features, photos.groups, fit)
    other, judged = other_source_logits(photos.features, photos.labels, photos.sources, photos.groups, fit)
    # Where a source was left out, rows are those judged; the same number of the others keeps the two in
    # balance.
    chosen = np.random.default_rng(0).permutation(len(same))[: int(judged.sum())]
    logits = np.concatenate([same[chosen], other[judged]])
    temperature = fit_temperature(logits, np.concatenate([photos.labels[chosen], photos.labels[judged]]))
    probabilities, labels = softmax(float32(other[judged] / temperature)), photos.labels[judged]
    thresholds = choose_thresholds(probabilities, labels, photos.categories, WANTED_PRECISION, OWN_PRECISION)
    calibration = Calibration(round(temperature, 4), thresholds)
    vector = calibration.vector(photos.categories)
    return (
        calibration,
        evaluate(probabilities, labels, photos.categories, vector),
        source_figures(probabilities, labels, photos.sources[judged], vector),
    )


def figures(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as plain numbers for ``model.json``: the summary, each category, the confusion matrix."""
    return {
        **evaluation.summary(),
        "categories": {
            it.category: {
                "photos": it.photos,
                "recall": round(it.recall, 3),
                "precision": round(it.precision, 3),
                "filed_precision": round(it.filed_precision, 3),
            }
            for it in evaluation.per_category
        },
        "confusion": evaluation.confusion.tolist(),
    }


def choose_judges(photos: Labelled, count: int, seed: int = 0) -> Integers:
    """Row numbers of about ``count`` of the photos held out from the same sources, evenly over the
    categories. The shipped head is not fitted on them, so that later models can be judged on them.
    """
    return _evenly(photos, photos.parts == Part.SAME_SOURCE, count, seed)


def choose_exemplars(photos: Labelled, among: NDArray[np.bool_], head: Head, count: int) -> Integers:
    """Row numbers of about ``count`` of the photos ``among`` which to choose, bool (N,), evenly over the
    categories, doubtful ones left out.
    """
    doubted = doubted_labels(softmax(head.logits(photos.features)), photos.labels)
    return _evenly(photos, among & ~doubted, count, seed=0)


def _evenly(photos: Labelled, among: NDArray[np.bool_], count: int, seed: int) -> Integers:
    """Rows at random, as evenly over the categories as there are photos."""
    random = np.random.default_rng(seed)
    pools = [
        random.permutation(np.nonzero((photos.labels == c) & among)[0]) for c in range(len(photos.categories))
    ]
    chosen: list[Integers] = []
    left = count
    for place, pool in enumerate(sorted(pools, key=len)):
        taken = pool[: left // (len(pools) - place)]
        chosen.append(taken)
        left -= len(taken)
    return np.sort(np.concatenate(chosen))


def refit(photos: Labelled, strength: float, extra: Unlabelled | None = None, exemplars: int = 2000) -> Refit:
    """Fit, calibrate and judge as the module describes; a fifth of the exemplars are judges."""
    training = photos.only(photos.parts == Part.TRAIN)
    judged_head = fit_head(training, strength, extra)
    calibration, left_out, by_source = calibrate(training, strength, extra)
    metrics: dict[str, Any] = {}
    for name, part in (("same_sources", Part.SAME_SOURCE), ("other_sources", Part.OTHER_SOURCE)):
        held = photos.only(photos.parts == part)
        if len(held.labels):
            probabilities = softmax(judged_head.logits(held.features) / np.float32(calibration.temperature))
            thresholds = calibration.vector(photos.categories)
            metrics[name] = {
                **figures(evaluate(probabilities, held.labels, photos.categories, thresholds)),
                "sources": source_figures(probabilities, held.labels, held.sources, thresholds),
            }
    metrics["leave_one_source_out"] = {**figures(left_out), "sources": by_source}
    judges = choose_judges(photos, exemplars // 5)
    fitted = ~np.isin(np.arange(len(photos.labels)), judges)
    head = fit_head(photos.only(fitted), strength, extra)
    taught = choose_exemplars(photos, fitted, head, exemplars - len(judges))
    return Refit(
        head,
        calibration,
        np.concatenate([taught, judges]),
        np.repeat([False, True], [len(taught), len(judges)]),
        metrics,
    )
