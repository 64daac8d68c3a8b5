"""How good a model is on photos that it was not trained on. Every figure counts hold-out photos, nothing is
estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats, Labels
from photo_organizer.learning.judge.calibration import (
    TARGETS,
    Reliability,
    Suggestion,
    reliability,
    suggest_thresholds,
)

_LEAST = 1e-3  # probability below which being wrong costs no more, for a category that a model does not know


@dataclass(frozen=True, slots=True)
class CategoryFigures:
    """One category: how many photos it has, and what was made of them. Precision of nothing predicted is
    0.
    """

    category: str
    photos: int
    predicted: int
    precision: float
    recall: float
    f1: float
    filed_share: float  # of the photos predicted so, at the threshold
    filed_precision: float  # of the photos filed so; 1.0 when none is


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's figures on a set of photos.

    `coverage` is the share of photos that the thresholds file, `filed_precision` the share of these that is
    right. `confusion` counts true category (row) against predicted (column).
    """

    categories: tuple[str, ...]
    photos: int
    accuracy: float
    macro_f1: float
    macro_recall: float
    log_loss: float
    coverage: float
    filed_precision: float
    per_category: tuple[CategoryFigures, ...]
    confusion: NDArray[np.int64]
    reliability: Reliability
    suggestions: dict[float, tuple[Suggestion, ...]]

    @property
    def calibration_error(self) -> float:
        """Return expected calibration error."""
        return self.reliability.error

    def summary(self) -> dict[str, float]:
        """Return the figures that go into `model.json` and the history of retrainings."""
        return {
            "photos": self.photos,
            "accuracy": round(self.accuracy, 4),
            "macro_f1": round(self.macro_f1, 4),
            "macro_recall": round(self.macro_recall, 4),
            "log_loss": round(self.log_loss, 4),
            "calibration_error": round(self.calibration_error, 4),
            "coverage": round(self.coverage, 4),
            "filed_precision": round(self.filed_precision, 4),
        }


def evaluate(
    probabilities: Floats, labels: Labels, categories: Sequence[str], thresholds: Sequence[float]
) -> Evaluation:
    """Return the figures of one model on one set of photos.

    Args:
        probabilities: (N, C), rows summing to 1; N may be 0.
        labels: (N,) positions in `categories`.
        categories: C names.
        thresholds: of each category, at which photos are filed.
    """
    classes = len(categories)
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    confusion = np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(
        classes, classes
    )
    filed = confidence >= np.asarray(thresholds)[predicted]
    right = predicted == labels
    figures = tuple(
        _figures(name, index, confusion, predicted=predicted, filed=filed, right=right)
        for index, name in enumerate(categories)
    )
    present = [category for category in figures if category.photos]
    return Evaluation(
        categories=tuple(categories),
        photos=len(labels),
        accuracy=_mean(right),
        macro_f1=_mean([category.f1 for category in present]),
        macro_recall=_mean([category.recall for category in present]),
        log_loss=_mean(log_losses(probabilities, labels)),
        coverage=_mean(filed),
        filed_precision=_mean(right[filed]) if filed.any() else 1.0,
        per_category=figures,
        confusion=confusion,
        reliability=reliability(probabilities, labels),
        suggestions={
            target: suggest_thresholds(probabilities, labels, categories, target) for target in TARGETS
        },
    )


def log_losses(probabilities: Floats, labels: Labels) -> NDArray[np.float64]:
    """Return what each photo's true category cost, in nats; at most 6.9, so that one impossible photo cannot
    rule.
    """
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.maximum(true, _LEAST))


def _figures(
    category: str,
    index: int,
    confusion: NDArray[np.int64],
    *,
    predicted: NDArray[np.int64],
    filed: NDArray[np.bool_],
    right: NDArray[np.bool_],
) -> CategoryFigures:
    photos, guesses, hits = (
        int(confusion[index].sum()),
        int(confusion[:, index].sum()),
        int(confusion[index, index]),
    )
    mine = predicted == index
    kept = mine & filed
    return CategoryFigures(
        category=category,
        photos=photos,
        predicted=guesses,
        precision=hits / guesses if guesses else 0.0,
        recall=hits / photos if photos else 0.0,
        f1=2 * hits / (photos + guesses) if photos + guesses else 0.0,
        filed_share=_mean(filed[mine]),
        filed_precision=_mean(right[kept]) if kept.any() else 1.0,
    )


def _mean(values: Sequence[float] | NDArray[np.bool_] | NDArray[np.float64]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
