"""`model.json`: what a model folder says about itself, checked when it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from photo_organizer.errors import OrganizerError
from photo_organizer.files import file_sha256, read_small_file
from photo_organizer.typed_command import typed

REPORT = "report"
COVERAGE = "coverage.csv"
"""In the report: how much each threshold files, and how much of that is right."""

METRICS = "metrics.csv"
"""In the report: the figures of each category."""

MANIFEST = "model.json"
BACKBONE_FILE = "backbone.npz"
HEAD_FILE = "head.npz"
INT8_FILES = ("backbone-int8.xml", "backbone-int8.bin")
PREPROCESSING = "bgr, x / 127.5 - 1"
_TAP = re.compile(r"block[1-5]\.(avg|max)")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_FILE_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST = 4 * 1024 * 1024  # bytes; a manifest is a few KB; more is not ours


class ModelError(OrganizerError):
    """A model that is incomplete, damaged, or not one that this program can serve."""


def is_safe_id(name: str) -> bool:
    """Whether `name` is one plain folder name that a model may have ("current" is taken)."""
    return _ID.fullmatch(name) is not None and name != "current"


class Manifest(BaseModel):
    """The contents of `model.json`. Unknown fields are kept, so that newer models survive an older program.

    `features` are pools over the outputs of VGG16's blocks ("block5.avg"), in the order in which the head
    expects them; with `flip`, each is the mean over the photo and its mirror image. `thresholds` are the
    model's suggestions: `default` and single categories. `serving` says which precision was verified (see
    `quantise`). `files` maps each file, relative to the folder and with forward slashes, to its SHA-256.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    made: str
    categories: tuple[str, ...]
    backbone: Literal["vgg16"]
    input_size: int = Field(ge=32, le=1024)
    preprocessing: Literal["bgr, x / 127.5 - 1"]
    features: tuple[str, ...]
    flip: bool = False
    parent: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)
    temperature: float = Field(gt=0, default=1.0)
    thresholds: dict[str, float] = Field(default_factory=dict)
    serving: dict[str, Any] = Field(default_factory=dict)
    files: dict[str, str]

    @field_validator("id")
    @classmethod
    def _plain_id(cls, value: str) -> str:
        if not is_safe_id(value):
            raise ValueError("not a plain name")
        return value

    @field_validator("categories")
    @classmethod
    def _different_categories(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) < 2 or len(set(value)) != len(value):
            raise ValueError("two or more different categories are needed")
        return value

    @field_validator("features")
    @classmethod
    def _pools(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(_TAP.fullmatch(name) for name in value):
            raise ValueError("one or more pools such as block5.avg are needed")
        return value

    @field_validator("files")
    @classmethod
    def _files_inside(cls, value: dict[str, str]) -> dict[str, str]:
        for name, digest in value.items():
            parts = PurePosixPath(name).parts
            if not parts or not all(_FILE_PART.fullmatch(part) for part in parts) or "/".join(parts) != name:
                raise ValueError(f"{name!r} is not a plain file name inside the folder")
            if not _SHA256.fullmatch(digest):
                raise ValueError(f"{name!r} has no sha256")
        return value

    @model_validator(mode="after")
    def _weights_listed(self) -> Self:
        missing = {"backbone.npz", "head.npz"} - self.files.keys()
        if missing:
            raise ValueError(f"{', '.join(sorted(missing))} is not listed under files")
        return self

    @classmethod
    def parse(cls, fields: Mapping[str, Any], *, where: Path) -> Manifest:
        """The manifest made of `fields`.

        Raises:
            ModelError: a field is missing or wrong; names the field.
        """
        try:
            return cls.model_validate(dict(fields))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise ModelError(
                f"the manifest is not valid: {field + ': ' if field else ''}{first['msg']}",
                where=where,
                remedy=_remedy(),
            ) from error

    def to_json(self) -> str:
        """The text of `model.json`."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def read_manifest(model: Path) -> Manifest:
    """The manifest of the model in the folder `model`; the files that it lists are not looked at.

    Raises:
        ModelError: there is none, it cannot be read, it is not valid, or it asks for what this program does
            not do.
    """
    path = model / MANIFEST
    try:
        fields = json.loads(read_small_file(path, _LARGEST))
    except OSError as error:
        what = f"the model cannot be read ({error.strerror})"
        raise ModelError(what, where=path, remedy=_remedy()) from error
    except (ValueError, RecursionError) as error:
        raise ModelError("the manifest is not JSON", where=path, remedy=_remedy()) from error
    if not isinstance(fields, dict):
        raise ModelError("the manifest is not a JSON object", where=path, remedy=_remedy())
    return Manifest.parse(fields, where=path)


def verify_files(model: Path, files: Mapping[str, str]) -> None:
    """Check that a model's files have the SHA-256 that its manifest lists.

    Args:
        model: the model's folder.
        files: the manifest's `files`, or those of them that matter.

    Raises:
        ModelError: a file is missing, unreadable, not a regular file, or different.
    """
    for name, expected in files.items():
        try:
            actual = file_sha256(model / name)
        except OSError as error:
            what = f"a file of the model cannot be read ({error.strerror})"
            raise ModelError(what, where=model / name, remedy=_remedy()) from error
        if actual != expected:
            what = f"a file of the model is not the one that {MANIFEST} lists (its SHA-256 differs)"
            raise ModelError(what, where=model / name, remedy=_remedy())


def _remedy() -> str:
    return f"choose another with `{typed('models use ID')}`"
