"""Fit, calibrate and evaluate a head, and choose its exemplars.

Two heads are fitted. The *evaluated* head is fitted on the training part only; all figures in the model card
are its, on photos and sources whose labels it was not fitted on. The *shipped* head is then fitted, with the
same settings, on all photos except the held-out exemplars, and no figures are reported for it.
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
photos) ** (1 - CATEGORY_BALANCE). What is common in one collection may be rare in the
next, and a thousand similar photos add less than their number (tables in docs/starter-model.md).
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labelled photos: ``features`` float32 (N, F), ``labels``, ``groups`` and ``parts`` int64 (N,),
    ``sources`` str (N,), the category names by class index, and the weight of a photo by source (default 1).
    """

    features: Floats
    labels: Integers
    groups: Integers
    parts: Integers
    sources: NDArray[np.str_]
    categories: tuple[str, ...]
    source_weights: Mapping[str, float] = field(default_factory=dict)

    def only(self, rows: NDArray[np.bool_]) -> Labelled:
        """Return the photos where ``rows`` is True."""
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
        """Return the threshold of each category, in the order given."""
        return [self.thresholds.get(name, self.thresholds["default"]) for name in categories]


@dataclass(frozen=True, slots=True)
class Refit:
    """The shipped head with its calibration, the exemplars' rows, int64 (E,), of which the head was not
    fitted on the ``held_out`` ones, bool (E,), and ``metrics`` for ``model.json``.
    """

    head: Head
    calibration: Calibration
    exemplars: Integers
    held_out: NDArray[np.bool_]
    metrics: dict[str, Any]


def photo_weights(
    labels: Integers, sources: NDArray[np.str_], source_weights: Mapping[str, float] | None = None
) -> Floats:
    """Return the weight of each photo, float32 (N,), mean 1: large sources and categories are weighted down.

    Args:
        labels: int64 (N,).
        sources: str (N,).
        source_weights: further weight of a photo by source; default 1.
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
    """Return a function that calls `fit_head` on chosen rows, for the validation loops."""
    return lambda rows: fit_head(photos.only(rows), strength, extra)


def source_figures(
    probabilities: Floats, labels: Integers, sources: NDArray[np.str_], thresholds: list[float]
) -> dict[str, dict[str, float]]:
    """Return photos, accuracy, coverage and precision of the filed photos, for each source.

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
    """Choose temperature and thresholds on photos that the predicting head was not fitted on.

    The temperature is fitted on equal numbers of cross-validated and leave-one-source-out predictions, since
    a user's photos lie somewhere between the two. The thresholds are chosen on left-out sources alone, the
    harder half.

    Returns:
        The calibration, and the evaluation on left-out sources, overall and for each source.
    """
    fit = fitter(photos, strength, extra)
    same = same_source_logits(photos.features, photos.groups, fit)
    other, judged = other_source_logits(photos.features, photos.labels, photos.sources, photos.groups, fit)
    # As many cross-validated predictions as there are of left-out sources.
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
    """Return an evaluation as plain numbers for ``model.json``: summary, categories, confusion matrix."""
    return {
        **evaluation.summary(),
        "categories": {
            scores.category: {
                "photos": scores.photos,
                "recall": round(scores.recall, 3),
                "precision": round(scores.precision, 3),
                "filed_share": round(scores.filed_share, 3),
                "filed_precision": round(scores.filed_precision, 3),
            }
            for scores in evaluation.per_category
        },
        "confusion": evaluation.confusion.tolist(),
    }


def choose_judges(photos: Labelled, count: int, seed: int = 0) -> Integers:
    """Choose about ``count`` of the photos held out from the same sources, evenly over the categories.

    The shipped head is not fitted on them, so that later models can be evaluated on them.

    Returns:
        Row numbers.
    """
    return _evenly(photos, photos.parts == Part.SAME_SOURCE, count, seed)


def choose_exemplars(photos: Labelled, among: NDArray[np.bool_], head: Head, count: int) -> Integers:
    """Choose about ``count`` of the photos where ``among`` is True, bool (N,), evenly over the categories.

    Photos with doubtful labels are left out. Returns row numbers.
    """
    doubted = doubted_labels(softmax(head.logits(photos.features)), photos.labels)
    return _evenly(photos, among & ~doubted, count, seed=0)


def _evenly(photos: Labelled, among: NDArray[np.bool_], count: int, seed: int) -> Integers:
    """Choose rows at random, as evenly over the categories as their photos allow."""
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
    """Fit, calibrate and evaluate as the module describes; a fifth of the exemplars are held out."""
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
