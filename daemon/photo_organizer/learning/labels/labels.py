"""From where the photos lie to what the owner meant: labels with provenance.

The library is scanned, never watched, so a photo that was moved while the daemon was down counts like any
other. What is recognised is the content (sha256): renames and moves keep a photo's label, a copy adds none.
For each photo:

| it was filed in | it lies in | provenance |
|---|---|---|
| another category | this one | `corrected` |
| Review | this category | `reviewed` |
| nowhere (or was taken back by undo) | this category | `placed` |
| this category, never moved | this category | `untouched`: the model's own guess |
| this category, moved away and back | this category | what it was called when it was away |

A photo that was edited in place takes over the provenance of the photo that lay there before. One that lies
in two categories at once says nothing, and is counted. When a whole category folder was renamed (its old name
is neither configured nor there any more, and four of five of its photos lie under the new one) its photos
stay `untouched`, for a rename says nothing about single photos.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from photo_organizer.config import Configuration
from photo_organizer.errors import OrganizerError
from photo_organizer.learning.labels.label_store import KnownFile, Label, LabelStore, Provenance
from photo_organizer.learning.labels.library_walk import (
    FoundPhoto,
    Walk,
    category_folders,
    dataset_folders,
    walk,
)

_RENAME_SHARE = 0.8
_RENAME_FEWEST = 3


@dataclass(frozen=True, slots=True)
class Filed:
    """Where a photo was filed last. `category` is None when that was Review or it was taken back."""

    sha256: str
    path: Path
    category: str | None
    in_review: bool


@dataclass(frozen=True, slots=True)
class Correction:
    """What goes into the ledger: the photo, where it was filed, where it lies now, and the owner's
    category.
    """

    sha256: str
    source: Path
    destination: Path
    category: str


class FilingHistory(Protocol):
    """The library's memory, as far as learning asks."""

    def filed(self) -> Iterable[Filed]:
        """Each photo that was ever filed, once, as it was filed last."""
        ...

    def correct(self, corrections: Sequence[Correction]) -> None:
        """Appends a `corrected` row for each."""
        ...


@dataclass(frozen=True, slots=True)
class Scan:
    """The labels of today. `ambiguous` photos lie in two categories; `renamed` maps old category names to
    new.
    """

    labels: tuple[Label, ...]
    corrections: tuple[Correction, ...]
    renamed: Mapping[str, str]
    ambiguous: int
    read: int
    unreadable: tuple[Path, ...]

    def count(self, *, untouched_weight: float) -> Counter[str]:
        """How many photos each category can learn from."""
        return Counter(
            it.category
            for it in self.labels
            if untouched_weight > 0 or it.provenance is not Provenance.UNTOUCHED
        )


def scan_library(
    config: Configuration,
    store: LabelStore,
    history: FilingHistory,
    *,
    now: datetime,
    progress: Callable[[int], None],
) -> Scan:
    """Scans the library, brings the label store up to date, and puts new corrections into the ledger.

    Killed anywhere, the next scan finds the same: corrections are marked as reported after the ledger has
    them.

    Args:
        config: whose library is scanned.
        store: the label store of its state directory.
        history: the library's memory of what was filed where.
        now: the first-seen time of what is new.
        progress: called with the number of photos found so far.
    """
    known = store.files()
    found_now = walk(config.library, category_folders(config), known, progress)
    filed = {it.sha256: it for it in history.filed()}
    renamed = _renamed_categories(config, found_now.photos, filed)
    found, ambiguous = _by_content(found_now.photos)
    before = store.labels()
    rules = _Rules(filed, before, renamed, _predecessors(found_now, known, filed, found))
    labels = tuple(_dated(rules.label(photo, now), before) for photo in found)
    store.remember_files(found_now.changed, found_now.gone)
    store.replace_labels(labels)
    corrections = _unreported_corrections(labels, filed, store)
    if corrections:
        history.correct(corrections)
        store.mark_reported([it.sha256 for it in corrections])
    return Scan(labels, corrections, renamed, ambiguous, found_now.read, found_now.unreadable)


def scan_dataset(root: Path, store: LabelStore, *, now: datetime, progress: Callable[[int], None]) -> Scan:
    """Takes a data set with a folder for each category as it stands.

    Args:
        root: the folder that holds the category folders.
        store: remembers the files, so that they are read once.
        now: the first-seen time.
        progress: called with the number of photos found so far.

    Raises:
        OrganizerError: there is no such folder, or it holds no category folders.
    """
    if not root.is_dir():
        raise OrganizerError("there is no such folder of photos", where=root)
    found_now = walk(root, dataset_folders(root), store.files(), progress)
    store.remember_files(found_now.changed, found_now.gone)
    found, ambiguous = _by_content(found_now.photos)
    if not found:
        remedy = "give a folder that holds a folder of photos for each category"
        raise OrganizerError("no photos were found in folders below it", where=root, remedy=remedy)
    labels = tuple(Label(it.sha256, it.category, Provenance.DATASET, it.path, now) for it in found)
    return Scan(labels, (), {}, ambiguous, found_now.read, found_now.unreadable)


@dataclass(frozen=True, slots=True)
class _Rules:
    """The table above."""

    filed: Mapping[str, Filed]
    before: Mapping[str, Label]
    renamed: Mapping[str, str]
    predecessor: Mapping[str, str]

    def label(self, photo: FoundPhoto, now: datetime) -> Label:
        return Label(photo.sha256, photo.category, self._provenance(photo), photo.path, now)

    def _provenance(self, photo: FoundPhoto) -> Provenance:
        content = photo.sha256
        if content not in self.filed and content not in self.before:
            content = self.predecessor.get(content, content)
        filed, before = self.filed.get(content), self.before.get(content)
        if filed is None or (filed.category is None and not filed.in_review):
            return before.provenance if before and before.category == photo.category else Provenance.PLACED
        if filed.in_review:
            return Provenance.REVIEWED
        home = self.renamed.get(filed.category or "", filed.category)
        if home != photo.category:
            return Provenance.CORRECTED
        moved = before is not None and before.provenance is Provenance.CORRECTED
        return Provenance.CORRECTED if moved else Provenance.UNTOUCHED


def _by_content(photos: Iterable[FoundPhoto]) -> tuple[list[FoundPhoto], int]:
    """One entry a content, and how many were left out because they lie in several categories."""
    first: dict[str, FoundPhoto] = {}
    torn: set[str] = set()
    for photo in photos:
        other = first.setdefault(photo.sha256, photo)
        if other.category != photo.category:
            torn.add(photo.sha256)
    return [it for it in first.values() if it.sha256 not in torn], len(torn)


def _renamed_categories(
    config: Configuration, photos: Iterable[FoundPhoto], filed: Mapping[str, Filed]
) -> dict[str, str]:
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
        if old not in config.categories and old not in places and enough:
            renamed[old] = new
    return renamed


def _predecessors(
    found_now: Walk,
    known: Mapping[bytes, KnownFile],
    filed: Mapping[str, Filed],
    found: Sequence[FoundPhoto],
) -> dict[str, str]:
    """For a photo that was edited in place: the content that lay under its path before and is nowhere any
    more.
    """
    present = {photo.sha256 for photo in found_now.photos}
    filed_at = {os.fsencode(it.path): it.sha256 for it in filed.values()}
    heirs = {}
    for photo in found:
        path = os.fsencode(photo.path)
        before = known.get(path)
        former = before.sha256 if before is not None else filed_at.get(path)
        if former is not None and former != photo.sha256 and former not in present:
            heirs[photo.sha256] = former
    return heirs


def _dated(label: Label, before: Mapping[str, Label]) -> Label:
    former = before.get(label.sha256)
    if former is None or (former.category, former.provenance) != (label.category, label.provenance):
        return label
    return replace(label, first_seen=former.first_seen)


def _unreported_corrections(
    labels: Iterable[Label], filed: Mapping[str, Filed], store: LabelStore
) -> tuple[Correction, ...]:
    waiting = store.unreported()
    return tuple(
        Correction(it.sha256, filed[it.sha256].path, it.path, it.category)
        for it in labels
        if it.provenance in {Provenance.CORRECTED, Provenance.REVIEWED}
        and it.sha256 in waiting
        and it.sha256 in filed
    )
