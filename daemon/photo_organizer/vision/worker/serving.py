"""A model that is loaded and ready: engine and head together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer.models.serving_model import ModelDescription, read_model
from photo_organizer.photo import Prediction
from photo_organizer.vision.backbone.classifier import Classifier
from photo_organizer.vision.backbone.engine import Engine, load_engine
from photo_organizer.vision.decode.decoder import DecodedPhoto
from photo_organizer.vision.feature_store import backbone_key


@dataclass(frozen=True, slots=True)
class Serving:
    """A loaded model.

    Attributes:
        model: what model.json says.
        engine: runs the backbone.
        classifier: runs the head.
        backbone_key: names the engine's features in the feature store.
    """

    model: ModelDescription
    engine: Engine
    classifier: Classifier
    backbone_key: str

    def classify(
        self, photos: Sequence[tuple[str, DecodedPhoto]]
    ) -> list[tuple[Prediction, NDArray[np.float32]]]:
        """Predictions and feature vectors (F,) of photos given with their SHA-256."""
        features = self.engine.features(np.stack([decoded.pixels for _, decoded in photos]))
        probabilities = self.classifier.probabilities(features)
        return [
            (
                Prediction(
                    sha256=sha256,
                    model=self.model.id,
                    engine=self.engine.name,
                    categories=self.classifier.categories,
                    probabilities=tuple(float(probability) for probability in row),
                    decoder=decoded.decoder,
                    taken=decoded.taken,
                    camera=decoded.camera,
                    perceptual_hash=decoded.perceptual_hash,
                ),
                vector,
            )
            for (sha256, decoded), row, vector in zip(photos, probabilities, features, strict=True)
        ]


def load_serving(directory: Path, engine: str, categories: Sequence[str]) -> Serving:
    """Load the model in `directory`, and run it once on each stream, so that no photo pays for its buffers.

    Raises:
        ModelError: it cannot be served.
    """
    model = read_model(directory)
    loaded = load_engine(model, engine)
    loaded.features(np.zeros((loaded.parallel, model.input_size, model.input_size, 3), np.uint8))
    return Serving(model, loaded, Classifier(model, categories), backbone_key(model, loaded.name))
