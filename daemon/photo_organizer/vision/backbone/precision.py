"""What a reduced precision costs: its decisions against those of float32 on the same photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photo_organizer.models.serving_model import ModelDescription
from photo_organizer.vision.backbone.classifier import Classifier
from photo_organizer.vision.backbone.openvino_engine import OpenVinoEngine
from photo_organizer.vision.labelled_photos import LabelledPixels

EQUAL_DECISIONS = 0.99
"""At least this share of photos must get the same category and the same side of the threshold."""
ACCURACY_LOSS = 0.005
"""At most this much accuracy may be lost."""
_FALLBACK_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class PrecisionCheck:
    """A reduced precision against float32 on the same photos.

    Attributes:
        precision: "int8" or "bf16".
        photos: how many were compared.
        equal_decisions: share with the same category and the same side of its threshold.
        accuracy, accuracy_float: share of right categories with this precision and with float32.
    """

    precision: str
    photos: int
    equal_decisions: float
    accuracy: float
    accuracy_float: float

    @property
    def passed(self) -> bool:
        """Whether it may serve."""
        return (
            self.equal_decisions >= EQUAL_DECISIONS
            and self.accuracy_float - self.accuracy <= ACCURACY_LOSS + 1e-9
        )

    def __str__(self) -> str:
        return (
            f"{self.precision}: {self.equal_decisions:.1%} equal decisions, accuracy {self.accuracy:.1%} "
            f"against {self.accuracy_float:.1%} in float32, on {self.photos} photos"
        )


def compare(
    model: ModelDescription,
    precision: str,
    check: LabelledPixels,
    exact: NDArray[np.float32],
    *,
    categories: tuple[str, ...] | None = None,
) -> PrecisionCheck:
    """Compare a reduced precision with float32, whose features of the same photos are `exact` (N, F)."""
    classifier = Classifier(model, categories or model.categories)
    places = {name: place for place, name in enumerate(classifier.categories)}
    wanted = np.array([places.get(name, -1) for name in model.categories])[check.labels]
    decided = _decisions(model, classifier, exact)
    reduced = _decisions(model, classifier, OpenVinoEngine(model, precision).features(check.pixels))
    return PrecisionCheck(
        precision=precision,
        photos=len(wanted),
        equal_decisions=float((decided == reduced).mean()),
        accuracy=float((reduced // 2 == wanted).mean()),
        accuracy_float=float((decided // 2 == wanted).mean()),
    )


def _decisions(
    model: ModelDescription, classifier: Classifier, features: NDArray[np.float32]
) -> NDArray[np.int64]:
    """For each photo twice the place of its category, and one more when it reaches its threshold."""
    default = model.thresholds.get("default", _FALLBACK_THRESHOLD)
    thresholds = np.array([model.thresholds.get(name, default) for name in classifier.categories])
    probabilities = classifier.probabilities(features)
    first = probabilities.argmax(axis=1).astype(np.int64)
    decisions: NDArray[np.int64] = 2 * first + (probabilities.max(axis=1) >= thresholds[first])
    return decisions
