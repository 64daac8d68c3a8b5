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

from photo_organizer.crash_log import CrashLog
from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import (
    DestinationError,
    SourceError,
    SourceErrorKind,
    at_destination,
    concerns_the_journal,
    destination_error,
    unforeseen,
)
from photo_organizer.library.move.empty_folders import remove_empty_folders
from photo_organizer.library.move.file_recovery import FileRecovery, Sides
from photo_organizer.library.move.mover import (
    Mover,
    NameTakenError,
    StillOpenError,
    destination_place,
    source_place,
)
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.move.removal import Remover
from photo_organizer.library.plan.free_names import GroupNames, NameRefusedError
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import Move, Operation, State
from photo_organizer.library.record.quarantine_reason import settle_reason
from photo_organizer.photo import FileIdentity


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
    pause: SourceError | DestinationError | None = None
    waiting: int = 0


@dataclass(slots=True)
class Recoverer:
    """Recovers the operations of a journal; to be used while the moves lock is held."""

    operations: FileOperations
    journal: Journal
    crash_log: CrashLog
    report: Recovery = field(default_factory=Recovery)

    def recover(self) -> Recovery:
        """Completes or takes back every operation that is an intent.

        Raises:
            DestinationError: the journal cannot be written.
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
        except (SourceError, DestinationError) as trouble:
            self._wait(trouble)
        except OSError as error:
            self._wait(destination_error(error, operation.destination))
        except Exception as error:
            if concerns_the_journal(error):
                raise
            self._wait(unforeseen(error, operation.source, self.crash_log))

    def _wait(self, trouble: SourceError | DestinationError) -> None:
        self.report.waiting += 1
        if not isinstance(self.report.pause, DestinationError):
            self.report.pause = trouble

    def _recover(self, operation: Operation, folders: Folders) -> None:
        mover = Mover(self.operations, folders, self.journal.token, self.journal.change_moves)
        if operation.is_withdrawal:
            self._recover_withdrawal(operation, folders, mover)
            return
        with at_destination(operation.destination):  # without the library nothing is known
            folders.open(OpenFolder.below(operation.destination[: operation.destination_root]))
        sides = Sides(folders.find(source_place(operation)), folders.find(destination_place(operation)))
        settler = FileRecovery(self.operations, mover.hidden)
        moved = [move for move in operation.moves if settler.settle(operation, move, sides)]
        made = replace(operation, moves=())
        if moved:
            others = [move for move in operation.moves if move not in moved]
            present = [move for move in others if settler.is_present(move, sides.source)]
            made = self._bring_together(operation, moved, present, folders, mover)
        self._close(made, operation, folders, sides, mover)

    def _close(
        self, made: Operation, operation: Operation, folders: Folders, sides: Sides, mover: Mover
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
            remove_empty_folders(self.operations, self.journal, destination_place(operation))
            return
        self.operations.sync(folders.open(destination_place(made)))
        self._finish(made, mover)

    def _finish(self, made: Operation, mover: Mover) -> None:
        identity = mover.landed(made)
        self.journal.finish([made], [], {} if identity is None else {made.id: identity})
        self.report.completed += 1
        if made.takes_back:
            remove_empty_folders(self.operations, self.journal, source_place(made))

    def _recover_withdrawal(self, operation: Operation, folders: Folders, mover: Mover) -> None:
        if not Remover(self.operations, folders, mover.hidden).complete(operation):
            self.journal.finish([], [operation], {})
            self.report.taken_back += 1
            return
        settle_reason(self.operations, self.journal, operation, folders, mover.hidden, came=True)
        self._finish(operation, mover)

    # a photo and its companions
    # --------------------------------------------------------------------------------

    def _bring_together(
        self,
        operation: Operation,
        moved: Sequence[Move],
        present: Sequence[Move],
        folders: Folders,
        mover: Mover,
    ) -> Operation:
        """Some of the group are at their destination: the others follow as far as they are `present`, or all
        go back.
        """
        photo = operation.moves[0]
        try:
            if photo not in moved and photo not in present:
                raise _CannotFollowError  # noqa: TRY301 (the same end as for a companion below)
            for move in present:
                moved = [*moved, self._follow(operation, move, folders)]
        except (SourceError, _CannotFollowError):
            if self._are_taken_back(replace(operation, moves=tuple(moved)), mover):
                return replace(operation, moves=())
        operation = replace(operation, moves=tuple(sorted(moved, key=lambda move: move.position)))
        self.journal.change_moves(operation)
        return operation

    def _are_taken_back(self, operation: Operation, mover: Mover) -> bool:
        """Takes them back to their source; False when that is on another device, or copies and links have no
        original any more: they stay then.
        """
        try:
            mover.take_back(operation)
        except SourceError as trouble:
            if trouble.kind is SourceErrorKind.REFUSED:
                raise
            return False
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return False
        return True

    def _follow(self, operation: Operation, move: Move, folders: Folders) -> Move:
        """Moves one file of a group after the others, and returns how it was done."""
        source = folders.open(source_place(operation))
        identity = FileIdentity.of(self.operations.status(os.path.basename(move.source), source))
        is_same = identity.is_same_but_for_device(move.identity)  # the disk may have been plugged in again
        if not is_same and move.position == 0:
            raise _CannotFollowError  # another photo than the one that was classified
        if identity != move.identity:
            move = replace(move, identity=identity, sha256=move.sha256 if is_same else None)
        number = 1

        def noted(part: Operation) -> None:
            others = [other for other in operation.moves if other.position != move.position]
            moves = sorted([*others, *part.moves], key=lambda other: other.position)
            self.journal.change_moves(replace(operation, moves=tuple(moves), reserved=part.reserved))

        def rename(part: Operation, reason: NameTakenError | NameRefusedError) -> Operation:
            nonlocal number
            if isinstance(reason, NameRefusedError):
                raise reason.trouble
            number += 1
            names = GroupNames(os.path.basename(move.destination)).numbered(number)
            part = part.renamed(names)
            noted(part)
            return part

        follower = Mover(self.operations, folders, self.journal.token, noted)
        return follower.move(replace(operation, moves=(move,)), rename).moves[0]


class _CannotFollowError(Exception):
    """The photo of a group is gone or changed: its companions go back."""
