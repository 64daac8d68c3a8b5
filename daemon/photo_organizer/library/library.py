"""The library: the only door through which photos are moved, and everything is remembered."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OrganizerError
from ..fsops import FileOperations
from ..photo import Action, Photo
from .claim import Claim
from .engine import Draft, Engine
from .filing import SKIP, SKIPPED, Drafter, Filing, FilingReport, Placed, rounds
from .folders import Folders
from .history import Correction, Event, corrected, events_of, finished_events
from .journal import Journal, Move, State
from .joining import Joiner, JoinReport
from .ledger import Ledger
from .ledger_rows import LedgerCheck, compare
from .locks import OwnerLock, moves_lock
from .recovery import Recoverer, Recovery
from .troubles import DestinationTrouble, LibraryLocked, SourceTrouble, at_destination
from .undo import Selection, Undoer, UndoReport, UndoStep, drafts, last_batch, selected

if TYPE_CHECKING:
    from ..config import Configuration

_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class LibrarySettings:
    """Where everything is; all paths absolute.

    Args:
        duplicates: `keep`, `skip`, or the folder in the library for photos that are filed already.
    """

    library: Path
    state: Path
    ledger: Path
    quarantine: Path
    duplicates: str = "Duplicates"

    @classmethod
    def of(cls, configuration: Configuration) -> LibrarySettings:
        return cls(
            configuration.library,
            configuration.state_directory,
            configuration.ledger_path,
            configuration.quarantine_directory,
            configuration.duplicates,
        )


def local_time() -> datetime:
    return datetime.now().astimezone()


class Library:
    """See `open`. Each method may be called while another process uses the same library; moves never overlap."""

    def __init__(
        self,
        settings: LibrarySettings,
        operations: FileOperations,
        clock: Callable[[], datetime],
        lock: OwnerLock | None,
    ) -> None:
        self._settings = settings
        self._operations = operations
        self._clock = clock
        self._lock = lock
        self._journal = Journal(settings.state / "journal.sqlite", operations)
        self._ledger = Ledger(settings.ledger, operations, self._journal)
        self._engine = Engine(operations, self._journal, self._ledger)
        self._claim = Claim(settings.library, settings.state, self._journal, operations)

    @classmethod
    def open(
        cls,
        settings: LibrarySettings | Configuration,
        *,
        owner: bool = False,
        operations: FileOperations | None = None,
        clock: Callable[[], datetime] = local_time,
    ) -> Library:
        """The library of `settings`, with its journal and ledger; made where they are missing.

        A library folder that is missing or full is no reason not to open it: `file` will say so, and pause.

        Args:
            owner: True for the daemon and `sort`, which file photos; False for all other commands.
            operations: the steps on files; replaced by tests.

        Raises:
            LibraryLocked: `owner`, and another process is.
            JournalError: the journal is damaged or newer than this program.
            OrganizerError: a folder cannot be made.
        """
        if not isinstance(settings, LibrarySettings):
            settings = LibrarySettings.of(settings)
        for folder in (settings.state, settings.ledger.parent, settings.quarantine):
            _make_private(folder)
        lock = _own(settings.state / "owner.lock") if owner else None
        try:
            library = cls(settings, operations or FileOperations(), clock, lock)
            if owner:
                library._begin_owning()
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return library

    def _begin_owning(self) -> None:
        self._claim.make_folder()
        try:
            self._claim.hold()
        except DestinationTrouble:  # said again, and acted on, by the first batch
            return

    def close(self) -> None:
        """Records what is still to be recorded, and lets go of the locks."""
        try:
            with self._exclusive():
                self._ledger.record()
        except DestinationTrouble:  # the next start does it
            pass
        finally:
            self._claim.release()
            self._journal.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Alone with the photos and the ledger, everything that was open before brought to an end.

        Raises:
            DestinationTrouble: another process does not let go, or the state directory fails.
        """
        try:
            with moves_lock(self._settings.state / "moves.lock"):
                self._recover()
                yield
        except sqlite3.Error as error:
            raise DestinationTrouble(f"the journal: {error}", where=self._settings.state) from error

    def _recover(self) -> Recovery:
        unfinished = {operation.id for operation in self._journal.open_operations()}
        if self._ledger.is_as_left(unfinished):
            return Recovery()
        recovery = Recoverer(self._operations, self._journal).recover()
        recovery.ledger_rows = self._ledger.bring_up_to_date()
        return recovery

    def recover(self) -> Recovery:
        """Completes or takes back what a crash left open, and repairs the ledger; a second time changes nothing.

        Called by everything else on its way, so that calling it is needed only for the report.

        Raises:
            DestinationTrouble: the state directory cannot be written.
        """
        try:
            with moves_lock(self._settings.state / "moves.lock"):
                return self._recover()
        except sqlite3.Error as error:
            raise DestinationTrouble(f"the journal: {error}", where=self._settings.state) from error

    # filing ----------------------------------------------------------------------------------------------------

    def file(self, filings: Sequence[Filing], *, batch: str | None = None) -> FilingReport:
        """Moves photos where they belong, durably: on return they are there, and in the ledger.

        Args:
            batch: the id of an earlier report, to count these photos to that batch (for `undo`).

        Raises:
            LibraryLocked: another process has taken the library (its folder was replaced meanwhile).
        """
        report = FilingReport(batch or "")
        try:
            with self._exclusive():
                report = replace(report, batch=batch or self._new_batch())
                self._claim.hold()
                for start in range(0, len(filings), _AT_ONCE):
                    for part in rounds(filings[start : start + _AT_ONCE]):
                        report = self._file_round(part, report)
                        if report.pause:
                            return report
        except DestinationTrouble as trouble:
            return replace(report, pause=trouble)
        return report

    def _file_round(self, filings: Sequence[Filing], report: FilingReport) -> FilingReport:
        drafter = self._drafter(report.batch)
        drafted: list[tuple[Filing, Draft]] = []
        set_aside = list(report.set_aside)
        left = list(report.left)
        with Folders(self._operations) as folders:
            for filing in filings:
                try:
                    draft = drafter.draft(filing, folders)
                except SourceTrouble as trouble:
                    set_aside.append((filing.group, trouble))
                    continue
                original = self._original_to_skip(drafter, filing, draft, folders)
                if original is not None:
                    self._leave(filing, draft, original)
                    left.append(Placed(filing.group, Action.DUPLICATE, filing.group.photo.path, original))
                    continue
                drafted.append((filing, draft))
        outcomes = self._engine.run([draft for _, draft in drafted])
        filed = list(report.filed)
        pause = None
        for (filing, _), outcome in zip(drafted, outcomes, strict=True):
            if outcome.trouble is None:
                destination = Path(os.fsdecode(outcome.operation.destination))
                filed.append(Placed(filing.group, Action(outcome.operation.kind), destination))
            elif isinstance(outcome.trouble, SourceTrouble):
                set_aside.append((filing.group, outcome.trouble))
            else:
                pause = pause or outcome.trouble
        return replace(report, filed=tuple(filed), set_aside=tuple(set_aside), left=tuple(left), pause=pause)

    def _drafter(self, batch: str) -> Drafter:
        settings = self._settings
        return Drafter(
            self._operations, self._journal, os.fsencode(settings.library), os.fsencode(settings.quarantine),
            settings.duplicates, batch, self._now(),
        )  # fmt: skip

    def _original_to_skip(
        self, drafter: Drafter, filing: Filing, draft: Draft, folders: Folders
    ) -> Path | None:
        if self._settings.duplicates != SKIP or filing.action is Action.QUARANTINED:
            return None
        return drafter.original(draft.operation.sha256, filing.group.photo, folders)

    def _leave(self, filing: Filing, draft: Draft, original: Path) -> None:
        """A duplicate that stays in its inbox: a row, and it is held; only once for as long as it is held."""
        if self.is_held(filing.group.photo):
            return
        photo = draft.operation.moves[0]
        moves = (Move(photo.source, os.fsencode(original), photo.identity, photo.sha256),)
        operation = replace(
            draft.operation, kind=Action.DUPLICATE, moves=moves, label=SKIPPED, state=State.DONE
        )
        written = self._journal.intend([operation], *self._ledger.take_unrecorded(), hold=True)
        self._ledger.append(written, written)

    def join(self, companions: Sequence[Photo], inbox: Path) -> JoinReport:
        """Moves companions that arrived late to their photos, which were filed from the same folder.

        Args:
            inbox: the inbox that they are all below.
        """
        joined: list[tuple[Photo, Path]] = []
        orphans: list[Photo] = []
        set_aside: list[tuple[Photo, SourceTrouble]] = []
        pause = None
        try:
            with self._exclusive():
                self._claim.hold()
                joiner = Joiner(self._operations, self._journal, self._undoer(""))
                pairs = [(companion, joiner.draft(companion, inbox)) for companion in companions]
                orphans = [companion for companion, draft in pairs if draft is None]
                belonging = [(companion, draft) for companion, draft in pairs if draft is not None]
                outcomes = self._engine.run([draft for _, draft in belonging])
                for (companion, _), outcome in zip(belonging, outcomes, strict=True):
                    if outcome.trouble is None:
                        joined.append((companion, Path(os.fsdecode(outcome.operation.destination))))
                    elif isinstance(outcome.trouble, SourceTrouble):
                        set_aside.append((companion, outcome.trouble))
                    else:
                        pause = outcome.trouble
        except DestinationTrouble as trouble:
            pause = trouble
        return JoinReport(tuple(joined), tuple(orphans), tuple(set_aside), pause)

    def is_held(self, photo: Photo) -> bool:
        """Whether undo put the photo there (or it was skipped as a duplicate), and nobody has touched it since."""
        return self._journal.is_held(os.fsencode(photo.path), photo.identity)

    # undo and corrections --------------------------------------------------------------------------------------

    def undo(self, selection: Selection = Selection(), *, dry_run: bool = False) -> UndoReport:  # noqa: B008 (frozen)
        """Takes photos back to their inboxes, where they are held. Never replaces a file there.

        Raises:
            NothingToUndoError: nothing fits the selection.
            DestinationTrouble: the state directory fails.
        """
        if dry_run:
            steps = list(drafts(self._undoer(""), self._journal, selected(self._journal, selection)))
            refused = tuple((step, trouble) for step, _, trouble in steps if trouble)
            return UndoReport(tuple(step for step, _, trouble in steps if not trouble), refused)
        with self._exclusive():
            numbers = selected(self._journal, selection)
            batch = self._new_batch()
        report = UndoReport()
        for start in range(0, len(numbers), _AT_ONCE):
            with self._exclusive():
                report = self._undo_some(numbers[start : start + _AT_ONCE], batch, report)
        return report

    def _undo_some(self, numbers: Sequence[int], batch: str, report: UndoReport) -> UndoReport:
        steps = list(drafts(self._undoer(batch), self._journal, numbers))
        undone = list(report.undone)
        refused: list[tuple[UndoStep, OrganizerError]] = list(report.refused)
        refused += [(step, trouble) for step, _, trouble in steps if trouble]
        ready = [(step, draft) for step, draft, _ in steps if draft is not None]
        outcomes = self._engine.run([draft for _, draft in ready])
        for (step, _), outcome in zip(ready, outcomes, strict=True):
            if outcome.trouble is None:
                undone.append(replace(step, destination=Path(os.fsdecode(outcome.operation.destination))))
            else:
                refused.append((step, outcome.trouble))
        return UndoReport(tuple(undone), tuple(refused))

    def _undoer(self, batch: str) -> Undoer:
        return Undoer(self._operations, self._journal, batch, self._now())

    def correct(self, corrections: Sequence[Correction]) -> int:
        """Writes down that the owner has moved photos to other categories; returns how many were new.

        Raises:
            DestinationTrouble: the state directory fails.
        """
        with self._exclusive():
            operations = [
                operation
                for correction in corrections
                for operation in corrected(self._journal, correction, "", self._now(), self._settings.library)
            ]
            if operations:
                batch = self._new_batch()
                operations = [replace(operation, batch=batch) for operation in operations]
                written = self._journal.intend(operations, *self._ledger.take_unrecorded())
                self._ledger.append(written, written)
        return len(operations)

    # looking ---------------------------------------------------------------------------------------------------

    def history(self, photo: Path | str) -> tuple[Event, ...]:
        """All that was done with a photo, oldest first.

        Args:
            photo: its path (now or at any time before), or its SHA-256 in hex.
        """
        return tuple(events_of(self._journal, photo))

    def events(self) -> Iterator[Event]:
        """Everything that was ever done, oldest first; a row at a time, for any number of photos."""
        return finished_events(self._journal)

    def totals(self) -> dict[Action, int]:
        """How many photos each action was done with."""
        totals = self._journal.totals()
        return {action: totals.get(action, 0) for action in Action}

    def last_batch(self) -> str | None:
        """The batch that `undo` would take back."""
        return last_batch(self._journal)

    def verify_ledger(self) -> LedgerCheck:
        """Compares every row of the ledger with the journal.

        Raises:
            DestinationTrouble: the ledger cannot be read.
        """
        with (
            moves_lock(self._settings.state / "moves.lock"),
            at_destination(os.fsencode(self._settings.ledger)),
        ):
            return compare(self._settings.ledger, self._journal)

    def rebuild_ledger(self) -> int:
        """Writes the ledger anew from the journal, keeps the old one beside it, and returns the number of rows.

        Raises:
            DestinationTrouble: it cannot be written; the old one stays as it is.
        """
        with self._exclusive():
            return self._ledger.rebuild()

    def _now(self) -> str:
        return self._clock().isoformat(timespec="milliseconds")

    def _new_batch(self) -> str:
        """An id that no batch has had: the time, and a number."""
        second = f"{self._clock():%Y%m%d-%H%M%S}"
        number = 1
        while self._journal.value(
            "SELECT 1 FROM operations WHERE batch = ? LIMIT 1", (f"{second}-{number}",)
        ):
            number += 1
        return f"{second}-{number}"


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        remedy = "make the folder, or choose another in the config"
        raise OrganizerError(f"cannot be made: {error.strerror}", where=folder, remedy=remedy) from error


def _own(path: Path) -> OwnerLock:
    try:
        return OwnerLock(path)
    except LibraryLocked:
        raise
    except OSError as error:
        raise OrganizerError(
            f"cannot be locked: {error.strerror}", where=path, remedy="make it writable"
        ) from error
