"""Features of labelled photos: from vision's store where they are, else from the vision process, once.

Photos go through the very process that serves: the same decoder, engine and precision, features written to
the same store, and a photo that kills its decoder kills neither the training nor the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from photo_organizer.config import Configuration
from photo_organizer.learning.head.head import Floats
from photo_organizer.models.serving_model import read_model
from photo_organizer.photo import FileIdentity, Photo
from photo_organizer.vision.backbone.engine import choose
from photo_organizer.vision.client.client import VisionClient
from photo_organizer.vision.client.driving import answers
from photo_organizer.vision.feature_location import move_older_store
from photo_organizer.vision.feature_store import FeatureStore, backbone_key
from photo_organizer.vision.outcome import Classified

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What the split needs of a photo: when it was taken, if it says so, and its 64-bit hash in hex."""

    taken: datetime | None
    perceptual_hash: str


@dataclass(frozen=True, slots=True)
class PhotoFeatures:
    """Features (F,) and facts by sha256. `failed` says of the others why they have none."""

    features: Mapping[str, Floats]
    facts: Mapping[str, PhotoFacts]
    failed: Mapping[str, str]
    computed: int

    def matrix(self, photos: Sequence[str]) -> Floats:
        """Return features (N, F) of photos that have them, in their order."""
        return np.stack([self.features[sha256] for sha256 in photos]).astype(np.float32)


def photo_features(
    config: Configuration,
    model: Path,
    photos: Mapping[str, Path],
    *,
    progress: Callable[[int, int], None],
) -> PhotoFeatures:
    """Return features of `photos` under a model's backbone.

    Args:
        config: engine, limits, and the state directory with the feature store.
        model: the model's folder.
        photos: paths by sha256; a file that no longer has this content is reported as failed.
        progress: called with (done, of how many) photos that had to be looked at.

    Raises:
        ModelError: the model cannot be served.
        VisionError: the vision process cannot be started.
    """
    store_path = config.feature_store_path
    move_older_store(store_path)
    key = _key(config, model)
    with FeatureStore(store_path) as store:
        known = store.get(key, list(photos))
        facts = store.facts(list(photos))
    missing = [sha256 for sha256 in photos if sha256 not in known or sha256 not in facts]
    found: dict[str, PhotoFacts] = {}
    failed: dict[str, str] = {}
    for _ in range(_ATTEMPTS):
        seen, rejected = _look_at(config, model, {sha256: photos[sha256] for sha256 in missing}, progress)
        found |= seen
        failed |= rejected
        with FeatureStore(store_path) as store:
            known |= store.get(key, [sha256 for sha256 in seen if sha256 not in known])
        # On a busy machine the process can be ended before it has written its last features.
        missing = [sha256 for sha256 in seen if sha256 not in known]
        if not missing:
            break
    return PhotoFeatures(
        features={sha256: vector.astype(np.float32) for sha256, vector in known.items()},
        facts={sha256: PhotoFacts(*fact) for sha256, fact in facts.items()} | found,
        failed={
            sha256: failed.get(sha256, "it could not be looked at")
            for sha256 in photos
            if sha256 not in known
        },
        computed=len(found),
    )


def known_features(config: Configuration, model: Path, photos: Sequence[str]) -> dict[str, Floats]:
    """Return the features of those of `photos` (sha256) that a model's backbone has seen before."""
    with FeatureStore(config.feature_store_path) as store:
        known = store.get(_key(config, model), photos)
    return {sha256: vector.astype(np.float32) for sha256, vector in known.items()}


def _key(config: Configuration, model: Path) -> str:
    description = read_model(model)
    name, precision, _ = choose(description, config.model.engine)
    return backbone_key(description, f"{name} {precision}")


def _look_at(
    config: Configuration, model: Path, photos: Mapping[str, Path], progress: Callable[[int, int], None]
) -> tuple[dict[str, PhotoFacts], dict[str, str]]:
    found: dict[str, PhotoFacts] = {}
    failed: dict[str, str] = {}
    if not photos:
        return found, failed
    wanted = {path: sha256 for sha256, path in photos.items()}
    waiting = _existing(photos, failed)
    client = VisionClient(
        model,
        engine=config.model.engine,
        categories=read_model(model).categories,
        limits=config.limits,
        features=config.feature_store_path,
        batch=config.batch.size,
    )
    with closing(client):
        for outcome in answers(client, waiting):
            sha256 = wanted[outcome.photo.path]
            if not isinstance(outcome, Classified):
                failed[sha256] = outcome.reason
            elif outcome.prediction.sha256 != sha256:
                failed[sha256] = "it was changed since the library was scanned"
            else:
                found[sha256] = PhotoFacts(outcome.prediction.taken, outcome.prediction.perceptual_hash)
            progress(len(found) + len(failed), len(photos))
    return found, failed


def _existing(photos: Mapping[str, Path], failed: dict[str, str]) -> Iterator[Photo]:
    for sha256, path in photos.items():
        try:
            yield Photo(path, FileIdentity.of(path.lstat()))
        except OSError as error:
            failed[sha256] = f"it cannot be read ({error.strerror})"
