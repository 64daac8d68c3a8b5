"""The settings of an inbox, and the rules for filing its photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from photo_organizer.config.folders import FolderTemplate
from photo_organizer.config.settings import (
    FolderName,
    PathValue,
    Section,
    ThresholdSettings,
    check_template,
)

KEEP = "keep"
SKIP = "skip"


class InboxSettings(Section):
    """An inbox. Settings that are not given have the values of the whole configuration."""

    path: PathValue = Field(description="Folder to watch.", examples=["~/Pictures/Phone"])
    library: PathValue | None = Field(
        default=None,
        description="Library for photos of this inbox. null = `library`.",
        examples=["~/Pictures/Work"],
    )
    categories: Annotated[tuple[FolderName, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Categories for this inbox; photos of other categories go to the review folder. null = "
        "`categories`.",
        examples=[["Receipts", "Food"]],
    )
    thresholds: ThresholdSettings | None = Field(
        default=None,
        description="Minimum confidence for this inbox, from 0 to 1; overrides `thresholds`.",
        examples=[{"default": 0.8}],
    )
    folders: Annotated[str, AfterValidator(check_template)] | None = Field(
        default=None,
        description="Path of a photo's folder inside the library. null = `folders`.",
        examples=["{category}/{taken:%Y}"],
    )
    duplicates: FolderName | None = Field(
        default=None,
        description="What to do with exact copies of photos that are already filed. null = `duplicates`.",
        examples=[SKIP],
    )
    action: Literal["move", "copy", "link"] = Field(
        default="move",
        description="`move` moves photos to the library. `copy` copies them, and `link` creates hard "
        "links (on the same disk); both leave the originals unchanged and file each one once.",
        examples=["copy"],
    )
    ignore: tuple[str, ...] = Field(
        default=(),
        description="Glob patterns of file names to ignore, in addition to `watch.ignore`.",
        examples=[["DCIM/.thumbnails/", "*.gif"]],
    )
    recursive: bool | None = Field(
        default=None,
        description="Also file photos in subfolders of this inbox. null = `watch.recursive`.",
        examples=[False],
    )

    @property
    def is_plain(self) -> bool:
        """Return whether only the path is given."""
        return self.model_fields_set == {"path"}


def _with_path(value: object) -> object:
    return value if isinstance(value, (Mapping, InboxSettings)) else {"path": value}


class _PathOrSettings:
    """Return the JSON Schema of an inbox."""

    @staticmethod
    def __get_pydantic_json_schema__(
        core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "format": "path"}, handler(core_schema)]}


InboxValue = Annotated[InboxSettings, BeforeValidator(_with_path), _PathOrSettings]


@dataclass(frozen=True, slots=True)
class FilingRules:
    """The rules for filing the photos of an inbox, or photos that are not in an inbox.

    Attributes:
        library: where they go.
        categories: those that they are filed in; None for the general ones.
        thresholds: how sure the model must be.
        template: where in the library a photo goes.
        duplicates: `keep`, `skip`, or the folder for photos that the library already has.
        action: `move`, `copy` or `link`.
    """

    library: Path
    categories: tuple[str, ...] | None
    thresholds: ThresholdSettings
    template: FolderTemplate
    duplicates: str
    action: str = "move"

    @property
    def duplicates_folder(self) -> str | None:
        """Return the folder for duplicates; None when they are kept or skipped."""
        return None if self.duplicates in {KEEP, SKIP} else self.duplicates


def overlaid(general: ThresholdSettings, own: ThresholdSettings | None) -> ThresholdSettings:
    """Return the thresholds `general`, overridden by those in `own`."""
    if own is None:
        return general
    given = own.model_fields_set
    values = {
        name: getattr(own if name in given else general, name) for name in ThresholdSettings.model_fields
    }
    return ThresholdSettings.model_validate({**general.by_category, **own.by_category, **values})
