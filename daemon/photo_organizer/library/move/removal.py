"""Takes copies and links back: what was made in the library goes, for its original is where it always was."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import SourceError, SourceErrorKind, at_destination, at_source, gone
from photo_organizer.library.move.atomic_steps import Spot, exists, put_back
from photo_organizer.library.move.links import Entry, removable, remove
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.record.operation import Move, Operation


@dataclass(frozen=True, slots=True)
class Remover:
    """Carries out withdrawals.

    Args:
        hidden: gives the hidden names, see `Mover.hidden`.
    """

    operations: FileOperations
    folders: Folders
    hidden: Callable[[Operation, Move, str], bytes]

    def check(self, operation: Operation) -> None:
        """Makes sure that the whole group can be taken back.

        Raises:
            SourceError: an original is gone, or it or its copy was changed since.
        """
        folder, originals = self._open(operation)
        for move in operation.moves:
            with removable(self.operations, Entry.withdrawn_by(operation, move, folder, originals)):
                pass

    def withdraw(self, operation: Operation) -> None:
        """Removes what was made, the photo first; `check` has been asked just before.

        Raises:
            SourceError: as in `check`.
            OSError: something could not be removed.
        """
        folder, originals = self._open(operation)
        for move in operation.moves:
            entry = Entry.withdrawn_by(operation, move, folder, originals)
            remove(self.operations, entry, self.hidden(operation, move, "source"))

    def complete(self, operation: Operation) -> bool:
        """After a crash: finishes what was begun, and says whether it was: whether the photo is gone.

        A companion that cannot be removed any more without losing something stays.

        Raises:
            OSError: it cannot be finished now.
        """
        root = OpenFolder.below(operation.source[: operation.source_root])
        with at_destination(root.path):  # without the library nothing is known
            self.folders.open(root)
        folder = self.folders.find(OpenFolder(os.path.dirname(operation.source), operation.source_root))
        if folder is None:
            return False
        for move in operation.moves:
            hidden = self.hidden(operation, move, "source")
            if exists(self.operations, hidden, folder):
                name = os.path.basename(move.source)
                put_back(self.operations, Spot(hidden, folder), Spot(name, folder), hidden)
        if exists(self.operations, os.path.basename(operation.source), folder):
            self.operations.sync(folder)
            return False
        originals = self._originals(operation)
        for move in operation.moves[1:]:
            entry = Entry.withdrawn_by(operation, move, folder, originals)
            if exists(self.operations, entry.spot.name, folder):
                self._remove_or_leave(entry, self.hidden(operation, move, "source"))
        self.operations.sync(folder)
        return True

    def _remove_or_leave(self, entry: Entry, hidden: bytes) -> None:
        try:
            remove(self.operations, entry, hidden)
        except SourceError as trouble:
            if trouble.kind is SourceErrorKind.REFUSED:
                raise
            # changed since the crash: it stays, as any file that its owner has edited

    def _open(self, operation: Operation) -> tuple[int, int | None]:
        """The folder in the library, and that of the originals where it is there."""
        with at_source(operation.source):
            folder = self.folders.find(OpenFolder(os.path.dirname(operation.source), operation.source_root))
            if folder is None:
                raise gone(operation.source)
            return folder, self._originals(operation)

    def _originals(self, operation: Operation) -> int | None:
        return self.folders.find(
            OpenFolder(os.path.dirname(operation.destination), operation.destination_root)
        )
