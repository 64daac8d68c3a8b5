"""The library: the only door through which photos are moved, and everything is remembered."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.config.inboxes import KEEP, SKIP
from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError
from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import (
    DestinationError,
    LibraryLocked,
    at_destination,
    destination_error,
)
from photo_organizer.library.file_photos import BatchFiler, FilingEngine, by_library, waiting_for
from photo_organizer.library.library_lock import LibraryLock
from photo_organizer.library.locations import LibrarySettings
from photo_organizer.library.locks import OwnerLock, moves_lock
from photo_organizer.library.move.executor import Executor
from photo_organizer.library.move.open_folders import Folders
from photo_organizer.library.plan.duplicates import DuplicateFinder, PlannedPlaces
from photo_organizer.library.plan.filing import Filing, FilingReport, Placed
from photo_organizer.library.plan.late_companions import Joiner, JoinReport, Latecomer
from photo_organizer.library.plan.library_files import LibraryFiles
from photo_organizer.library.plan.owner_moves import MoveReport, OwnerMove, OwnerMover
from photo_organizer.library.plan.planner import PlanningEngine
from photo_organizer.library.plan.undo import Selection, Undoer, UndoReport, last_batch, selected
from photo_organizer.library.record.actions import RecordedAction, recorded_actions
from photo_organizer.library.record.history import (
    Correction,
    Event,
    MovedFile,
    corrected,
    event,
    events_of,
    finished_events,
    moved_files,
)
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.journal_health import (
    JOURNAL,
    is_begun,
    journal_fault,
    newest_copy,
    restore_copy,
    set_aside,
)
from photo_organizer.library.record.journal_rebuild import LedgerAdoption
from photo_organizer.library.record.ledger import Ledger, real_ledger
from photo_organizer.library.record.ledger_rows import LedgerCheck, compare, has_rows
from photo_organizer.library.record.listing import (
    BatchSummary,
    HeldPhoto,
    PlacedPhoto,
    batches,
    classified_lately,
    filed_lately,
    held_photos,
    last_batches,
    photos_below,
    photos_of_batch,
    surest_below,
)
from photo_organizer.library.record.operation import TransferMode
from photo_organizer.library.record.search import SearchIndex
from photo_organizer.library.recovery import Recoverer, Recovery
from photo_organizer.library.xmp.sidecars import Sidecars
from photo_organizer.photo import Action, Photo

if TYPE_CHECKING:
    from photo_organizer.config import Configuration

_AT_ONCE = 64
_LAST_PLACES = 1000
"""Photos in whose folders a crash may have left a half-written sidecar."""


def local_time() -> datetime:
    return datetime.now().astimezone()


class Library:
    """See `open`. Each method may be called while another process uses the same library; moves never
    overlap.
    """

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
        self._journal = Journal(settings.state / JOURNAL, operations)
        self._ledger = Ledger(settings.ledger, operations, self._journal)
        self._crash_log = CrashLog(settings.state)
        self._ledger_is_ahead = False
        self.restored = ""
        """What was done at the start about a journal that was damaged or gone; empty when it was sound."""
        self._engine = Executor(operations, self._journal, self._ledger, self._crash_log)
        self._planning: PlanningEngine | None = None
        roots = tuple(os.fsencode(library) for library in settings.libraries)
        self._files = {library: LibraryFiles(os.fsencode(library)) for library in settings.libraries}
        self._sidecars = Sidecars(operations, roots, settings.keyword)
        self._library_locks = {
            library: LibraryLock(library, settings.state, self._journal, operations)
            for library in settings.libraries
        }

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
            settings: the config, or its part that matters here.
            owner: True for the daemon and `sort`, which file photos; False for all other commands.
            operations: the steps on files; replaced by tests.
            clock: tells the local time, with its zone.

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
        library: Library | None = None
        try:
            restored = _restored(settings.state / JOURNAL, clock) if owner else ""
            library = cls(settings, operations or FileOperations(), clock, lock)
            if owner:
                library._begin_owning()
                library._take_over_ledger(restored)
        except BaseException:
            if library is not None:
                library.close()
            elif lock is not None:
                lock.release()
            raise
        return library

    def _begin_owning(self) -> None:
        for library_lock in self._library_locks.values():
            library_lock.make_folder()
            with suppress(DestinationError):  # said again, and acted on, by the first batch
                library_lock.hold()
        with suppress(DestinationError), moves_lock(self._settings.state / "moves.lock"):
            self._sidecars.tidy(self._journal.last_places(_LAST_PLACES))

    def _take_over_ledger(self, restored: str) -> None:
        """Write down what only the ledger knows, if the journal was damaged or is gone."""
        self.restored = restored
        self._ledger_is_ahead = bool(restored) or self._journal.is_empty()
        try:
            with moves_lock(self._settings.state / "moves.lock"):
                self._adopt_rows()
        except DestinationError:  # said again, and acted on, by the first batch
            return

    def _adopt_rows(self) -> None:
        if not self._ledger_is_ahead:
            return
        adopted = 0
        with at_destination(os.fsencode(self._settings.ledger)):
            ledger = real_ledger(self._settings.ledger)
            if has_rows(ledger):
                adopted = LedgerAdoption(self._journal, self._settings).adopt(ledger)
        self._ledger_is_ahead = False
        if adopted:
            self.restored = (
                f"{self.restored or 'the journal was gone'}; {adopted:,} photos are taken over from the"
                " ledger, without their companions"
            )

    def keep_daily_copy(self) -> None:
        """Keep a copy of the journal for each of the last seven days on which this was called.

        Raises:
            DestinationError: it cannot be written.
        """
        try:
            self._journal.keep_daily_copy(self._clock().date())
        except (OSError, sqlite3.Error) as error:
            what = f"a copy of the journal cannot be kept: {error}"
            raise DestinationError(what, where=self._settings.state) from error

    def close(self) -> None:
        """Records what is still to be recorded, and lets go of the locks."""
        try:
            with self._exclusive():
                self._ledger.record()
        except DestinationError:  # the next start does it
            pass
        finally:
            for library_lock in self._library_locks.values():
                library_lock.release()
            self._journal.close()
            if self._planning is not None:
                self._planning.planned.close()
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
            DestinationError: another process does not let go, or the state directory fails.
        """
        try:
            with moves_lock(self._settings.state / "moves.lock"):
                self._adopt_rows()
                self._recover()
                yield
        except OrganizerError:
            raise
        except sqlite3.Error as error:
            raise DestinationError(f"the journal: {error}", where=self._settings.state) from error
        except Exception as error:  # of no photo that could be set aside
            what = self._crash_log.describe(error, "filing photos")
            raise DestinationError(what, remedy="filing is tried again by itself") from error

    def _recover(self) -> Recovery:
        if self._ledger.is_as_left(self._journal.unfinished()):
            return Recovery()
        recovery = Recoverer(self._operations, self._journal, self._crash_log).recover()
        recovery.ledger_rows = self._ledger.bring_up_to_date()
        return recovery

    def recover(self) -> Recovery:
        """Completes or takes back what a crash left open, and repairs the ledger; a second time changes
        nothing.

        Called by everything else on its way, so that calling it is needed only for the report.

        Raises:
            DestinationError: the state directory cannot be written.
        """
        try:
            with moves_lock(self._settings.state / "moves.lock"):
                return self._recover()
        except sqlite3.Error as error:
            raise DestinationError(f"the journal: {error}", where=self._settings.state) from error

    # filing
    # ----------------------------------------------------------------------------------------------------

    def file(self, filings: Sequence[Filing], *, batch: str | None = None) -> FilingReport:
        """Moves (or copies, or links) photos where they belong, durably: on return they are there, and in the
        ledger.

        Args:
            filings: any number; handled in portions.
            batch: the id of an earlier report, to count these photos to that batch (for `undo`).

        Raises:
            LibraryLocked: another process has taken the library (its folder was replaced meanwhile).
        """
        report = FilingReport(batch or "")
        try:
            with self._exclusive():
                report = replace(report, batch=batch or self._new_batch())
                for settings, part in by_library(filings, self._settings):
                    if settings.library not in self._library_locks:  # the configuration has changed meanwhile
                        gone = DestinationError("is not a library any more", where=settings.library)
                        report = waiting_for(gone, part, report)
                        continue
                    filer = self._filer(self._engine, self._originals(settings), settings)
                    report = self._file_in(filer, self._library_locks[settings.library].hold, part, report)
                    if report.pause is not None:
                        break
                self._write_keywords(filings, report.filed)
                return report
        except DestinationError as trouble:
            return replace(report, pause=trouble)

    def _file_in(
        self,
        filer: BatchFiler,
        make_sure: Callable[[], None],
        filings: Sequence[Filing],
        report: FilingReport,
    ) -> FilingReport:
        """File photos in one library; where it takes nothing now, and there are others, only they wait.

        Args:
            filer: files in that library.
            make_sure: raises a `DestinationError` where the library is not there.
            filings: of photos for that library.
            report: to be added to.
        """
        try:
            make_sure()
            report = filer.file(filings, report)
        except DestinationError as trouble:
            report = replace(report, pause=trouble)
        is_one_of_several = len(self._settings.libraries) > 1
        if report.pause is not None and is_one_of_several and report.pause.is_below(filer.settings.library):
            return waiting_for(report.pause, filings, report)
        return report

    def _write_keywords(self, filings: Sequence[Filing], filed: Sequence[Placed]) -> None:
        """Write the category beside each photo that was filed in one; what is in Review was not."""
        if self._settings.keyword is None:
            return
        decisions = {filing.group.photo.path: filing.decision for filing in filings}
        for placed in filed:
            decision = decisions.get(placed.group.photo.path)
            if placed.action is Action.FILED and decision is not None:
                self._sidecars.write(os.fsencode(placed.destination), decision.category)

    def plan(self, filings: Sequence[Filing]) -> FilingReport:
        """What `file` would do with these photos if all that was planned before had been done; does none of
        it.

        Found out by the code that files, except for what only a disk can tell when it is written to: that
        it is full, say, or cannot hold a name. There is no batch.
        """
        report = FilingReport("")
        if self._planning is None:
            self._planning = PlanningEngine(self._operations, self._crash_log)
        for settings, part in by_library(filings, self._settings):
            originals = self._originals(settings, self._planning.planned)
            filer = self._filer(self._planning, originals, settings)
            report = self._file_in(filer, self._library_locks[settings.library].check, part, report)
            if report.pause is not None:
                break
        return report

    def _filer(
        self, engine: FilingEngine, originals: DuplicateFinder, settings: LibrarySettings
    ) -> BatchFiler:
        return BatchFiler(
            self._operations, self._journal, engine, originals, settings, self._crash_log, self._now()
        )

    def move(self, moves: Sequence[OwnerMove]) -> MoveReport:
        """Moves photos to the categories that their owner names, in one batch; the daemon may be running.

        On return they are there, and in the ledger as `corrected`. Nothing is replaced, companions move
        along, and `undo` takes them back.

        Args:
            moves: any number; handled in portions.
        """
        report = MoveReport("")
        try:
            with self._exclusive():
                for library in {move.library or self._settings.library for move in moves}:
                    self._library_locks[library].check()
                report = MoveReport(self._new_batch())
            for start in range(0, len(moves), _AT_ONCE):
                with self._exclusive():  # let go between portions: the daemon's batches get their turn
                    mover = OwnerMover(
                        self._operations, self._journal, os.fsencode(self._settings.library), report.batch,
                        self._now(),
                    )  # fmt: skip
                    before = len(report.moved)
                    report = mover.move(moves[start : start + _AT_ONCE], self._engine, report)
                    for moved in report.moved[before:]:
                        old, new = os.fsencode(moved.source), os.fsencode(moved.destination)
                        self._sidecars.follow(old, new, moved.category)
                if report.pause:
                    break
        except DestinationError as trouble:
            return replace(report, pause=trouble)
        return report

    def placed_before(
        self, photo: Photo, transfer_mode: TransferMode, library: Path | None = None
    ) -> Path | None:
        """Where this very photo was copied or linked to before in the same way, if it is still there."""
        settings = replace(self._settings, library=library or self._settings.library)
        with Folders(self._operations) as folders:
            return self._originals(settings).placed_before(photo, transfer_mode, None, folders)

    def _originals(self, settings: LibrarySettings, planned: PlannedPlaces | None = None) -> DuplicateFinder:
        folder = "" if settings.duplicates in {KEEP, SKIP} else settings.library / settings.duplicates
        others = [os.fsencode(other) for other in self._settings.libraries if other != settings.library]
        files = self._files[settings.library]
        return DuplicateFinder(self._operations, self._journal, files, others, os.fsencode(folder), planned)

    def join(self, latecomers: Sequence[Latecomer], inbox: Path) -> JoinReport:
        """Moves companions that arrived late to their photos, which were filed from the same folder.

        Args:
            latecomers: as they were seen, each with what its name says.
            inbox: the inbox that they are all below.
        """
        try:
            with self._exclusive():
                self._hold_all()
                joiner = Joiner(self._operations, self._journal, self._undoer(""), self._crash_log)
                return joiner.join(latecomers, inbox, self._engine)
        except DestinationError as trouble:
            return JoinReport(pause=trouble)

    def _hold_all(self) -> None:
        """Make sure of each library; of several, one that is not there has no photos that are waited for.

        Raises:
            DestinationError: none is there.
            LibraryLocked: another process has one.
        """
        trouble: DestinationError | None = None
        held = 0
        for library_lock in self._library_locks.values():
            try:
                library_lock.hold()
                held += 1
            except DestinationError as error:
                trouble = error
        if not held and trouble is not None:
            raise trouble

    def is_kept_original(self, photo: Photo) -> bool:
        """Whether the library has a copy of the file, or a link to it, made from this place."""
        return self._journal.is_kept_original(os.fsencode(photo.path), photo.identity)

    def is_held(self, photo: Photo) -> bool:
        """Whether undo put the photo there (or it was skipped as a duplicate), and nobody has touched it
        since.
        """
        return self._journal.is_held(os.fsencode(photo.path), photo.identity)

    # undo and corrections
    # --------------------------------------------------------------------------------------

    def undo(
        self,
        selection: Selection = Selection(),  # noqa: B008 (frozen)
        *,
        dry_run: bool = False,
        hold: bool = True,
    ) -> UndoReport:
        """Takes photos back to where they came from. Never replaces a file there.

        Args:
            selection: which photos.
            dry_run: nothing is moved; the report says what would be.
            hold: they are left alone in their inboxes until their owner touches them; otherwise they are
                taken again as if they were new.

        Raises:
            NothingToUndoError: nothing fits the selection.
            DestinationError: the state directory fails.
        """
        if dry_run:
            return self._undoer("").plan(selected(self._journal, selection))
        with self._exclusive():
            numbers = selected(self._journal, selection)
            batch = self._new_batch()
        report = UndoReport()
        for start in range(0, len(numbers), _AT_ONCE):
            try:
                with self._exclusive():
                    report = self._undoer(batch, hold=hold).undo(
                        numbers[start : start + _AT_ONCE], self._engine, report
                    )
            except DestinationError as trouble:
                if not report.undone:
                    raise
                return self._undoer(batch).refuse(numbers[start:], trouble, report)  # the others are back
        return report

    def count_undoable(self, selection: Selection) -> int:
        """How many photos `undo` would take back, or try to.

        Raises:
            NothingToUndoError: nothing fits the selection.
        """
        return len(selected(self._journal, selection))

    def _undoer(self, batch: str, *, hold: bool = True) -> Undoer:
        return Undoer(
            self._operations, self._journal, self._crash_log, batch, self._now(), self._sidecars, hold=hold
        )

    def correct(self, corrections: Sequence[Correction]) -> int:
        """Writes down that the owner has moved photos to other categories; returns how many were new.

        Raises:
            DestinationError: the state directory fails.
        """
        with self._exclusive():
            operations = [
                operation
                for correction in corrections
                for operation in corrected(
                    self._journal, correction, "", self._now(), self._settings.libraries
                )
            ]
            if operations:
                batch = self._new_batch()
                operations = [replace(operation, batch=batch) for operation in operations]
                written = self._journal.intend(operations, *self._ledger.take_unrecorded())
                with suppress(DestinationError):  # the rows are written before the next batch begins
                    self._ledger.append(written, written)
                for operation in written:
                    self._sidecars.follow(operation.source, operation.destination, operation.label)
        return len(operations)

    # looking
    # ---------------------------------------------------------------------------------------------------

    def history(self, photo: Path | str) -> tuple[Event, ...]:
        """All that was done with a photo, oldest first.

        Args:
            photo: its path (now or at any time before), or its SHA-256 in hex.
        """
        return tuple(events_of(self._journal, photo))

    def events(self) -> Iterator[Event]:
        """Everything that was ever done, oldest first; a row at a time, for any number of photos."""
        return finished_events(self._journal)

    def recorded_actions(self) -> Iterator[RecordedAction]:
        """Yield every action that was carried out, oldest first."""
        return recorded_actions(self._journal)

    def index_for_search(self, most: int) -> bool:
        """Take the next operations into the search index, `most` at most; return whether there are more.

        Raises:
            OrganizerError: the index cannot be written.
        """
        with closing(self.search_index()) as index:
            return index.extend(most)

    def search_index(self) -> SearchIndex:
        """Return the index by which photos are found; to be closed.

        Raises:
            OrganizerError: it cannot be opened or written.
        """
        return SearchIndex(self._settings.state / "search.sqlite", self._journal)

    def photos_below(self, folder: Path) -> Iterator[PlacedPhoto]:
        """What was brought to paths below `folder`, oldest first; the disk is not asked."""
        return photos_below(self._journal, folder)

    def surest_below(self, folder: Path, most: int) -> Iterator[PlacedPhoto]:
        """Yield the photos below `folder` that the model was surest of; the disk is not asked."""
        return surest_below(self._journal, folder, most)

    def filed_lately(self, most: int, batch: str | None = None) -> Iterator[PlacedPhoto]:
        """The photos that were filed last (in that batch, if one is given), newest first."""
        return filed_lately(self._journal, most, batch)

    def classified_lately(self, most: int) -> Iterator[PlacedPhoto]:
        """The photos that a model decided about last, newest first; wherever they are now."""
        return classified_lately(self._journal, most)

    def last_batches(self, most: int) -> list[BatchSummary]:
        """The last batches, newest first."""
        return last_batches(self._journal, most)

    def batches(self, since: datetime | None = None) -> Iterator[BatchSummary]:
        """Yield every batch in which something was done (since then), the last first."""
        return batches(self._journal, since)

    def photos_of_batch(self, batch: str) -> Iterator[Event]:
        """Yield what was done with each photo of a batch, in order."""
        return (event(operation) for operation in photos_of_batch(self._journal, batch))

    def held_photos(self, most: int) -> list[HeldPhoto]:
        """Photos in the inboxes that are left alone until their owner touches them, the last first."""
        return held_photos(self._journal, most)

    def moved_files(self) -> Iterator[MovedFile]:
        """Yield where every photo and companion was put, oldest first."""
        return moved_files(self._journal)

    def totals(self) -> dict[Action, int]:
        """Return how many photos each action was done with and not taken back."""
        totals = self._journal.totals()
        return {action: totals.get(action, 0) for action in Action}

    def has_changed_elsewhere(self) -> bool:
        """Return whether another process has written to the journal since this was asked last."""
        return self._journal.has_changed_elsewhere()

    def last_batch(self) -> str | None:
        """The batch that `undo` would take back."""
        return last_batch(self._journal)

    @property
    def has_no_history(self) -> bool:
        """Whether the journal knows of nothing that was ever done."""
        return self._journal.is_empty()

    def verify_ledger(self) -> LedgerCheck:
        """Compares every row of the ledger with the journal.

        Raises:
            DestinationError: the ledger cannot be read.
        """
        with (
            moves_lock(self._settings.state / "moves.lock"),
            at_destination(os.fsencode(self._settings.ledger)),
        ):
            return compare(real_ledger(self._settings.ledger), self._journal)

    def rebuild_ledger(self) -> int:
        """Writes the ledger anew from the journal, keeps the old one beside it, and returns the number of
        rows.

        Raises:
            DestinationError: it cannot be written; the old one stays as it is.
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


def _restored(journal: Path, clock: Callable[[], datetime]) -> str:
    """Put the last copy in the place of a journal that is damaged, which is set aside, or gone.

    Returns:
        What was done; empty if the journal is sound, or there never was one.
    """
    fault = journal_fault(journal)
    try:
        if fault is None and (is_begun(journal) or newest_copy(journal) is None):
            return ""
        aside = set_aside(journal, clock())
        day = restore_copy(journal)
    except OSError as error:
        raise destination_error(error, os.fsencode(journal)) from error
    if fault is None:
        return "the journal was gone; its last copy is in its place"
    instead = f"the copy of {day}" if day else "a new one"
    return f"the journal was damaged ({fault}): it is kept as {aside}, and {instead} is in its place"


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
