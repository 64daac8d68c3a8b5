"""What was filed before and is still there: the original of a duplicate, and what was copied or linked from
the very same place.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from photo_organizer.fsops import FileOperations
from photo_organizer.library.move.atomic_steps import CHUNK
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.plan.library_files import LibraryFiles
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import FILING_KINDS, SKIPPED, Operation, State, TransferMode
from photo_organizer.photo import Action, Photo

_LOOK_SECONDS = 2.0
"""How old a look at the library may be for a photo that was never filed, and how long one may take then."""

_MOST_COMPARED = 64
"""Of a photo that was never filed: with more files of its size (raw files of one camera) it counts as new."""

_FIRST_CHUNK = 1 << 16

_KINDS = ",".join(f"'{kind}'" for kind in FILING_KINDS)
_THERE = f"o.state IN ({State.DONE:d}, {State.RECORDED:d}) AND o.undone_by IS NULL AND o.label <> '{SKIPPED}'"


def current_place(journal: Journal, operation: Operation) -> bytes:
    """Where a filed photo is: where it was filed, or where corrections have taken it since."""
    place = operation.destination
    for correction in journal.corrections_since(operation):
        place = correction.destination
    return place


class PlannedPlaces(Protocol):
    """Where photos are planned to be."""

    def get(self, sha256: bytes, library: bytes, /) -> bytes | None: ...


@dataclass(slots=True)
class DuplicateFinder:
    """Finds what was filed before in a library: where the journal says it is, or anywhere else in it.

    What is in another library does not count: each is complete by itself.

    Nothing is called the same before its bytes were compared: a copy may have been damaged, or edited with
    its size kept.

    Args:
        operations: the steps on files.
        journal: knows what was filed, and where to.
        files: the library's files.
        others: the other libraries.
        duplicates: the folder for duplicates, which are named last; empty when there is none.
        planned: where photos are planned to be that are not there yet; None when nothing is planned.
    """

    operations: FileOperations
    journal: Journal
    files: LibraryFiles
    others: Sequence[bytes] = ()
    duplicates: bytes = b""
    planned: PlannedPlaces | None = None
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.files.clock()

    def original(
        self, sha256: bytes, photo: Photo, transfer_mode: TransferMode, folders: Folders
    ) -> Path | None:
        """The photo with the same bytes that was filed before and is still there, if there is one.

        A copy or link that was made of this very photo does not make it a duplicate. A symbolic link holds no
        bytes: only another symbolic link is a duplicate of it.
        """
        planned = None if self.planned is None else self.planned.get(sha256, self.files.root)
        if planned is not None:
            return Path(os.fsdecode(planned))
        condition = (
            f"o.sha256 = ? AND o.state IN ({State.DONE:d}, {State.RECORDED:d})"
            " AND o.kind IN ('filed', 'review', 'corrected', 'duplicate')"
            f" AND o.label <> '{SKIPPED}' ORDER BY o.id"
        )
        source = os.fsencode(photo.path)
        own: set[bytes] = {source}
        is_known = False
        for operation in self.journal.select(condition, (sha256,)):
            place = operation.destination
            if self._is_elsewhere(place):
                continue
            is_known = True
            is_own = operation.transfer_mode is not TransferMode.MOVE and operation.source == source
            if is_own or (operation.kind == Action.CORRECTED and operation.source in own):
                own.add(place)
            elif operation.kind == Action.DUPLICATE:
                continue  # found below, where there is no other
            elif place != source and self._has_bytes(operation, photo, transfer_mode, folders):
                return Path(os.fsdecode(place))
        return self._elsewhere(photo, own, folders, is_known=is_known)

    def _is_elsewhere(self, place: bytes) -> bool:
        """Whether a path is in another library."""
        return any(place.startswith(other + b"/") for other in self.others)

    def _has_bytes(
        self, operation: Operation, photo: Photo, transfer_mode: TransferMode, folders: Folders
    ) -> bool:
        place = OpenFolder(os.path.dirname(operation.destination), operation.destination_root)
        status = self._status(operation.destination, place, folders)
        if status is None or stat.S_ISLNK(status.st_mode):
            return (
                status is not None
                and transfer_mode is TransferMode.SYMLINK
                and operation.transfer_mode is TransferMode.SYMLINK
            )
        return self._is_same(photo, operation.destination, place, folders)

    def _elsewhere(
        self, photo: Photo, own: Container[bytes], folders: Folders, *, is_known: bool
    ) -> Path | None:
        """A file with the photo's bytes at a place that the journal does not know."""
        if is_known:  # its owner has moved it: wherever it is, it is found
            self.files.look(newer_than=self._began)
        else:
            self.files.look(newer_than=self._began - _LOOK_SECONDS, seconds=_LOOK_SECONDS)
        size = photo.identity.size
        if not is_known and self.files.count_of_size(size) > _MOST_COMPARED:
            return None
        paths = [path for path in self.files.of_size(size) if path not in own]
        for path in sorted(paths, key=self._is_duplicate):
            if self._is_same(photo, path, OpenFolder(os.path.dirname(path), len(self.files.root)), folders):
                return Path(os.fsdecode(path))
        return None

    def _is_duplicate(self, path: bytes) -> bool:
        return bool(self.duplicates) and path.startswith(self.duplicates + b"/")

    def _is_same(self, photo: Photo, path: bytes, place: OpenFolder, folders: Folders) -> bool:
        """Whether the file at `path` is another one than the photo, and has its bytes; False where it cannot
        be read.
        """
        source = os.fsencode(photo.path)
        with suppress(OSError):
            there = self.operations.open_file(os.path.basename(path), folders.open(place))
            try:
                folder = folders.open(OpenFolder(os.path.dirname(source), len(os.path.dirname(source))))
                here = self.operations.open_file(os.path.basename(source), folder)
                try:
                    return _are_equal(self.operations, here, there)
                finally:
                    self.operations.close(here)
            finally:
                self.operations.close(there)
        return False

    def placed_before(
        self, photo: Photo, transfer_mode: TransferMode, sha256: bytes | None, folders: Folders
    ) -> Path | None:
        """Where this photo was copied or linked to before, if what was made is still there.

        Args:
            photo: as it is now.
            transfer_mode: how it shall come into the library; a move makes each photo a new one.
            sha256: its hash; None to go by the file's identity alone.
            folders: open folders.
        """
        if transfer_mode is TransferMode.MOVE:
            return None
        condition = (
            "o.id IN (SELECT operation FROM moves WHERE position = 0 AND source = ?)"  # noqa: S608 (ours)
            f" AND o.manner = ? AND o.kind IN ({_KINDS}) AND {_THERE} ORDER BY o.id DESC"
        )
        for operation in self.journal.select(condition, (os.fsencode(photo.path), transfer_mode)):
            planned = operation.moves[0].identity
            if operation.sha256 != sha256 and not planned.is_same_but_for_device(photo.identity):
                continue
            path = current_place(self.journal, operation)
            place = OpenFolder(os.path.dirname(path), operation.destination_root)
            status = self._status(path, place, folders)
            if status is not None and (
                transfer_mode is TransferMode.SYMLINK or status.st_size == photo.identity.size
            ):
                return Path(os.fsdecode(path))
            if transfer_mode is TransferMode.COPY and (
                moved := self._elsewhere(photo, set(), folders, is_known=True)
            ):
                return moved
        return None

    def _status(self, path: bytes, place: OpenFolder, folders: Folders) -> os.stat_result | None:
        try:
            return self.operations.status(os.path.basename(path), folders.open(place))
        except OSError:
            return None


def _are_equal(operations: FileOperations, one: int, other: int) -> bool:
    """Whether two open files are two, and have the same bytes."""
    status, other_status = operations.status_of(one), operations.status_of(other)
    if os.path.samestat(status, other_status) or status.st_size != other_status.st_size:
        return False
    offset, size = 0, _FIRST_CHUNK  # most files that are not the same differ at once
    while chunk := operations.read(one, size, offset):
        if chunk != operations.read(other, len(chunk), offset):
            return False
        offset += len(chunk)
        size = CHUNK
    return True
