"""`model.json`: what a model folder says about itself, checked when it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from photo_organizer.models.serving_model import ModelError

__all__ = ["MANIFEST", "Manifest", "ModelError", "is_safe_id", "read_manifest"]

MANIFEST = "model.json"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_FILE_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST = 4 * 1024 * 1024  # a manifest is a few KB; more is not ours


def is_safe_id(name: str) -> bool:
    """Whether `name` is one plain folder name that a model may have ("current" is taken)."""
    return _ID.fullmatch(name) is not None and name != "current"


class Manifest(BaseModel):
    """The contents of `model.json`. Unknown fields are kept, so that newer models survive an older program.

    `features` names the pools over the last layers of the blocks, in the order in which the head expects them
    ("block5.avg"). `thresholds` are suggestions: `default` and single categories. `files` maps each file,
    relative to the folder and with forward slashes, to its sha256.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    made: str
    categories: tuple[str, ...]
    backbone: str
    input_size: int = Field(ge=32, le=1024)
    preprocessing: str
    features: tuple[str, ...]
    flip: bool = False
    parent: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)
    temperature: float = Field(gt=0, default=1.0)
    thresholds: dict[str, float] = Field(default_factory=dict)
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
                f"the manifest is not valid: {field + ': ' if field else ''}{first['msg']}", where=where
            ) from error

    def to_json(self) -> str:
        """The text of `model.json`."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def read_manifest(model: Path) -> Manifest:
    """The manifest of the model in the folder `model`; the files that it lists are not looked at.

    Raises:
        ModelError: there is none, it cannot be read, or it is not valid.
    """
    path = model / MANIFEST
    try:
        if path.stat().st_size > _LARGEST:
            raise ModelError("the manifest is far too large to be one", where=path)
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"the model cannot be read ({error.strerror})", where=path) from error
    except ValueError as error:
        raise ModelError("the manifest is not JSON", where=path) from error
    if not isinstance(fields, dict):
        raise ModelError("the manifest is not a JSON object", where=path)
    return Manifest.parse(fields, where=path)
