"""A model folder as serving sees it: what model.json says, and whether the files are those it lists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from photo_organizer.errors import OrganizerError

PREPROCESSING = "bgr, x / 127.5 - 1"
POOLS = ("avg", "max")
BLOCK_WIDTHS = (64, 128, 256, 512, 512)  # channels of VGG16's five blocks
BLOCK_DEPTHS = (2, 2, 3, 3, 3)  # convolutions in each
BACKBONE_FILE = "backbone.npz"
HEAD_FILE = "head.npz"
INT8_FILES = ("backbone-int8.xml", "backbone-int8.bin")
_REMEDY = "choose another with `photo-organizer models use ID`"


class ModelError(OrganizerError):
    """A model that is incomplete, damaged, or not one that this program can serve."""


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What serving needs of model.json.

    `features` are pools over the outputs of VGG16's blocks ("block5.avg"), concatenated in this order; with
    `flip`, each is the mean over the photo and its mirror image. `thresholds` are the model's suggestions:
    "default" and single categories. `serving` says which precision was verified (see `quantise`).
    """

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
        return sum(BLOCK_WIDTHS[block - 1] for block, _ in self.taps)

    @property
    def taps(self) -> tuple[tuple[int, str], ...]:
        """`features` as (block 1 to 5, "avg" or "max")."""
        return tuple((int(name[5]), name[7:]) for name in self.features)

    @property
    def has_int8(self) -> bool:
        """Whether the folder lists a quantised backbone that passed its verification."""
        return all(name in self.files for name in INT8_FILES) and self.serving.get("int8") == "verified"


def read_model(directory: Path) -> ModelDescription:
    """The description of the model in `directory`; its other files are not looked at.

    Raises:
        ModelError: model.json is missing, not JSON, or asks for what this program does not do.
    """
    path = directory / "model.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            f"the model cannot be read ({error.strerror})", where=path, remedy=_REMEDY
        ) from error
    except ValueError as error:
        raise ModelError("the model's description is not JSON", where=path, remedy=_REMEDY) from error
    try:
        description = ModelDescription(
            directory=directory,
            id=str(fields["id"]),
            categories=tuple(str(name) for name in fields["categories"]),
            input_size=int(fields["input_size"]),
            features=tuple(str(name) for name in fields["features"]),
            flip=bool(fields.get("flip", False)),
            temperature=float(fields.get("temperature", 1.0)),
            thresholds={str(name): float(value) for name, value in fields.get("thresholds", {}).items()},
            serving=dict(fields.get("serving") or {}),
            files={str(name): str(digest) for name, digest in fields["files"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"the model's description is not valid ({error!r})", where=path, remedy=_REMEDY
        ) from error
    _check(description, fields, path)
    return description


def _check(description: ModelDescription, fields: Mapping[str, Any], path: Path) -> None:
    problem = ""
    if fields.get("backbone") != "vgg16":
        problem = f"the backbone {fields.get('backbone')!r} is not known here"
    elif fields.get("preprocessing") != PREPROCESSING:
        problem = f"the preprocessing {fields.get('preprocessing')!r} is not {PREPROCESSING!r}"
    elif not 32 <= description.input_size <= 1024:
        problem = f"an input size of {description.input_size} pixels is not between 32 and 1024"
    elif description.temperature <= 0:
        problem = "the temperature is not above 0"
    elif not description.categories or not description.features:
        problem = "categories or features are missing"
    elif any(not _is_tap(name) for name in description.features):
        problem = f"the features {', '.join(description.features)} are not pools such as block5.avg"
    elif any(
        PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in description.files
    ):
        problem = "a listed file lies outside the model's folder"
    elif not {BACKBONE_FILE, HEAD_FILE} <= description.files.keys():
        problem = f"{BACKBONE_FILE} or {HEAD_FILE} is not listed under files"
    if problem:
        raise ModelError(problem, where=path, remedy=_REMEDY)


def _is_tap(name: str) -> bool:
    block, _, pool = name.partition(".")
    return block in {f"block{number}" for number in range(1, 6)} and pool in POOLS


def verify_files(description: ModelDescription, names: tuple[str, ...] | None = None) -> None:
    """Check that the model's files (those named, or all that it lists) have the listed SHA-256.

    Raises:
        ModelError: a file is missing, unreadable or different.
    """
    for name in description.files if names is None else names:
        path = description.directory / name
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(
                f"a file of the model cannot be read ({error.strerror})", where=path, remedy=_REMEDY
            ) from error
        if digest != description.files.get(name):
            raise ModelError(
                "a file of the model is not the one that model.json lists", where=path, remedy=_REMEDY
            )
