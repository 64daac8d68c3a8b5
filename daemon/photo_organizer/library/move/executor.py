"""Carries out a batch of operations: intents, moves, folders synced, done, ledger; with two transactions in
all.

The same for filing, for undo and for late companions: each of them only says what is to be moved where.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError
from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import (
    DestinationError,
    SourceError,
    at_destination,
    at_source,
    changed,
    concerns_the_journal,
    refused,
    unforeseen,
)
from photo_organizer.library.move.empty_folders import remove_empty_folders
from photo_organizer.library.move.mover import (
    Mover,
    NameTakenError,
    StillOpenError,
    destination_place,
    source_place,
)
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.plan.free_names import NameLimits, NameRefusedError
from photo_organizer.library.plan.name_chooser import FOLDER_MODE, NameChooser, NameRequest
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.ledger import Ledger
from photo_organizer.library.record.ledger_text import cells, line
from photo_organizer.library.record.operation import WITHOUT_ROW, Operation, TransferMode
from photo_organizer.library.record.quarantine_reason import settle_reason
from photo_organizer.library.recovery import Recoverer

_MOST_TRIES = 1000


@dataclass(frozen=True, slots=True)
class MovePlan(NameRequest):
    """What is to be moved. The operation's destinations are the wanted names; `original` is what a duplicate
    is the same as.
    """

    original: Path | None = None


@dataclass(slots=True)
class MoveOutcome:
    """What became of a draft: made when `trouble` is None; unfinished when `is_open` (recovery goes on with
    it). `row_trouble` is why the row of what was made is not in the ledger yet: it is written before the next
    batch begins.
    """

    draft: MovePlan
    operation: Operation
    trouble: SourceError | DestinationError | None = None
    is_open: bool = False
    row_trouble: DestinationError | None = None


class Executor:
    """Carries out drafts; to be used while the moves lock is held."""

    def __init__(
        self, operations: FileOperations, journal: Journal, ledger: Ledger, crash_log: CrashLog
    ) -> None:
        self._operations = operations
        self._crash_log = crash_log
        self._journal = journal
        self._ledger = ledger
        self._name_limits: dict[bytes, NameLimits] = {}

    def run(self, drafts: Sequence[MovePlan]) -> list[MoveOutcome]:
        """Carries the drafts out; a destination trouble ends it, and the rest of them has that trouble too.

        Raises:
            DestinationError: the journal cannot be written; nothing was moved, or recovery goes on with it.
        """
        with Folders(self._operations) as folders:
            return self._run(drafts, folders)

    def leave(self, operation: Operation) -> DestinationError | None:
        """Write down that a duplicate stays where it is, and hold it there; return why its row is not in the
        ledger yet, if it is not.

        Raises:
            DestinationError: the state directory fails.
        """
        written = self._journal.intend([operation], *self._ledger.take_unrecorded(), hold=True)
        return self._append(written, written)

    def recover(self) -> None:
        """Bring what is open to its end, between two attempts at one batch.

        Raises:
            DestinationError: the state directory fails.
        """
        Recoverer(self._operations, self._journal, self._crash_log).recover()
        self._ledger.bring_up_to_date()

    def _run(self, drafts: Sequence[MovePlan], folders: Folders) -> list[MoveOutcome]:
        names = NameChooser(self._operations, folders, set(), FOLDER_MODE, self._name_limits)
        outcomes = [MoveOutcome(draft, draft.operation) for draft in drafts]
        with _stopping_at_destination_trouble(outcomes):
            for outcome in outcomes:
                with self._keeping_trouble(outcome):
                    if not outcome.operation.is_withdrawal:
                        outcome.operation = names.choose(outcome.draft)
                    line(cells(outcome.operation))  # a photo whose row cannot be written is not begun with
        self._intend([outcome for outcome in outcomes if not outcome.trouble], folders.made)
        mover = Mover(self._operations, folders, self._journal.token, self._journal.change_moves)
        with _stopping_at_destination_trouble(outcomes):
            for outcome in outcomes:
                if not outcome.trouble:
                    with self._keeping_trouble(outcome):
                        self._move(outcome, mover, names, folders)
        self._sync(outcomes, folders, mover)
        self._finish(outcomes, mover)
        self._remove_empty_folders(outcomes)
        return outcomes

    def _intend(self, outcomes: Sequence[MoveOutcome], made_folders: Mapping[bytes, int]) -> None:
        if not outcomes:
            if made_folders:
                self._journal.remember_folders(made_folders)
            return
        recorded = self._ledger.take_unrecorded()
        try:
            operations = [outcome.operation for outcome in outcomes]
            written = self._journal.intend(operations, *recorded, made_folders=made_folders)
        except OrganizerError:
            raise
        except Exception as error:
            if concerns_the_journal(error):
                raise
            self._intend_one_by_one(outcomes)
            return
        for outcome, operation in zip(outcomes, written, strict=True):
            outcome.operation = operation

    def _remove_empty_folders(self, outcomes: Sequence[MoveOutcome]) -> None:
        """Remove the folders of ours that nothing came into, or from which the last photo was taken back."""
        places = {
            destination_place(outcome.operation) if outcome.trouble else source_place(outcome.operation)
            for outcome in outcomes
            if not outcome.is_open and (outcome.trouble or outcome.operation.takes_back)
        }
        for place in sorted(places, key=lambda place: place.path, reverse=True):
            remove_empty_folders(self._operations, self._journal, place)

    def _intend_one_by_one(self, outcomes: Sequence[MoveOutcome]) -> None:
        """Find the photo that the journal cannot take."""
        for outcome in outcomes:
            with self._keeping_trouble(outcome):
                (outcome.operation,) = self._journal.intend([outcome.operation])

    def _move(self, outcome: MoveOutcome, mover: Mover, names: NameChooser, folders: Folders) -> None:
        tries = 0

        def rename(operation: Operation, reason: NameTakenError | NameRefusedError) -> Operation:
            nonlocal tries
            tries += 1
            if tries > _MOST_TRIES:
                raise refused(operation.source, "each name that was tried is taken")
            if isinstance(reason, NameRefusedError):
                names.refuse(outcome.draft, reason)
            names_now = tuple(
                os.path.basename(move.destination) for move in names.choose(outcome.draft).moves
            )
            operation = operation.renamed(names_now)
            self._journal.change_moves(operation)
            outcome.operation = operation
            return operation

        outcome.operation = mover.move(outcome.operation, rename)
        try:
            with at_destination(outcome.operation.destination):
                settle_reason(
                    self._operations, self._journal, outcome.operation, folders, mover.hidden, came=True
                )
        except DestinationError as trouble:
            raise StillOpenError(trouble) from trouble

    def _sync(self, outcomes: Sequence[MoveOutcome], folders: Folders, mover: Mover) -> None:
        """Each touched folder once, destinations first: a photo may be in two folders for a moment, but never
        in none.
        """
        made = [outcome for outcome in outcomes if outcome.operation.id and not outcome.trouble]
        synced: set[int] = set()
        for outcome in made:
            with self._keeping_trouble(outcome, stays_open=True):
                if not outcome.operation.is_withdrawal:
                    self._check_place(outcome, folders, mover)
        for side, at_side in ((destination_place, at_destination), (source_place, at_source)):
            for outcome in made:
                if outcome.trouble or not _has_changed(outcome.operation, side):
                    continue
                place = side(outcome.operation)
                with self._keeping_trouble(outcome, stays_open=True), at_side(place.path):
                    folder = folders.open(place)
                    if folder not in synced:
                        self._operations.sync(folder)
                        synced.add(folder)

    def _check_place(self, outcome: MoveOutcome, folders: Folders, mover: Mover) -> None:
        """If the destination folder was moved away while we worked in it (perhaps out of the library): back
        again.
        """
        place = destination_place(outcome.operation)
        with at_destination(place.path):
            if folders.is_still_there(place):
                return
            mover.take_back(outcome.operation)
        outcome.is_open = False
        outcome.trouble = changed(
            outcome.operation.source, "its destination folder was replaced while it was being filed"
        )

    def _finish(self, outcomes: Sequence[MoveOutcome], mover: Mover) -> None:
        with_intent = [outcome for outcome in outcomes if outcome.operation.id and not outcome.is_open]
        if not with_intent:
            return
        try:
            self._write_end(with_intent, mover)
        except OrganizerError:
            raise
        except Exception as error:
            if concerns_the_journal(error):
                raise
            for outcome in with_intent:  # find the photo whose end the journal cannot take
                with self._keeping_trouble(outcome, stays_open=True):
                    self._write_end([outcome], mover)
        done = [outcome for outcome in with_intent if not outcome.trouble]
        operations = [outcome.operation for outcome in done]
        rows = [operation for operation in operations if operation.kind not in WITHOUT_ROW]
        row_trouble = self._append(rows, operations)
        for outcome in done:
            outcome.row_trouble = row_trouble

    def _append(self, rows: Sequence[Operation], done: Sequence[Operation]) -> DestinationError | None:
        """Write the ledger's rows of what the journal says is done.

        It stays done when that fails: the trouble is returned, and recovery writes the rows before the next
        batch begins.
        """
        try:
            self._ledger.append(rows, done)
        except DestinationError as trouble:
            return trouble
        except OrganizerError:
            raise
        except Exception as error:  # of no photo
            if concerns_the_journal(error):
                raise
            return DestinationError(self._crash_log.describe(error, "writing the ledger"))
        return None

    def _write_end(self, outcomes: Sequence[MoveOutcome], mover: Mover) -> None:
        done = [outcome.operation for outcome in outcomes if not outcome.trouble]
        abandoned = [outcome.operation for outcome in outcomes if outcome.trouble]
        landed = {operation.id: mover.landed(operation) for operation in done if operation.takes_back}
        self._journal.finish(done, abandoned, {key: value for key, value in landed.items() if value})

    @contextmanager
    def _keeping_trouble(self, outcome: MoveOutcome, *, stays_open: bool = False) -> Iterator[None]:
        """Source trouble stays with the photo; destination trouble, too, and goes on.

        So does an error that nobody foresaw: how far the photo got with it, recovery will see on the disk.
        """
        try:
            yield
        except SourceError as trouble:
            outcome.trouble, outcome.is_open = trouble, stays_open
        except StillOpenError as error:
            outcome.trouble, outcome.is_open = error.trouble, True
            if isinstance(error.trouble, DestinationError):
                raise error.trouble from error
        except DestinationError as trouble:
            outcome.trouble, outcome.is_open = trouble, stays_open
            if not stays_open:
                raise
        except Exception as error:
            if concerns_the_journal(error):
                raise
            outcome.trouble = unforeseen(error, outcome.operation.source, self._crash_log)
            outcome.is_open = outcome.operation.id != 0


def _has_changed(operation: Operation, side: Callable[[Operation], OpenFolder]) -> bool:
    """Whether it changes names in that folder; what is copied or linked may be on a read-only card."""
    if operation.transfer_mode is TransferMode.MOVE:
        return True
    return side is (source_place if operation.is_withdrawal else destination_place)


@contextmanager
def _stopping_at_destination_trouble(outcomes: Sequence[MoveOutcome]) -> Iterator[None]:
    try:
        yield
    except DestinationError as trouble:
        at = next(number for number, outcome in enumerate(outcomes) if outcome.trouble is trouble)
        for outcome in outcomes[at:]:
            outcome.trouble = outcome.trouble or trouble
