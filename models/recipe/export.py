"""Write a starter model directory from a checkpoint or from folded convolutions.

The files are those of the model contract: ``backbone.npz`` (folded, kernels float16), ``head.npz``,
``exemplars.npz`` and ``model.json`` with the sha256 of each; the directory is complete when ``model.json``
is there, since that is written last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photo_organizer.files import file_sha256, replace_file
from photo_organizer.learning.head.head import Floats
from photo_organizer.models.manifest import PREPROCESSING
from recipe.arrays import float32, holds, save_arrays
from recipe.card import write_card
from recipe.data.collect import licences, source_weights
from recipe.data.prepare import Prepared
from recipe.data.split import Part
from recipe.head.features import (
    FeatureChoice,
    cached_photos,
    extract,
    open_engine,
    original_photos,
)
from recipe.head.refit import Labelled, Refit, Unlabelled, refit
from recipe.training.folding import folded_backbone


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """The choices of an export.

    Args:
        features: input size, pools, flip.
        strength: of the head's penalty.
        unlabelled: number of unlabelled photos that the head is also fitted on, with soft labels.
        unlabelled_weight: of all of them together, relative to the labelled photos.
    """

    features: FeatureChoice
    strength: float = 0.02
    unlabelled: int = 0
    unlabelled_weight: float = 0.5


def labelled_photos(prepared: Prepared, features: Floats) -> Labelled:
    """Return the labelled photos with their features, float32 (N, F), in the cache's order."""
    rows = np.nonzero(prepared.corpus.labels >= 0)[0]
    return Labelled(
        features,
        prepared.corpus.labels[rows],
        prepared.groups[rows],
        prepared.parts[rows],
        prepared.corpus.sources[rows],
        prepared.corpus.categories,
        source_weights(),
    )


def _features_of_labelled(
    prepared: Prepared, folded: Mapping[str, NDArray[Any]], choice: FeatureChoice, kept: Path | None
) -> Floats:
    """Return the labelled photos' features, float32 (N, F); cached in a file named after their inputs."""
    digest = hashlib.sha256(repr(choice).encode())
    for name in sorted(folded):
        digest.update(folded[name].tobytes())
    labelled = [entry for entry in prepared.corpus.entries if entry.category]
    digest.update("\n".join(entry.name for entry in labelled).encode())
    file = None if kept is None else kept / f"features-{digest.hexdigest()[:16]}.npz"
    if file is not None and file.exists():
        with np.load(file) as arrays:
            return float32(arrays["features"])
    features = extract(open_engine(folded, choice), original_photos(labelled, choice.side))
    if file is not None:
        save_arrays(file, {"features": features})
    return features


def make_model(
    prepared: Prepared, weights: Path, directory: Path, choice: ExportChoice, *, kept: Path | None = None
) -> dict[str, Any]:
    """Fold, compute features, fit the head, write the directory, and return the contents of ``model.json``.

    Args:
        prepared: corpus, split and targets.
        weights: a checkpoint of the training, or folded convolutions, as npz.
        directory: of the model.
        choice: features and head.
        kept: directory to cache the features in; None for no cache.
    """
    folded = folded_backbone(weights)
    labels = prepared.corpus.labels
    side = choice.features.side
    photos = labelled_photos(prepared, _features_of_labelled(prepared, folded, choice.features, kept))
    extra = None
    if choice.unlabelled:
        rows = np.random.default_rng(0).permutation(
            np.nonzero((labels < 0) & (prepared.parts == Part.TRAIN))[0]
        )
        rows = rows[: choice.unlabelled]
        engine = open_engine(folded, choice.features)
        features = extract(engine, cached_photos(prepared.corpus.pixels, rows, side))
        extra = Unlabelled(features, prepared.targets.category[rows], choice.unlabelled_weight)
    result = refit(photos, choice.strength, extra)
    data = {
        "labelled": int((labels >= 0).sum()),
        "unlabelled": int((labels < 0).sum()),
        "doubted_labels": int(prepared.doubted.sum()),
        "exemplars": len(result.exemplars),
        "judges": int(result.held_out.sum()),
        "categories": dict(zip(photos.categories, np.bincount(photos.labels).tolist(), strict=True)),
        "sources": np.unique(photos.sources).tolist(),
        "licences": {source: licences().get(source, "") for source in np.unique(photos.sources).tolist()},
        "held_out_sources": sorted(set(photos.sources[photos.parts == Part.OTHER_SOURCE].tolist())),
        "held_out_photos": int(np.isin(photos.parts, [Part.SAME_SOURCE, Part.OTHER_SOURCE]).sum()),
    }
    return write_model(directory, folded, photos, result, features=choice.features, data=data)


def next_id(directory: Path, today: datetime) -> str:
    """Return the next id, ``starter-<yyyymmdd>-<n>``, after that of the model in the directory."""
    prefix = f"starter-{today:%Y%m%d}-"
    manifest = directory / "model.json"
    if manifest.is_file():
        held = str(json.loads(manifest.read_text(encoding="utf-8")).get("id", ""))
        if held.startswith(prefix):
            return f"{prefix}{int(held.removeprefix(prefix)) + 1}"
    return f"{prefix}1"


def write_model(
    directory: Path,
    folded: Mapping[str, NDArray[Any]],
    photos: Labelled,
    result: Refit,
    *,
    features: FeatureChoice,
    data: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the files and return the contents of ``model.json``.

    Args:
        directory: created if missing; existing files are replaced one by one, ``model.json`` last.
        folded: from `folded_backbone`.
        photos: the labelled photos that the head was fitted on.
        result: from `refit.refit`.
        features: how the features were computed.
        data: sizes of the data, for ``model.json``.
    """
    directory.mkdir(parents=True, exist_ok=True)
    made = datetime.now().astimezone()
    identity = next_id(directory, made)
    contents: dict[str, dict[str, NDArray[Any]]] = {
        "backbone.npz": dict(folded),
        "head.npz": {"kernel": result.head.kernel, "bias": result.head.bias},
        "exemplars.npz": {
            "features": photos.features[result.exemplars].astype(np.float16),
            "labels": photos.labels[result.exemplars].astype(np.int16),
            "held_out": result.held_out,
        },
    }
    for name, arrays in contents.items():
        # A file with the same arrays stays as it is, byte by byte, so that its int8 version and git know it.
        if not holds(directory / name, arrays):
            save_arrays(directory / name, arrays)
    manifest = {
        "id": identity,
        "made": made.isoformat(timespec="seconds"),
        "categories": list(photos.categories),
        "backbone": "vgg16",
        "input_size": features.side,
        "preprocessing": PREPROCESSING,
        "features": list(features.feature_layers),
        "flip": features.flip,
        "parent": None,
        "data": dict(data),
        "metrics": result.metrics,
        "temperature": result.calibration.temperature,
        "thresholds": result.calibration.thresholds,
        "files": {name: file_sha256(directory / name) for name in contents},
    }
    replace_file(directory / "model.json", json.dumps(manifest, indent=1) + "\n")
    write_card(directory, manifest)
    return manifest
