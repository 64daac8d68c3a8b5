"""Features of photos from a folded backbone, by the decoder and the engine that serve photos later.

The head is then fitted on exactly what it will see, and a model that the serving code would refuse is found
out here.
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
    """Which features feed the head.

    Args:
        side: pixels of the square the whole photo is squeezed to.
        feature_layers: pools over block outputs, for example ``("block4.avg", "block5.avg")``.
        flip: average the features of the photo and of its mirror image.
    """

    side: int = 96
    feature_layers: tuple[str, ...] = ("block5.avg",)
    flip: bool = False


def open_engine(
    folded: Mapping[str, NDArray[Any]], choice: FeatureChoice, *, threads: int | None = None
) -> Engine:
    """The serving engine for a backbone that is not in a model directory yet; bfloat16 where the CPU has it.

    Args:
        folded: ``blockB_convK/kernel`` and ``/bias``.
        choice: what to compute.
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
    """Features, float32 (N, F), of photos already squeezed to the engine's input size."""
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
    """Labelled photos decoded from their own files as a user's would be, uint8 (side, side, 3) each."""
    for entry in entries:
        yield decode(Path(entry.origin).read_bytes(), side).pixels


def cached_photos(pixels: Pixels, rows: Iterable[int], side: int) -> Iterator[Pixels]:
    """Photos of the pixel cache, uint8 (side, side, 3) each."""
    for row in rows:
        yield squeeze(pixels[row], side)
