"""Compute features with a folded backbone, using the decoder and engine of the daemon.

The head is thus fitted on exactly the features it will get, and a model that the daemon would refuse is
refused here already.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats
from photo_organizer.models.manifest import BACKBONE_FILE
from photo_organizer.models.serving_model import ModelDescription
from photo_organizer.vision.backbone.engine import BF16_FLAGS, Engine, cpu_flags
from photo_organizer.vision.backbone.openvino_engine import OpenVinoEngine
from photo_organizer.vision.decode.decoder import decode
from recipe.arrays import save_arrays
from recipe.data.corpus import PhotoEntry, Pixels, squeeze

CHUNK = 64


@dataclass(frozen=True, slots=True)
class FeatureChoice:
    """Which features the head is fitted on.

    Args:
        side: input size in pixels; the whole photo is squeezed to a square.
        feature_layers: pools over block outputs, for example ``("block4.avg", "block5.avg")``.
        flip: average the features of the photo and of its mirror image.
    """

    side: int = 96
    feature_layers: tuple[str, ...] = ("block5.avg",)
    flip: bool = False


def open_engine(
    folded: Mapping[str, NDArray[Any]], choice: FeatureChoice, *, threads: int | None = None
) -> Engine:
    """Open the serving engine for a backbone without a model directory; bfloat16 if the CPU supports it.

    Args:
        folded: ``blockB_convK/kernel`` and ``/bias``.
        choice: the features to compute.
        threads: cores to use; all when None.
    """
    with tempfile.TemporaryDirectory(prefix="pretrain-") as name:
        directory = Path(name)
        save_arrays(directory / BACKBONE_FILE, folded)
        description = ModelDescription(
            directory, "pretraining", (), choice.side, choice.feature_layers, choice.flip, 1.0, {}, {}, {}
        )
        precision = "bf16" if cpu_flags() & BF16_FLAGS else "f32"
        return OpenVinoEngine(description, precision, threads=threads)


def extract(engine: Engine, photos: Iterable[Pixels]) -> Floats:
    """Return the features, float32 (N, F), of photos that have the engine's input size."""
    parts: list[Floats] = []
    waiting: list[Pixels] = []
    for photo in photos:
        waiting.append(photo)
        if len(waiting) == CHUNK:
            parts.append(engine.features(np.stack(waiting)))
            waiting.clear()
    if waiting:
        parts.append(engine.features(np.stack(waiting)))
    return np.concatenate(parts)


def original_photos(entries: Iterable[PhotoEntry], side: int) -> Iterator[Pixels]:
    """Decode labelled photos from their files as the daemon does, uint8 (side, side, 3) each."""
    for entry in entries:
        yield decode(Path(entry.origin).read_bytes(), side).pixels


def cached_photos(pixels: Pixels, rows: Iterable[int], side: int) -> Iterator[Pixels]:
    """Yield photos of the pixel cache, uint8 (side, side, 3) each."""
    for row in rows:
        yield squeeze(pixels[row], side)
