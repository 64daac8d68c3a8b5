"""After a crash: leaves one file of an operation under one complete name, and no hidden one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import gone
from photo_organizer.library.move.atomic_steps import (
    NOT_A_FILE,
    Found,
    Spot,
    exists,
    find,
    has_content,
    put_back,
    remove_if,
)
from photo_organizer.library.move.links import Entry, is_made
from photo_organizer.library.record.operation import Move, Operation, TransferMode

_PAGE = 4096  # bytes that reach a disk together


@dataclass(slots=True)
class Sides:
    """The two folders of an operation; None where it does not exist any more."""

    source: int | None
    destination: int | None


@dataclass(frozen=True, slots=True)
class FileRecovery:
    """See the module.

    Args:
        hidden: gives the hidden names, see `Mover.hidden`.
    """

    operations: FileOperations
    hidden: Callable[[Operation, Move, str], bytes]

    def settle(self, operation: Operation, move: Move, sides: Sides) -> bool:
        """Leaves the file under one complete name, and no hidden one; says whether that is its
        destination.
        """
        if sides.destination is None:
            self._settle_source(operation, move, sides)
            return False
        name = os.path.basename(move.destination)
        if operation.transfer_mode in {TransferMode.LINK, TransferMode.SYMLINK}:
            return self._settle_link(operation, move, sides.source, sides.destination)
        is_moved = operation.transfer_mode is TransferMode.MOVE
        found = find(self.operations, move, name, sides.destination)
        if operation.reserved and found is Found.OTHER:
            found = self._remove_part_filled(operation, move, name, sides)
        is_there = found is Found.SAME or (
            found is Found.OTHER
            and move.sha256 is not None
            and has_content(self.operations, move, name, sides.destination)
        )
        if is_there:
            if is_moved and sides.source is None and found is not Found.SAME:
                # its original may be in an inbox that is not mounted
                raise gone(operation.source[: operation.source_root])
            self._remove_leftovers(operation, move, name, sides)
            return True
        if (
            is_moved
            and found is Found.CHANGED
            and sides.source is not None
            and self._is_missing(move, sides.source)
        ):
            # moved by us although somebody wrote to it just before: it is not what was classified
            there, wanted = Spot(name, sides.destination), Spot(os.path.basename(move.source), sides.source)
            put_back(self.operations, there, wanted, self.hidden(operation, move, "part"))
        self._settle_source(operation, move, sides)
        self._settle_part(operation, move, sides)
        return False

    def _settle_link(self, operation: Operation, move: Move, source: int | None, destination: int) -> bool:
        """As `settle`: one that was captured, to be removed, gets its name again."""
        entry = Entry.made_by(operation, move, source, destination)
        captured = Spot(self.hidden(operation, move, "part"), destination)
        if exists(self.operations, *captured):
            put_back(self.operations, captured, entry.spot, captured.name)
        return is_made(self.operations, entry)

    def is_present(self, move: Move, source: int | None) -> bool:
        """Whether there is a file at the source, be it the one that was looked at or not."""
        return source is not None and not self._is_missing(move, source)

    def _is_missing(self, move: Move, source: int) -> bool:
        return find(self.operations, move, os.path.basename(move.source), source) is Found.NOTHING

    def _remove_leftovers(self, operation: Operation, move: Move, name: bytes, sides: Sides) -> None:
        """The file is complete and on the disk at its destination: removes its hidden copy and its old
        name.
        """
        assert sides.destination is not None  # noqa: S101
        self.operations.sync(sides.destination)
        part = self.hidden(operation, move, "part")
        if exists(self.operations, part, sides.destination):
            self.operations.unlink(part, sides.destination)
        if sides.source is None or operation.transfer_mode is not TransferMode.MOVE:
            return
        captured = self.hidden(operation, move, "source")
        for old in (captured, os.path.basename(move.source)):
            if find(self.operations, move, old, sides.source) is Found.SAME:
                status = self.operations.status(old, sides.source)
                there = self.operations.status(name, sides.destination)
                if os.path.samestat(status, there) or has_content(self.operations, move, old, sides.source):
                    remove_if(self.operations, Spot(old, sides.source), captured, status)
        self._settle_source(operation, move, sides)

    def _settle_source(self, operation: Operation, move: Move, sides: Sides) -> None:
        """A source that was renamed aside gets its name again."""
        if sides.source is None:
            return
        captured = self.hidden(operation, move, "source")
        if exists(self.operations, captured, sides.source):
            wanted = Spot(os.path.basename(move.source), sides.source)
            put_back(self.operations, Spot(captured, sides.source), wanted, captured)

    def _settle_part(self, operation: Operation, move: Move, sides: Sides) -> None:
        """A copy that never got its name goes; if it is complete and all that is left, it goes to the
        source.
        """
        if sides.destination is None:
            return
        part = self.hidden(operation, move, "part")
        if not exists(self.operations, part, sides.destination):
            return
        source_is_gone = sides.source is not None and self._is_missing(move, sides.source)
        if source_is_gone and move.sha256 and has_content(self.operations, move, part, sides.destination):
            name = os.path.basename(move.destination)
            put_back(self.operations, Spot(part, sides.destination), Spot(name, sides.destination), part)
        else:
            self.operations.unlink(part, sides.destination)

    def _remove_part_filled(self, operation: Operation, move: Move, name: bytes, sides: Sides) -> Found:
        """A reserved name that was never filled: removed while the source is complete; see `copying.py`.

        Only what is ours for certain: an empty file, or the one that the journal knows by its inode, as long
        as each of its bytes is the photo's. Inode numbers are used again.
        """
        assert sides.destination is not None  # noqa: S101
        if move.sha256 and has_content(self.operations, move, name, sides.destination):
            return Found.OTHER
        if sides.source is None or self._is_missing(move, sides.source):
            return Found.OTHER
        status = self.operations.status(name, sides.destination)
        is_empty = stat.S_ISREG(status.st_mode) and status.st_size == 0
        is_known = status.st_ino == operation.reserved and self._is_part_of_source(move, name, sides)
        if not (is_empty or is_known):
            return Found.OTHER
        part = self.hidden(operation, move, "part")
        if exists(self.operations, part, sides.destination):
            self.operations.unlink(part, sides.destination)
        is_removed = remove_if(self.operations, Spot(name, sides.destination), part, status)
        return Found.NOTHING if is_removed else Found.OTHER

    def _is_part_of_source(self, move: Move, name: bytes, sides: Sides) -> bool:
        """Whether the file has the photo's bytes as far as it goes; a loss of power can leave zeros."""
        assert sides.source is not None  # noqa: S101
        assert sides.destination is not None  # noqa: S101
        try:
            part = self.operations.open_file(name, sides.destination)
        except OSError as error:
            if error.errno in NOT_A_FILE:
                return False
            raise
        try:
            whole = self.operations.open_file(os.path.basename(move.source), sides.source)
            try:
                return self._begins_with(whole, part)
            finally:
                self.operations.close(whole)
        finally:
            self.operations.close(part)

    def _begins_with(self, whole: int, part: int) -> bool:
        if self.operations.status_of(part).st_size > self.operations.status_of(whole).st_size:
            return False
        offset = 0
        while piece := self.operations.read(part, _PAGE, offset):
            if any(piece) and piece != self.operations.read(whole, len(piece), offset):
                return False
            offset += len(piece)
        return True
