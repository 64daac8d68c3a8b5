"""What was filed before and is still there: the original of a duplicate, and what was copied or linked from
the very same place.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.fsops import FileOperations
from photo_organizer.library.move.open_folders import Folders, Place
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import FILING_KINDS, Manner, Operation, State
from photo_organizer.photo import Action, Photo

SKIPPED = "skipped"
"""The label of a duplicate that was left in its inbox: there is nothing to take back."""

_KINDS = ",".join(f"'{kind}'" for kind in FILING_KINDS)
_THERE = f"o.state IN ({State.DONE:d}, {State.RECORDED:d}) AND o.undone_by IS NULL AND o.label <> '{SKIPPED}'"


def current_place(journal: Journal, operation: Operation) -> bytes:
    """Where a filed photo is: where it was filed, or where its owner is known to have moved it since."""
    place = operation.destination
    condition = f"o.sha256 = ? AND o.kind = '{Action.CORRECTED}' AND o.id > ? ORDER BY o.id"
    for correction in journal.select(condition, (operation.sha256, operation.id)):
        if correction.source == place:
            place = correction.destination
    return place


@dataclass(frozen=True, slots=True)
class Originals:
    """Looks in the journal first, and then at the disk."""

    operations: FileOperations
    journal: Journal

    def original(self, sha256: bytes, photo: Photo, manner: Manner, folders: Folders) -> Path | None:
        """The photo with the same bytes that was filed before and is still there, if there is one.

        A copy or link that was made of this very photo does not make it a duplicate. A symbolic link holds no
        bytes: only another symbolic link is a duplicate of it.
        """
        condition = (
            f"o.sha256 = ? AND o.state IN ({State.DONE:d}, {State.RECORDED:d})"
            " AND o.kind IN ('filed', 'review', 'corrected', 'duplicate')"
            f" AND o.label <> '{SKIPPED}' ORDER BY o.id"
        )
        source = os.fsencode(photo.path)
        own: set[bytes] = set()
        for operation in self.journal.select(condition, (sha256,)):
            place = operation.destination
            is_own = operation.manner is not Manner.MOVE and operation.source == source
            if is_own or (operation.kind == Action.CORRECTED and operation.source in own):
                own.add(place)
            elif place != source and self._has_bytes(operation, photo.identity.size, manner, folders):
                return Path(os.fsdecode(place))
        return None

    def _has_bytes(self, operation: Operation, size: int, manner: Manner, folders: Folders) -> bool:
        status = self._status(operation.destination, operation.destination_root, folders)
        if status is None or stat.S_ISLNK(status.st_mode):
            return status is not None and manner is Manner.SYMLINK and operation.manner is Manner.SYMLINK
        return status.st_size == size

    def placed_before(
        self, photo: Photo, manner: Manner, sha256: bytes | None, folders: Folders
    ) -> Path | None:
        """Where this photo was copied or linked to before, if what was made is still there.

        Args:
            photo: as it is now.
            manner: how it shall come into the library; a move makes each photo a new one.
            sha256: its hash; None to go by the file's identity alone.
            folders: open folders.
        """
        if manner is Manner.MOVE:
            return None
        condition = (
            "o.id IN (SELECT operation FROM moves WHERE position = 0 AND source = ?)"  # noqa: S608 (ours)
            f" AND o.manner = ? AND o.kind IN ({_KINDS}) AND {_THERE} ORDER BY o.id DESC"
        )
        for operation in self.journal.select(condition, (os.fsencode(photo.path), manner)):
            if operation.sha256 != sha256 and operation.moves[0].identity != photo.identity:
                continue
            place = current_place(self.journal, operation)
            status = self._status(place, operation.destination_root, folders)
            if status is not None and (manner is Manner.SYMLINK or status.st_size == photo.identity.size):
                return Path(os.fsdecode(place))
        return None

    def _status(self, path: bytes, root: int, folders: Folders) -> os.stat_result | None:
        try:
            return self.operations.status(
                os.path.basename(path), folders.open(Place(os.path.dirname(path), root))
            )
        except OSError:
            return None
