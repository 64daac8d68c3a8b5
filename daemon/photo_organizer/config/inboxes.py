"""The settings of one inbox, and the rules that its photos are filed by."""

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
    """One inbox. What is not given here is as it is for all."""

    path: PathValue = Field(description="The folder that is watched.", examples=["~/Pictures/Phone"])
    library: PathValue | None = Field(
        default=None,
        description="The library that its photos go to. null = `library`.",
        examples=["~/Pictures/Work"],
    )
    categories: Annotated[tuple[FolderName, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="The categories that its photos are filed in; a photo of any other goes to review. "
        "null = `categories`.",
        examples=[["Receipts", "Food"]],
    )
    thresholds: ThresholdSettings | None = Field(
        default=None,
        description="How sure the model must be here; what is not given is as in `thresholds`.",
        examples=[{"default": 0.8}],
    )
    folders: Annotated[str, AfterValidator(check_template)] | None = Field(
        default=None,
        description="Where in its library a photo goes. null = `folders`.",
        examples=["{category}/{taken:%Y}"],
    )
    duplicates: FolderName | None = Field(
        default=None,
        description="What happens to a photo that its library already has. null = `duplicates`.",
        examples=[SKIP],
    )
    action: Literal["move", "copy", "link"] = Field(
        default="move",
        description="`move` empties the inbox. `copy` leaves the originals as they are; `link` makes hard "
        "links to them (on one disk). Each original is filed once.",
        examples=["copy"],
    )
    ignore: tuple[str, ...] = Field(
        default=(),
        description="Names to leave alone here, besides those of `watch.ignore`.",
        examples=[["DCIM/.thumbnails/", "*.gif"]],
    )
    recursive: bool | None = Field(
        default=None,
        description="Take photos from folders inside it too. null = `watch.recursive`.",
        examples=[False],
    )

    @property
    def is_plain(self) -> bool:
        """Whether nothing but its path is given."""
        return self.model_fields_set == {"path"}


def _with_path(value: object) -> object:
    return value if isinstance(value, (Mapping, InboxSettings)) else {"path": value}


class _PathOrSettings:
    """What an inbox is in the JSON Schema."""

    @staticmethod
    def __get_pydantic_json_schema__(
        core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "format": "path"}, handler(core_schema)]}


InboxValue = Annotated[InboxSettings, BeforeValidator(_with_path), _PathOrSettings]


@dataclass(frozen=True, slots=True)
class FilingRules:
    """By what the photos of an inbox are filed, or those that come through none.

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
        """The folder for duplicates; None when they are kept or skipped."""
        return None if self.duplicates in {KEEP, SKIP} else self.duplicates


def overlaid(general: ThresholdSettings, own: ThresholdSettings | None) -> ThresholdSettings:
    """Return the thresholds `general` with what `own` gives in their place."""
    if own is None:
        return general
    given = own.model_fields_set
    values = {
        name: getattr(own if name in given else general, name) for name in ThresholdSettings.model_fields
    }
    return ThresholdSettings.model_validate({**general.by_category, **own.by_category, **values})
