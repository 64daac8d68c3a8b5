"""The last look before promotion: the vision process itself loads the challenger and says what was
measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from photo_organizer.config import Configuration
from photo_organizer.errors import OrganizerError
from photo_organizer.learning.data.training_data import OwnerPhotos
from photo_organizer.models.serving_model import read_model
from photo_organizer.photo import FileIdentity, Photo
from photo_organizer.vision.backbone.classifier import Classifier
from photo_organizer.vision.client.client import VisionClient
from photo_organizer.vision.client.driving import answers
from photo_organizer.vision.outcome import Classified

_PHOTOS = 12
_TOLERANCE = 0.02  # float16 in the feature store


def disagreement(
    config: Configuration, model: Path, categories: Sequence[str], owner: OwnerPhotos
) -> str | None:
    """Return why the vision process cannot serve a model as it was judged; None when it can.

    Args:
        config: engine and limits.
        model: the challenger's folder, sealed.
        categories: its categories.
        owner: photos with the features by which it was judged; a dozen of them are shown to it.
    """
    labels = owner.labels[:: max(1, len(owner.labels) // _PHOTOS)]
    rows = range(0, len(owner.labels), max(1, len(owner.labels) // _PHOTOS))
    expected = Classifier(read_model(model), categories).probabilities(owner.samples.features[list(rows)])
    by_content = {label.sha256: row for label, row in zip(labels, expected, strict=True)}
    photos = [
        Photo(label.path, FileIdentity.of(label.path.lstat())) for label in labels if label.path.exists()
    ]
    client = VisionClient(
        model,
        engine=config.model.engine,
        categories=tuple(categories),
        limits=config.limits,
        batch=config.batch.size,
    )
    try:
        with closing(client):
            for outcome in answers(client, photos):
                if not isinstance(outcome, Classified) or outcome.prediction.sha256 not in by_content:
                    continue  # changed meanwhile
                said = np.array(outcome.prediction.probabilities)
                if np.abs(said - by_content[outcome.prediction.sha256]).max() > _TOLERANCE:
                    return "the vision process says something else of the same photos than was measured"
    except OrganizerError as error:
        return f"the vision process cannot serve it ({error})"
    return None
