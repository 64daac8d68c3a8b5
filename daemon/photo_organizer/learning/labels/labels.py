"""From where the photos lie to what the owner meant: labels with provenance.

The library is scanned, never watched, so a photo that was moved while the daemon was down counts like any
other. What is recognised is the content (sha256): renames and moves keep a photo's label, a copy adds none.
`label_rules` says which provenance a photo has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.errors import OrganizerError
from photo_organizer.learning.labels.category_folders import (
    category_names,
    find_folders,
    library_layout,
    own_folders,
)
from photo_organizer.learning.labels.journal_history import Filed, JournalHistory, read_history
from photo_organizer.learning.labels.label_rules import (
    LabelRules,
    as_path,
    predecessors_of,
    renamed_categories,
)
from photo_organizer.learning.labels.label_store import (
    FolderStamp,
    KnownFile,
    Label,
    LabelStore,
    Provenance,
)
from photo_organizer.learning.labels.library_walk import FoundPhoto, Layout, Walk, library_files_of, walk
from photo_organizer.library import Correction, Library
from photo_organizer.library.locks import LIBRARY_LOCK


@dataclass(frozen=True, slots=True)
class Scan:
    """The labels of today.

    Attributes:
        labels: of all photos in categories.
        corrections: those that were put into the ledger.
        renamed: old category names to new ones.
        ambiguous: how many photos lie in two categories.
        read: how many files were read.
        unreadable: files that could not be.
        new: how many labels no training has seen, by provenance; none for a data set.
        found_folders: folders that the owner is to be asked about, with their photos.
    """

    labels: tuple[Label, ...]
    corrections: tuple[Correction, ...]
    renamed: Mapping[str, str]
    ambiguous: int
    read: int
    unreadable: tuple[Path, ...]
    new: Mapping[Provenance, int]
    found_folders: Mapping[str, int]

    def count(self, *, untouched_weight: float) -> Counter[str]:
        """Return how many photos each category can learn from."""
        return Counter(
            label.category
            for label in self.labels
            if untouched_weight > 0 or label.provenance is not Provenance.UNTOUCHED
        )


def scan_library(
    config: Configuration,
    store: LabelStore,
    library: Library,
    *,
    now: datetime,
    progress: Callable[[int], None],
    folders: Mapping[bytes, FolderStamp] | None = None,
) -> Scan:
    """Scan the library, bring the label store up to date, and put new corrections into the ledger.

    Killed anywhere, the next scan finds the same: what the ledger has is asked of the journal.

    Args:
        config: whose library is scanned.
        store: the label store of its state directory.
        library: what was filed where, and where corrections are written down.
        now: the first-seen time of what is new.
        progress: called with the number of photos found so far.
        folders: the folders of the last scan, of which those that have not changed are not listed. None looks
            at each file, and so also finds those that were edited in place.

    Raises:
        OrganizerError: the library is not there.
    """
    with store.scanning():
        return _scan_library(config, store, library, now=now, progress=progress, folders=folders or {})


def _scan_library(
    config: Configuration,
    store: LabelStore,
    library: Library,
    *,
    now: datetime,
    progress: Callable[[int], None],
    folders: Mapping[bytes, FolderStamp],
) -> Scan:
    history = read_history(library)
    own = own_folders(config, store, history)
    known = store.files()
    before, confirmed = store.labels(), store.confirmed()
    categories = category_names(config, store, own)
    walks: list[Walk] = []
    parts: list[_LibraryLabels] = []
    for root in config.libraries:
        found_now = walk(library_layout(config, root, own), known, folders, history, progress)
        _refuse_empty(root, found_now, known)
        walks.append(found_now)
        in_categories = [photo for photo in found_now.photos if photo.category in categories]
        filed = history.filed_in(root)
        renamed = renamed_categories(config, in_categories, filed)
        found, ambiguous = _by_content(in_categories)
        predecessors = predecessors_of(found_now, known, history, found)
        rules = LabelRules(filed, before, confirmed, renamed, predecessors)
        labels = tuple(label for photo in found if (label := rules.label(photo, now)) is not None)
        parts.append(_LibraryLabels(labels, _unreported_corrections(labels, filed), renamed, ambiguous))
    merged, torn = _in_all_libraries([part.labels for part in parts])
    labels = tuple(_dated(label, before) for label in merged)
    photos = [photo for found_now in walks for photo in found_now.photos]
    found_folders = find_folders(photos, categories, store, history)
    for found_now in walks:
        store.remember_files(found_now.changed, found_now.gone)
    store.replace_labels(labels)
    store.replace_found_folders(found_folders)
    corrections = tuple(correction for part in parts for correction in part.corrections)
    if corrections:
        library.correct(corrections)
    stamps = dict(item for found_now in walks for item in found_now.folders.items())
    store.replace_folders(stamps)  # last: a scan that was killed is made again
    return Scan(
        labels,
        corrections,
        dict(item for part in parts for item in part.renamed.items()),
        torn + sum(part.ambiguous for part in parts),
        sum(found_now.read for found_now in walks),
        tuple(path for found_now in walks for path in found_now.unreadable),
        store.new_labels(),
        found_folders,
    )


@dataclass(frozen=True, slots=True)
class _LibraryLabels:
    """What the scan of one library says; see `Scan`."""

    labels: tuple[Label, ...]
    corrections: tuple[Correction, ...]
    renamed: Mapping[str, str]
    ambiguous: int


def _in_all_libraries(parts: Sequence[Sequence[Label]]) -> tuple[list[Label], int]:
    """Return one label for each photo, and how many photos have other categories in other libraries.

    Where its owner said something of a photo in one library, that counts.
    """
    first: dict[str, Label] = {}
    torn: set[str] = set()
    for label in (label for part in parts for label in part):
        other = first.setdefault(label.sha256, label)
        if other.category != label.category:
            torn.add(label.sha256)
        elif other.provenance is Provenance.UNTOUCHED:
            first[label.sha256] = label
    return [label for label in first.values() if label.sha256 not in torn], len(torn)


def scan_dataset(root: Path, store: LabelStore, *, now: datetime, progress: Callable[[int], None]) -> Scan:
    """Take a data set with a folder for each category as it stands.

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
    layout = Layout(root, lambda folder: folder.parts[0])
    found_now = walk(layout, store.files(), {}, JournalHistory(), progress)
    store.remember_files(found_now.changed, found_now.gone)
    found, ambiguous = _by_content(found_now.photos)
    if not found:
        remedy = "give a folder that holds a folder of photos for each category"
        raise OrganizerError("no photos were found in folders below it", where=root, remedy=remedy)
    labels = tuple(
        Label(photo.sha256, photo.category, Provenance.DATASET, as_path(photo.path), now) for photo in found
    )
    return Scan(labels, (), {}, ambiguous, found_now.read, tuple(found_now.unreadable), {}, {})


def _refuse_empty(root: Path, found: Walk, known: Mapping[bytes, KnownFile]) -> None:
    """Never take a library that is not mounted for one whose photos were all deleted.

    Raises:
        OrganizerError: no folder is there, but there were photos.
    """
    is_empty = len(found.folders) <= 1 and library_files_of(root, known)  # the root alone, or not even that
    if is_empty and not (root / LIBRARY_LOCK).exists():
        remedy = "mount it, or put it back"
        raise OrganizerError("no photos are in the library, where there were some", where=root, remedy=remedy)


def _by_content(photos: Iterable[FoundPhoto]) -> tuple[list[FoundPhoto], int]:
    """Return one entry for each content, and how many were left out for lying in several categories."""
    first: dict[str, FoundPhoto] = {}
    torn: set[str] = set()
    for photo in photos:
        other = first.setdefault(photo.sha256, photo)
        if other.category != photo.category:
            torn.add(photo.sha256)
    return [photo for photo in first.values() if photo.sha256 not in torn], len(torn)


def _dated(label: Label, before: Mapping[str, Label]) -> Label:
    former = before.get(label.sha256)
    if former is None or (former.category, former.provenance) != (label.category, label.provenance):
        return label
    return replace(label, first_seen=former.first_seen)


def _unreported_corrections(labels: Iterable[Label], filed: Mapping[str, Filed]) -> tuple[Correction, ...]:
    """Return what the ledger does not have yet: photos in another category than it says."""
    corrections = []
    for label in labels:
        record = filed.get(label.sha256)
        if record is None or label.provenance is Provenance.UNTOUCHED:
            continue
        in_ledger = record.corrected_to or record.category
        is_confirmed = label.provenance is Provenance.CONFIRMED and record.corrected_to is None
        if in_ledger != label.category and not is_confirmed:
            corrections.append(Correction(label.sha256, as_path(record.path), label.path, label.category))
    return tuple(corrections)
