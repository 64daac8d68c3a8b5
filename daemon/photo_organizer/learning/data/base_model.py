"""What a head sits on: a backbone with the exemplars and the head that belong to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from photo_organizer.config import Configuration
from photo_organizer.learning.data.training_data import (
    BASE_HEAD,
    HEAD,
    OUT_OF_FOLD,
    Exemplars,
    base_head,
    exemplar_categories,
)
from photo_organizer.learning.events import Epoch
from photo_organizer.learning.head.head import Head
from photo_organizer.models.manifest import Manifest, read_manifest
from photo_organizer.models.staging import StagedModel

NOT_OF_THE_BODY = {HEAD, BASE_HEAD, OUT_OF_FOLD}


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A backbone in a draft, its files written.

    `categories` are the names that the base head's columns and the exemplars' labels in the files count.
    `fields` are those of the manifest that describe the backbone. `is_new` says that the backbone has been
    trained on the owner's photos, so that its predictions on them prove nothing.
    """

    base_head: Head
    exemplars: Exemplars
    categories: tuple[str, ...]
    fields: Mapping[str, Any]
    known_temperature: float
    is_new: bool = False
    epochs: tuple[Epoch, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Return how many features a photo has."""
        return len(self.base_head.kernel)


def inherit_body(champion: Path, draft: StagedModel, renamed: Mapping[str, str]) -> BaseModel:
    """Return the champion's backbone, unchanged: its files are linked into the draft.

    Args:
        champion: the folder of the model in use.
        draft: takes the files.
        renamed: categories that the owner renamed, old to new.
    """
    manifest = read_manifest(champion)
    files = [
        name for name in manifest.files if name not in NOT_OF_THE_BODY and not name.startswith("report/")
    ]
    draft.inherit(champion, *files)
    draft.inherit_as(champion / (BASE_HEAD if BASE_HEAD in manifest.files else HEAD), BASE_HEAD)
    return BaseModel(
        base_head=base_head(champion, renamed),
        exemplars=Exemplars.load(champion, renamed),
        categories=exemplar_categories(manifest),
        fields=backbone_fields(manifest),
        known_temperature=float(manifest.data.get("base_temperature", manifest.temperature)),
        notes={"backbone_origin": manifest.data.get("backbone_origin", "starter")},
    )


def backbone_origin(config: Configuration) -> str:
    """Return what `model.backbone` asks for, as it is noted in a model: "starter", "imagenet" or a file's
    path.
    """
    return str(config.model.backbone)


def needs_new_backbone(config: Configuration, champion: Manifest) -> bool:
    """Return whether the champion's backbone is of another origin than the configuration asks for."""
    return bool(champion.data.get("backbone_origin", "starter") != backbone_origin(config))


def backbone_fields(manifest: Manifest) -> dict[str, Any]:
    """Return the fields of a manifest that describe the backbone and how it is served."""
    kept = {"backbone", "input_size", "preprocessing", "features", "flip", "serving"}
    return {name: value for name, value in manifest.model_dump(mode="json").items() if name in kept}
