"""Carries out a batch of operations: intents, moves, folders synced, done, ledger; with two transactions in
all.

The same for filing, for undo and for late companions: each of them only says what is to be moved where.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import (
    DestinationTrouble,
    SourceTrouble,
    at_destination,
    at_source,
    changed,
    refused,
)
from photo_organizer.library.move.mover import (
    FOLDER_MODE,
    Mover,
    StillOpenError,
    destination_place,
    source_place,
)
from photo_organizer.library.move.open_folders import Folders, Place
from photo_organizer.library.plan.free_names import LONGEST, LONGEST_ENCRYPTED, GroupNames, NumberCache
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.ledger import Ledger
from photo_organizer.library.record.operation import JOINED, Manner, Operation
from photo_organizer.library.record.quarantine_reason import settle_reason
from photo_organizer.photo import Action

_MOST_TRIES = 1000


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be moved. The operation's destinations are the wanted names; `names` gives the numbered
    ones.
    """

    operation: Operation
    names: GroupNames
    may_be_numbered: bool = True
    original: Path | None = None


@dataclass(slots=True)
class Outcome:
    """What became of a draft: made when `trouble` is None; unfinished when `is_open` (recovery goes on with
    it).
    """

    draft: Draft
    operation: Operation
    trouble: SourceTrouble | DestinationTrouble | None = None
    is_open: bool = False


@dataclass(slots=True)
class _Names:
    """The destination names of one batch, chosen so that no two are the same and none is taken."""

    operations: FileOperations
    folders: Folders
    cache: NumberCache
    _given: set[tuple[bytes, bytes]] = field(default_factory=set)

    def choose(self, operation: Operation, draft: Draft) -> Operation:
        """The operation with the first free names.

        Raises:
            SourceTrouble: there is none.
            DestinationTrouble: the destination folder cannot be looked into.
        """
        place = destination_place(operation)
        with at_destination(place.path):
            folder = self.folders.open(place, make=FOLDER_MODE)
        number = self.cache.first_to_try(place.path, draft.names)
        longest = LONGEST
        while number == 1 or draft.may_be_numbered:
            names = draft.names.numbered(number, longest)
            names = tuple(names[move.position] for move in operation.moves)
            try:
                with at_destination(place.path):
                    is_free = not any(
                        self._is_taken(place.path, name, folder) for name in self._all(names, draft.names)
                    )
            except DestinationTrouble as trouble:
                if longest == LONGEST_ENCRYPTED or not _is_too_long(trouble):
                    raise
                longest = LONGEST_ENCRYPTED
                continue
            if is_free:
                self._given.update((place.path, name) for name in names)
                self.cache.given(place.path, draft.names, number)
                return operation.renamed(names)
            number += 1
        raise refused(operation.source, "its name is taken there")

    @staticmethod
    def _all(names: Sequence[bytes], wanted: GroupNames) -> Iterator[bytes]:
        yield from names
        if wanted.beside:
            yield names[0] + wanted.beside

    def _is_taken(self, path: bytes, name: bytes, folder: int) -> bool:
        if (path, name) in self._given:
            return True
        try:
            self.operations.status(name, folder)
        except FileNotFoundError:
            return False
        return True


def _is_too_long(trouble: DestinationTrouble) -> bool:
    return isinstance(trouble.__cause__, OSError) and trouble.__cause__.errno == errno.ENAMETOOLONG


class Engine:
    """Carries out drafts; to be used while the moves lock is held."""

    def __init__(self, operations: FileOperations, journal: Journal, ledger: Ledger) -> None:
        self._operations = operations
        self._journal = journal
        self._ledger = ledger
        self._cache = NumberCache()

    def run(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Carries the drafts out; a destination trouble ends it, and the rest of them has that trouble too.

        Raises:
            DestinationTrouble: the journal cannot be written; nothing was moved, or recovery goes on with it.
        """
        with Folders(self._operations) as folders:
            return self._run(drafts, folders)

    def _run(self, drafts: Sequence[Draft], folders: Folders) -> list[Outcome]:
        names = _Names(self._operations, folders, self._cache)
        outcomes = [Outcome(draft, draft.operation) for draft in drafts]
        with _stopping_at_destination_trouble(outcomes):
            for outcome in outcomes:
                with _keeping_trouble(outcome):
                    if not outcome.operation.is_withdrawal:
                        outcome.operation = names.choose(outcome.operation, outcome.draft)
        self._intend([outcome for outcome in outcomes if not outcome.trouble])
        mover = Mover(self._operations, folders, self._journal.token, self._journal.change_moves)
        with _stopping_at_destination_trouble(outcomes):
            for outcome in outcomes:
                if not outcome.trouble:
                    with _keeping_trouble(outcome):
                        self._move(outcome, mover, names, folders)
        self._sync(outcomes, folders, mover)
        self._finish(outcomes, mover)
        for outcome in outcomes:
            if outcome.trouble:
                self._cache.taken_back(destination_place(outcome.operation).path, outcome.draft.names)
        return outcomes

    def _intend(self, outcomes: Sequence[Outcome]) -> None:
        if outcomes:
            written = self._journal.intend(
                [outcome.operation for outcome in outcomes], *self._ledger.take_unrecorded()
            )
            for outcome, operation in zip(outcomes, written, strict=True):
                outcome.operation = operation

    def _move(self, outcome: Outcome, mover: Mover, names: _Names, folders: Folders) -> None:
        tries = 0

        def rename(operation: Operation) -> Operation:
            nonlocal tries
            tries += 1
            if tries > _MOST_TRIES:
                raise refused(operation.source, "each name that was tried is taken")
            operation = names.choose(operation, outcome.draft)
            self._journal.change_moves(operation)
            outcome.operation = operation
            return operation

        outcome.operation = mover.move(outcome.operation, rename)
        try:
            with at_destination(outcome.operation.destination):
                settle_reason(
                    self._operations, self._journal, outcome.operation, folders, mover.hidden, came=True
                )
        except DestinationTrouble as trouble:
            raise StillOpenError(trouble) from trouble

    def _sync(self, outcomes: Sequence[Outcome], folders: Folders, mover: Mover) -> None:
        """Each touched folder once, destinations first: a photo may be in two folders for a moment, but never
        in none.
        """
        made = [outcome for outcome in outcomes if outcome.operation.id and not outcome.trouble]
        synced: set[int] = set()
        for outcome in made:
            with _keeping_trouble(outcome, stays_open=True):
                if not outcome.operation.is_withdrawal:
                    self._check_place(outcome, folders, mover)
        for side, at_side in ((destination_place, at_destination), (source_place, at_source)):
            for outcome in made:
                if outcome.trouble or not _has_changed(outcome.operation, side):
                    continue
                place = side(outcome.operation)
                with _keeping_trouble(outcome, stays_open=True), at_side(place.path):
                    folder = folders.open(place)
                    if folder not in synced:
                        self._operations.sync(folder)
                        synced.add(folder)

    def _check_place(self, outcome: Outcome, folders: Folders, mover: Mover) -> None:
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

    def _finish(self, outcomes: Sequence[Outcome], mover: Mover) -> None:
        with_intent = [outcome for outcome in outcomes if outcome.operation.id and not outcome.is_open]
        if not with_intent:
            return
        done = [outcome.operation for outcome in with_intent if not outcome.trouble]
        abandoned = [outcome.operation for outcome in with_intent if outcome.trouble]
        landed = {
            operation.id: mover.landed(operation) for operation in done if operation.kind == Action.UNDONE
        }
        self._journal.finish(done, abandoned, {key: value for key, value in landed.items() if value})
        self._ledger.append([operation for operation in done if operation.kind != JOINED], done)


def _has_changed(operation: Operation, side: Callable[[Operation], Place]) -> bool:
    """Whether it changes names in that folder; what is copied or linked may be on a read-only card."""
    if operation.manner is Manner.MOVE:
        return True
    return side is (source_place if operation.is_withdrawal else destination_place)


@contextmanager
def _keeping_trouble(outcome: Outcome, *, stays_open: bool = False) -> Iterator[None]:
    """Source trouble stays with the photo; destination trouble, too, and goes on."""
    try:
        yield
    except SourceTrouble as trouble:
        outcome.trouble, outcome.is_open = trouble, stays_open
    except StillOpenError as error:
        outcome.trouble, outcome.is_open = error.trouble, True
        if isinstance(error.trouble, DestinationTrouble):
            raise error.trouble from error
    except DestinationTrouble as trouble:
        outcome.trouble, outcome.is_open = trouble, stays_open
        if not stays_open:
            raise


@contextmanager
def _stopping_at_destination_trouble(outcomes: Sequence[Outcome]) -> Iterator[None]:
    try:
        yield
    except DestinationTrouble as trouble:
        at = next(number for number, outcome in enumerate(outcomes) if outcome.trouble is trouble)
        for outcome in outcomes[at:]:
            outcome.trouble = outcome.trouble or trouble
