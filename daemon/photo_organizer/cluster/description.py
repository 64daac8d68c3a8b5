"""What a worker computes with. Workers whose answers could differ are not used."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from photo_organizer.files import file_sha256
from photo_organizer.models.manifest import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from photo_organizer.models.serving_model import ModelDescription

RESOURCE = "photo-organizer "
DECODERS = ("opencv-python-headless", "pillow", "pillow-heif", "rawpy", "pillow-jxl-plugin", "openvino")


@dataclass(frozen=True, slots=True)
class Computation:
    """What decides about a photo besides its bytes.

    Attributes:
        version: of this program.
        model: id of the model.
        model_sha256: of its model.json, which has the hashes of its weights.
        engine: engine and precision (see `arithmetic`).
        libraries: the versions of what decodes and computes.
    """

    version: str
    model: str
    model_sha256: str
    engine: str
    libraries: str

    @classmethod
    def here(cls, model: ModelDescription, engine: str) -> Computation:
        """Return what this machine computes with.

        Args:
            model: the model that it serves.
            engine: `model.engine` of the configuration.

        Raises:
            ModelError: the engine is not installed.
            OSError: the model cannot be read.
        """
        from photo_organizer import __version__  # noqa: PLC0415 (of the package that this is in)
        from photo_organizer.vision.backbone.engine import arithmetic  # noqa: PLC0415 (loads numpy)

        return cls(
            __version__, model.id, file_sha256(model.directory / MANIFEST), arithmetic(model, engine),
            ", ".join(f"{name} {found}" for name in DECODERS if (found := _version(name))),
        )  # fmt: skip

    def to_resource(self) -> str:
        """Return it as the name of a Dask resource: with that a worker tells the scheduler."""
        return RESOURCE + json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_resources(cls, resources: Mapping[str, Any]) -> Computation | None:
        """Return what a worker told; None when it is not one of ours."""
        for name in resources:
            if name.startswith(RESOURCE):
                try:
                    told = json.loads(name[len(RESOURCE) :])
                    return cls(**{field.name: str(told[field.name]) for field in fields(cls)})
                except (ValueError, KeyError, TypeError):
                    return None
        return None

    def difference(self, other: Computation) -> str:
        """Return in words what another has that this one has not; empty when they are equal."""
        names = {
            "version": "version", "model": "the model", "model_sha256": "the model's contents",
            "engine": "the engine", "libraries": "the libraries",
        }  # fmt: skip
        for name, word in names.items():
            own, theirs = getattr(self, name), getattr(other, name)
            if own != theirs:
                if name == "model_sha256":
                    return f"{word} differ, although both are called {self.model}"
                return f"it has {word} {theirs}, and this run {own}"
        return ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
