"""What it says of a photo that it lies in a category: its provenance.

A file that was moved as a companion, or that is one by its name, has no label. For each other photo:

| it was filed in | it lies in | provenance |
|---|---|---|
| another category | this one | `corrected` |
| Review | this category | `reviewed` |
| nowhere (or was taken back by undo) | this category | `placed` |
| this category, and confirmed there | this category | `confirmed` |
| this category, moved away (and found there) and back | this category | `confirmed` |
| this category | this category | `untouched`: the model's own guess |

A photo that was edited in place has the provenance of the photo that lay there before. One that lies
in two categories at once says nothing, and is counted. When a whole category folder was renamed (its old name
is neither configured nor there any more, and four of five of its photos lie under the new one) its photos
stay `untouched`, for a rename says nothing about single photos.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.learning.labels.journal_history import Filed, JournalHistory
from photo_organizer.learning.labels.label_store import Confirmation, KnownFile, Label, Provenance
from photo_organizer.learning.labels.library_walk import FoundPhoto, Walk

_RENAME_SHARE = 0.8
_RENAME_FEWEST = 3


@dataclass(frozen=True, slots=True)
class LabelRules:
    """The table above, applied to the journal's history and the labels of the last scan."""

    filed: Mapping[str, Filed]
    before: Mapping[str, Label]
    confirmed: Mapping[str, Confirmation]
    renamed: Mapping[str, str]
    predecessor: Mapping[str, str]

    def label(self, photo: FoundPhoto, now: datetime) -> Label | None:
        """Return the photo's label; None when where it lies says nothing."""
        provenance = self._provenance(photo)
        if provenance is None:
            return None
        return Label(photo.sha256, photo.category, provenance, as_path(photo.path), now)

    def _provenance(self, photo: FoundPhoto) -> Provenance | None:
        content = photo.sha256
        if content not in self.filed and content not in self.before:
            content = self.predecessor.get(content, content)
        filed, before = self.filed.get(content), self.before.get(content)
        if filed is None:
            return before.provenance if before and before.category == photo.category else Provenance.PLACED
        if filed.category is None:
            # what lies where it was put is no statement of the owner's, whatever the folder is called now
            return None if os.path.dirname(filed.path) == os.path.dirname(photo.path) else Provenance.REVIEWED
        if self._home(filed.category) != photo.category:
            return Provenance.CORRECTED
        confirmation = self.confirmed.get(content)
        is_confirmed = confirmation is not None and self._home(confirmation.category) == photo.category
        if is_confirmed or filed.corrected_to is not None:
            return Provenance.CONFIRMED
        return Provenance.UNTOUCHED

    def _home(self, category: str) -> str:
        """Return what a category is called today."""
        return self.renamed.get(category, category)


def as_path(path: bytes) -> Path:
    """Return a path of the scan, which is bytes, as a `Path`."""
    return Path(os.fsdecode(path))


def renamed_categories(
    config: Configuration, photos: Iterable[FoundPhoto], filed: Mapping[str, Filed]
) -> dict[str, str]:
    """Return the category folders that were renamed, old names to new ones."""
    places = {photo.category for photo in photos}
    lies: dict[str, Counter[str]] = {}
    for photo in photos:
        record = filed.get(photo.sha256)
        if record is not None and record.category is not None and record.category != photo.category:
            lies.setdefault(record.category, Counter())[photo.category] += 1
    renamed = {}
    for old, now_in in lies.items():
        new, count = now_in.most_common(1)[0]
        enough = count >= _RENAME_FEWEST and count >= _RENAME_SHARE * now_in.total()
        if old not in config.all_categories and old not in places and enough:
            renamed[old] = new
    return renamed


def predecessors_of(
    found_now: Walk,
    known: Mapping[bytes, KnownFile],
    history: JournalHistory,
    found: Sequence[FoundPhoto],
) -> dict[str, str]:
    """Return, for a photo that was edited in place, the content that lay under its path before and is nowhere
    any more.
    """
    present = {photo.sha256 for photo in found_now.photos}
    heirs = {}
    for photo in found:
        before, moved = known.get(photo.path), history.photos.get(photo.path)
        former = before.sha256 if before is not None else moved.sha256 if moved is not None else None
        if former is not None and former != photo.sha256 and former not in present:
            heirs[photo.sha256] = former
    return heirs
