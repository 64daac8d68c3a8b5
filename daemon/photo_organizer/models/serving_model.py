"""What serving needs to know of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photo_organizer.models.manifest import INT8_FILES, read_manifest

BLOCK_WIDTHS = (64, 128, 256, 512, 512)  # channels of VGG16's five blocks
BLOCK_DEPTHS = (2, 2, 3, 3, 3)  # convolutions in each


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model's folder, and the fields of its manifest (see `Manifest`) that serving reads."""

    directory: Path
    id: str
    categories: tuple[str, ...]
    input_size: int
    features: tuple[str, ...]
    flip: bool
    temperature: float
    thresholds: Mapping[str, float]
    serving: Mapping[str, Any]
    files: Mapping[str, str]

    @property
    def feature_size(self) -> int:
        """Width of the feature vector."""
        return sum(BLOCK_WIDTHS[block - 1] for block, _ in self.feature_layers)

    @property
    def feature_layers(self) -> tuple[tuple[int, str], ...]:
        """`features` as (block 1 to 5, "avg" or "max")."""
        return tuple((int(name[5]), name[7:]) for name in self.features)

    @property
    def has_int8(self) -> bool:
        """Whether the folder lists a quantised backbone that passed its verification."""
        return all(name in self.files for name in INT8_FILES) and self.serving.get("int8") == "verified"

    def listed(self, *names: str) -> dict[str, str]:
        """Return the SHA-256 of each of these files, as the manifest lists them."""
        return {name: self.files[name] for name in names}


def read_model(directory: Path) -> ModelDescription:
    """Return the description of the model in `directory`; only its manifest is read.

    Raises:
        ModelError: the manifest is missing, not valid, or asks for what this program does not do.
    """
    manifest = read_manifest(directory)
    return ModelDescription(
        directory=directory,
        id=manifest.id,
        categories=manifest.categories,
        input_size=manifest.input_size,
        features=manifest.features,
        flip=manifest.flip,
        temperature=manifest.temperature,
        thresholds=manifest.thresholds,
        serving=manifest.serving,
        files=manifest.files,
    )
