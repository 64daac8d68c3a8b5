"""What was open when a process or the machine died is completed or taken back, by what is found on the disk.

An operation goes forward when its photo has been moved (or can still be, together with a companion that has)
and is taken back otherwise, so that a photo and its companions are always on one side. Running it again
changes nothing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..fsops import FileOperations
from ..photo import FileIdentity
from .folders import Folders, Place
from .journal import Journal
from .mover import Mover, StillOpenError, destination_place, source_place
from .names import GroupNames
from .reasons import settle_reason
from .records import Move, Operation, State
from .steps import Found, Spot, find, has_content, put_back, remove_if
from .troubles import DestinationTrouble, SourceTrouble, at_destination, destination_trouble, gone


@dataclass(slots=True)
class Recovery:
    """What recovery did.

    Args:
        completed: operations that were brought to their end.
        taken_back: operations whose photos are in the inbox again, or have never left it.
        ledger_rows: rows that the ledger lacked.
        pause: why some operations must wait (the library is not there, say); they are tried again before the
            next batch.
    """

    completed: int = 0
    taken_back: int = 0
    ledger_rows: int = 0
    pause: SourceTrouble | DestinationTrouble | None = None
    waiting: int = 0


@dataclass(slots=True)
class _Sides:
    """The two folders of an operation; None where it does not exist any more."""

    source: int | None
    destination: int | None


@dataclass(slots=True)
class Recoverer:
    """Recovers the operations of a journal; to be used while the moves lock is held."""

    operations: FileOperations
    journal: Journal
    report: Recovery = field(default_factory=Recovery)

    def recover(self) -> Recovery:
        """Completes or takes back every operation that is an intent.

        Raises:
            DestinationTrouble: the journal cannot be written.
        """
        for operation in self.journal.open_operations():
            if operation.state is State.INTENT:
                self._recover_or_wait(operation)
        return self.report

    def _recover_or_wait(self, operation: Operation) -> None:
        try:
            with Folders(self.operations) as folders:
                self._recover(operation, folders)
        except StillOpenError as error:
            self._wait(error.trouble)
        except (SourceTrouble, DestinationTrouble) as trouble:
            self._wait(trouble)
        except OSError as error:
            self._wait(destination_trouble(error, operation.destination))

    def _wait(self, trouble: SourceTrouble | DestinationTrouble) -> None:
        self.report.waiting += 1
        if not isinstance(self.report.pause, DestinationTrouble):
            self.report.pause = trouble

    def _recover(self, operation: Operation, folders: Folders) -> None:
        mover = Mover(self.operations, folders, self.journal.token, self.journal.change_moves)
        with at_destination(operation.destination):  # without the library nothing is known
            folders.open(Place.below(operation.destination[: operation.destination_root]))
        sides = _Sides(_open(folders, source_place(operation)), _open(folders, destination_place(operation)))
        moved = [move for move in operation.moves if self._settle(operation, move, sides, mover)]
        made = replace(operation, moves=())
        if moved:
            made = self._bring_together(operation, moved, folders, mover, sides)
        self._close(made, operation, folders, sides, mover)

    def _close(
        self, made: Operation, operation: Operation, folders: Folders, sides: _Sides, mover: Mover
    ) -> None:
        """Makes sure of the folders, and writes down how it ended."""
        if sides.destination is not None:
            came = bool(made.moves)
            settled = made if came else operation
            settle_reason(self.operations, self.journal, settled, folders, mover.hidden, came=came)
        for folder in (sides.destination, sides.source):
            if folder is not None:
                self.operations.sync(folder)
        if not made.moves:
            self.journal.finish([], [operation], {})
            self.report.taken_back += 1
            return
        self.operations.sync(folders.open(destination_place(made)))
        landed: dict[int, FileIdentity] = {}
        identity = mover.landed(made)
        if identity is not None:
            landed[made.id] = identity
        self.journal.finish([made], [], landed)
        self.report.completed += 1

    # one file
    # --------------------------------------------------------------------------------------------------

    def _settle(self, operation: Operation, move: Move, sides: _Sides, mover: Mover) -> bool:
        """Leaves the file under one complete name, and no hidden one; says whether that is its
        destination.
        """
        if sides.destination is None:
            self._settle_source(operation, move, sides, mover)
            return False
        name = os.path.basename(move.destination)
        found = find(self.operations, move, name, sides.destination)
        if operation.reserved and found is Found.OTHER:
            found = self._remove_part_filled(move, name, sides)
        is_there = found is Found.SAME or (
            found is Found.OTHER
            and move.sha256 is not None
            and has_content(self.operations, move, name, sides.destination)
        )
        if is_there:
            if sides.source is None and found is not Found.SAME:
                raise gone(
                    operation.source[: operation.source_root]
                )  # its original may be in an inbox that is not mounted
            self._remove_leftovers(operation, move, name, sides, mover)
            return True
        if found is Found.CHANGED and sides.source is not None and self._is_missing(move, sides.source):
            # moved by us although somebody wrote to it just before: it is not what was classified
            there, wanted = Spot(name, sides.destination), Spot(os.path.basename(move.source), sides.source)
            put_back(self.operations, there, wanted, mover.hidden(operation, move, "part"))
        self._settle_source(operation, move, sides, mover)
        self._settle_part(operation, move, sides, mover)
        return False

    def _is_missing(self, move: Move, source: int) -> bool:
        return find(self.operations, move, os.path.basename(move.source), source) is Found.NOTHING

    def _remove_leftovers(
        self, operation: Operation, move: Move, name: bytes, sides: _Sides, mover: Mover
    ) -> None:
        """The file is complete and on the disk at its destination: removes its hidden copy and its old
        name.
        """
        assert sides.destination is not None  # noqa: S101
        self.operations.sync(sides.destination)
        part = mover.hidden(operation, move, "part")
        if _exists(self.operations, part, sides.destination):
            self.operations.unlink(part, sides.destination)
        if sides.source is None:
            return
        captured = mover.hidden(operation, move, "source")
        for old in (captured, os.path.basename(move.source)):
            if find(self.operations, move, old, sides.source) is Found.SAME:
                status = self.operations.status(old, sides.source)
                there = self.operations.status(name, sides.destination)
                if os.path.samestat(status, there) or has_content(self.operations, move, old, sides.source):
                    remove_if(self.operations, Spot(old, sides.source), captured, status)
        self._settle_source(operation, move, sides, mover)

    def _settle_source(self, operation: Operation, move: Move, sides: _Sides, mover: Mover) -> None:
        """A source that was renamed aside gets its name again."""
        if sides.source is None:
            return
        captured = mover.hidden(operation, move, "source")
        if _exists(self.operations, captured, sides.source):
            wanted = Spot(os.path.basename(move.source), sides.source)
            put_back(self.operations, Spot(captured, sides.source), wanted, captured)

    def _settle_part(self, operation: Operation, move: Move, sides: _Sides, mover: Mover) -> None:
        """A copy that never got its name goes; if it is complete and all that is left, it goes to the
        source.
        """
        if sides.destination is None:
            return
        part = mover.hidden(operation, move, "part")
        if not _exists(self.operations, part, sides.destination):
            return
        source_is_gone = sides.source is not None and self._is_missing(move, sides.source)
        if source_is_gone and move.sha256 and has_content(self.operations, move, part, sides.destination):
            name = os.path.basename(move.destination)
            put_back(self.operations, Spot(part, sides.destination), Spot(name, sides.destination), part)
        else:
            self.operations.unlink(part, sides.destination)

    def _remove_part_filled(self, move: Move, name: bytes, sides: _Sides) -> Found:
        """A reserved name that was never filled: removed while the source is complete; see `copying.py`."""
        assert sides.destination is not None  # noqa: S101
        if move.sha256 and has_content(self.operations, move, name, sides.destination):
            return Found.OTHER
        if sides.source is not None and not self._is_missing(move, sides.source):
            self.operations.unlink(name, sides.destination)
            return Found.NOTHING
        return Found.OTHER

    # a photo and its companions
    # --------------------------------------------------------------------------------

    def _bring_together(
        self, operation: Operation, moved: Sequence[Move], folders: Folders, mover: Mover, sides: _Sides
    ) -> Operation:
        """Some of the group are at their destination: the others follow, or all go back."""
        others = [move for move in operation.moves if move not in moved]
        present = [
            move for move in others if sides.source is not None and not self._is_missing(move, sides.source)
        ]
        photo = operation.moves[0]
        try:
            if photo in others and photo not in present:
                raise _CannotFollowError  # noqa: TRY301 (the same end as for a companion below)
            for move in present:
                moved = [*moved, self._follow(operation, move, folders)]
        except (SourceTrouble, _CannotFollowError):
            if self._are_taken_back(replace(operation, moves=tuple(moved)), mover):
                return replace(operation, moves=())
        operation = replace(operation, moves=tuple(sorted(moved, key=lambda move: move.position)))
        self.journal.change_moves(operation)
        return operation

    def _are_taken_back(self, operation: Operation, mover: Mover) -> bool:
        """Takes them back to their source; False when that is on another device: they stay then."""
        try:
            mover.take_back(operation)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return False
        return True

    def _follow(self, operation: Operation, move: Move, folders: Folders) -> Move:
        """Moves one file of a group after the others, and returns how it was done."""
        source = folders.open(source_place(operation))
        identity = FileIdentity.of(self.operations.status(os.path.basename(move.source), source))
        if identity != move.identity and move.position == 0:
            raise _CannotFollowError  # another photo than the one that was classified
        if identity != move.identity:
            move = replace(move, identity=identity, sha256=None)
        number = 1

        def noted(part: Operation) -> None:
            others = [other for other in operation.moves if other.position != move.position]
            moves = sorted([*others, *part.moves], key=lambda other: other.position)
            self.journal.change_moves(replace(operation, moves=tuple(moves), reserved=part.reserved))

        def rename(part: Operation) -> Operation:
            nonlocal number
            number += 1
            names = GroupNames(os.path.basename(move.destination)).numbered(number)
            part = part.renamed(names)
            noted(part)
            return part

        follower = Mover(self.operations, folders, self.journal.token, noted)
        return follower.move(replace(operation, moves=(move,)), rename).moves[0]


class _CannotFollowError(Exception):
    """The photo of a group is gone or changed: its companions go back."""


def _open(folders: Folders, place: Place) -> int | None:
    """The folder, or None where it is gone, or something else in its place."""
    try:
        return folders.open(place)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            return None
        raise


def _exists(operations: FileOperations, name: bytes, folder: int) -> bool:
    try:
        operations.status(name, folder)
    except FileNotFoundError:
        return False
    return True
