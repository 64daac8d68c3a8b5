"""Takes photos back to where they came from: what to take back, the plan, and the drafts for the engine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import (
    SourceError,
    SourceErrorKind,
    at_source,
    changed,
    one_photo,
    refused,
)
from photo_organizer.library.move.atomic_steps import digest_named
from photo_organizer.library.move.executor import Executor, MovePlan
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.move.removal import Remover
from photo_organizer.library.plan.duplicates import current_place
from photo_organizer.library.plan.free_names import GroupNames
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import (
    AGAIN,
    BROUGHT,
    JOINED,
    SKIPPED,
    UNJOINED,
    Move,
    Operation,
    State,
    TransferMode,
)
from photo_organizer.library.xmp.sidecars import Sidecars, is_own_sidecar, sidecar_of
from photo_organizer.photo import Action, FileIdentity
from photo_organizer.typed_command import typed

_UNDOABLE = (
    f"{BROUGHT} AND o.state IN ({State.DONE:d}, {State.RECORDED:d})"
    f" AND o.undone_by IS NULL AND o.label <> '{SKIPPED}'"
)


class NothingToUndoError(OrganizerError):
    """No photo fits the selection."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which photos to take back; without any argument those of the last batch that is not taken back yet.

    Args:
        batch: the id of a batch, as in the ledger.
        since: every photo filed at this time or later (with a time zone).
        photo: one photo: its path (where it is, or where it came from) or its SHA-256 in hex.
    """

    batch: str | None = None
    since: datetime | None = None
    photo: Path | str | None = None


@dataclass(frozen=True, slots=True)
class UndoStep:
    """One photo on its way back. `destination` may get a ` (2)` if its old name is taken meanwhile."""

    sha256: str
    source: Path
    destination: Path
    batch: str


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What was (or, in a dry run, would be) taken back, and what could not be, each with its reason.

    `row_trouble` is why the ledger lacks rows of what was taken back, which it gets later.
    """

    undone: tuple[UndoStep, ...] = ()
    refused: tuple[tuple[UndoStep, OrganizerError], ...] = ()
    row_trouble: OrganizerError | None = None


def selected(journal: Journal, selection: Selection) -> list[int]:
    """The operations to take back, newest first.

    Raises:
        NothingToUndoError: there are none.
    """
    numbers = _numbers(journal, selection)
    if not numbers:
        raise _nothing(selection)
    return numbers


def _nothing(selection: Selection) -> NothingToUndoError:
    if selection.photo is not None:
        what = "nothing to take back: not filed under this name, or taken back already"
        remedy = f"`{typed('why PHOTO')}` tells what was done with a photo"
        return NothingToUndoError(what, where=selection.photo, remedy=remedy)
    if selection.batch is not None:
        what = "nothing to take back: there is no such batch, or all of it is taken back"
        return NothingToUndoError(what, where=selection.batch, remedy="see the ledger for the batches")
    return NothingToUndoError("nothing to take back", remedy="see the ledger for what was filed")


def _numbers(journal: Journal, selection: Selection) -> list[int]:
    if selection.photo is not None:
        return _of_photo(journal, selection.photo)[:1]
    if selection.since is not None:
        # times are ISO 8601 with the local offset of their day: the order of numbers bounds the search, not
        # the text
        candidates = journal.select(f"{_UNDOABLE} ORDER BY o.id DESC")
        return _all_the_way(journal, list(_since(candidates, selection.since)))
    batch = selection.batch or last_batch(journal)
    return [
        operation.id
        for operation in journal.select(f"o.batch = ? AND {_UNDOABLE} ORDER BY o.id DESC", (batch,))
    ]


def _all_the_way(journal: Journal, operations: Sequence[Operation]) -> list[int]:
    """Of a photo that was moved more than once, only the first move: it takes the others back with it."""
    included = {later.id for operation in operations for later in journal.corrections_since(operation)}
    return [operation.id for operation in operations if operation.id not in included]


def _since(candidates: Iterator[Operation], since: datetime) -> Iterator[Operation]:
    for operation in candidates:
        if datetime.fromisoformat(operation.time) < since.astimezone():
            return
        yield operation


def last_batch(journal: Journal) -> str | None:
    """The id of the last batch of which something can be taken back."""
    value = journal.value(f"SELECT o.batch FROM operations o WHERE {_UNDOABLE} ORDER BY o.id DESC LIMIT 1")  # noqa: S608 (ours)
    return None if value is None else str(value)


def _of_photo(journal: Journal, photo: Path | str) -> list[int]:
    sha256 = _as_hash(photo)
    if sha256 is not None:
        return [
            operation.id
            for operation in journal.select(f"o.sha256 = ? AND {_UNDOABLE} ORDER BY o.id DESC", (sha256,))
        ]
    path = os.fsencode(os.path.abspath(photo))
    if joined := _joined_from_or_to(journal, path):
        return joined
    found: set[int] = set()
    for column in ("source", "destination"):
        condition = f"o.id IN (SELECT operation FROM moves WHERE {column} = ?) ORDER BY o.id DESC"  # noqa: S608 (ours)
        for operation in journal.select(condition, (path,)):
            corrected = operation.kind == Action.CORRECTED
            related = (
                journal.select(f"o.sha256 = ? AND {_UNDOABLE}", (operation.sha256,))
                if corrected
                else [operation]
            )
            found.update(one.id for one in related)
    marks = ",".join("?" * len(found))
    return [
        o.id for o in journal.select(f"o.id IN ({marks}) AND {_UNDOABLE} ORDER BY o.id DESC", sorted(found))
    ]


def _joined_from_or_to(journal: Journal, path: bytes) -> list[int]:
    """The operation that brought a late companion from or to `path`, which is taken back alone."""
    condition = (
        f"o.kind = '{JOINED}' AND o.state IN ({State.DONE:d}, {State.RECORDED:d}) AND o.undone_by IS NULL"  # noqa: S608
        " AND o.id IN (SELECT operation FROM moves WHERE source = ? OR destination = ?) ORDER BY o.id DESC"
    )
    return [operation.id for operation in journal.select(condition, (path, path))][:1]


def _as_hash(photo: Path | str) -> bytes | None:
    if isinstance(photo, Path) or len(photo) != 64:
        return None
    try:
        return bytes.fromhex(photo)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Undoer:
    """Prepares undo operations; `batch` and `time` are those of the undo, `hold` as in `Library.undo`."""

    operations: FileOperations
    journal: Journal
    crash_log: CrashLog
    batch: str
    time: str
    sidecars: Sidecars
    hold: bool = True

    def plan(self, numbers: Sequence[int]) -> UndoReport:
        """What `undo` would do with these operations."""
        steps = list(self._drafts(numbers))
        refused = tuple((step, trouble) for step, _, trouble in steps if trouble)
        return UndoReport(tuple(step for step, _, trouble in steps if not trouble), refused)

    def undo(self, numbers: Sequence[int], engine: Executor, report: UndoReport) -> UndoReport:
        """Takes these operations back; returns `report` with what became of them added.

        Raises:
            DestinationError: the state directory fails.
        """
        steps = list(self._drafts(numbers))
        undone = list(report.undone)
        refused: list[tuple[UndoStep, OrganizerError]] = list(report.refused)
        refused += [(step, trouble) for step, _, trouble in steps if trouble]
        ready = [(step, draft) for step, draft, _ in steps if draft is not None]
        row_trouble = report.row_trouble
        for _, draft in ready:
            self.sidecars.remove(draft.operation.source)
        outcomes = engine.run([draft for _, draft in ready])
        for (step, _), outcome in zip(ready, outcomes, strict=True):
            if outcome.trouble is None:
                undone.append(replace(step, destination=_path(outcome.operation.destination)))
                row_trouble = row_trouble or outcome.row_trouble
                self._write_keyword(outcome.operation.destination, outcome.operation.sha256)
            else:
                refused.append((step, outcome.trouble))
                self._write_keyword(outcome.operation.source, outcome.operation.sha256)
        return UndoReport(tuple(undone), tuple(refused), row_trouble)

    def refuse(self, numbers: Sequence[int], trouble: OrganizerError, report: UndoReport) -> UndoReport:
        """Return `report` with these operations added as refused."""
        steps = [
            self.step(operation)
            for number in numbers
            for operation in self.journal.select("o.id = ?", (number,))
        ]
        return replace(report, refused=(*report.refused, *((step, trouble) for step in steps)))

    def _write_keyword(self, place: bytes, sha256: bytes) -> None:
        """Write the category beside a photo that is in the library after all, as it was brought there."""
        if self.sidecars.settings is None:
            return
        condition = (
            f"o.sha256 = ? AND o.state IN (1, 2) AND o.undone_by IS NULL AND o.kind <> '{Action.UNDONE}'"  # noqa: S608 (ours)
            " AND o.id IN (SELECT operation FROM moves WHERE destination = ?) ORDER BY o.id DESC LIMIT 1"
        )
        for brought in self.journal.select(condition, (sha256, place)):
            if category := brought.label or (
                brought.details.category if brought.kind == Action.FILED else ""
            ):
                self.sidecars.write(place, category)

    def _drafts(
        self, numbers: Sequence[int]
    ) -> Iterator[tuple[UndoStep, MovePlan | None, SourceError | None]]:
        """For each operation its step, and its draft or what hinders it."""
        for number in numbers:
            for operation in self.journal.select("o.id = ?", (number,)):
                step = self.step(operation)
                try:
                    with one_photo(operation.destination, self.crash_log):
                        draft = self.draft(operation)
                except SourceError as trouble:
                    yield step, None, trouble
                else:
                    yield step, draft, None

    def step(self, operation: Operation) -> UndoStep:
        """The way back of a filed photo, from where it is now."""
        return UndoStep(
            operation.sha256.hex(),
            _path(self.current_place(operation)),
            _path(operation.source),
            operation.batch,
        )

    def draft(self, operation: Operation) -> MovePlan:
        """What has to be moved to take `operation` back, the photo's bytes verified.

        Raises:
            SourceError: the photo is not where it was filed, or is not the same any more.
        """
        place = self.current_place(operation)
        if operation.kind == JOINED:
            return self._companion_alone(operation, place)
        if operation.transfer_mode is not TransferMode.MOVE:
            return self._withdrawal(operation, place)
        with Folders(self.operations) as folders:
            self._check_way_back(operation, place, folders)
            photo = self._checked_photo(operation, place, folders)
            companions = list(self._companions(operation, place, folders))
        names = GroupNames(
            os.path.basename(operation.source), tuple(os.path.basename(wanted) for wanted, _ in companions)
        )
        moves = [photo, *(replace(move, position=at) for at, (_, move) in enumerate(companions, 1))]
        undoing = Operation(
            0, self.batch, Action.UNDONE, self.time, operation.sha256, tuple(moves),
            operation.destination_root, operation.source_root, operation.details, parent=operation.id,
            label="" if self.hold else AGAIN,
        )  # fmt: skip
        return MovePlan(undoing, names)

    def _companion_alone(self, operation: Operation, place: bytes) -> MovePlan:
        """What takes a companion back that came late; its photo stays."""
        is_moved = operation.transfer_mode is TransferMode.MOVE
        with Folders(self.operations) as folders:
            if is_moved:
                self._check_way_back(operation, place, folders)
            with _at_photo(place):
                folder = folders.open(OpenFolder(os.path.dirname(place), operation.destination_root))
                status = self.operations.status(os.path.basename(place), folder)
            sha256 = None if is_moved else operation.moves[0].sha256
            back = Move(place, operation.source, FileIdentity.of(status), sha256)
            undoing = Operation(
                0, self.batch, UNJOINED, self.time, operation.sha256, (back,), operation.destination_root,
                operation.source_root, parent=operation.id, transfer_mode=operation.transfer_mode,
            )  # fmt: skip
            if not is_moved:
                Remover(self.operations, folders, lambda *_: b"").check(undoing)
        return MovePlan(undoing, GroupNames(os.path.basename(operation.source)))

    def _check_way_back(self, operation: Operation, place: bytes, folders: Folders) -> None:
        """Folders inside are made anew; the outermost is not, since it may be on a drive that is not mounted.
        Told for each photo, so that those that came from elsewhere go back.
        """
        root = OpenFolder.below(operation.source[: operation.source_root])
        with at_source(root.path):
            if folders.find(root) is None:
                where = printable(os.fsdecode(root.path))
                raise refused(place, f"{where}, where it came from, is not there: make it or mount its drive")

    def _checked_photo(self, operation: Operation, place: bytes, folders: Folders) -> Move:
        with _at_photo(place):
            folder = folders.open(OpenFolder(os.path.dirname(place), operation.destination_root))
            name = os.path.basename(place)
            status = self.operations.status(name, folder)
            if digest_named(self.operations, name, folder) != operation.sha256:
                raise changed(place, "changed since it was filed; it stays where it is")
        return Move(place, operation.source, FileIdentity.of(status), operation.sha256)

    def _companions(
        self, operation: Operation, place: bytes, folders: Folders
    ) -> Iterator[tuple[bytes, Move]]:
        """Those that moved with the photo or joined it later, and are beside it still; edited or not."""
        joined = [move for join in self.joined(operation) for move in join.moves]
        known = [*operation.moves[1:], *joined]
        for move in [*known, *self._edited_sidecar(operation, place, known)]:
            beside = os.path.join(os.path.dirname(place), os.path.basename(move.destination))
            with at_source(beside):
                try:
                    folder = folders.open(OpenFolder(os.path.dirname(beside), operation.destination_root))
                    status = self.operations.status(os.path.basename(beside), folder)
                except FileNotFoundError:
                    continue
            back = os.path.join(os.path.dirname(operation.source), os.path.basename(move.source))
            if is_own_sidecar(self.operations, os.path.basename(beside), folder):
                continue  # it is removed, and written again where it belongs
            yield move.source, Move(beside, back, FileIdentity.of(status))

    def _edited_sidecar(self, operation: Operation, place: bytes, known: Sequence[Move]) -> Iterator[Move]:
        """Yield the sidecar beside the photo that was ours until another program wrote into it."""
        name = os.path.basename(sidecar_of(place))
        if self.sidecars.settings is not None and name not in {
            os.path.basename(move.destination) for move in known
        }:
            source = sidecar_of(operation.source)
            yield Move(source, sidecar_of(place), operation.moves[0].identity)

    def _withdrawal(self, operation: Operation, place: bytes) -> MovePlan:
        """What takes a copy or link back: it goes, since its original has stayed where it was.

        Companions that came later go with it, if they were copied or linked as well.
        """
        folder = os.path.dirname(place)
        moves: list[Move] = []
        joined = list(self.joined(operation))
        if any(join.transfer_mode is not operation.transfer_mode for join in joined):
            what = "a companion came to it later, which is nowhere else: move that away first"
            raise refused(place, what)
        late = [move for join in joined for move in join.moves]
        first_free = 1 + max(move.position for move in operation.moves)
        late = [replace(move, position=at) for at, move in enumerate(late, first_free)]
        with Folders(self.operations) as folders:
            for move in (*operation.moves, *late):
                here = os.path.join(folder, os.path.basename(move.destination)) if move.position else place
                with _at_photo(here):
                    opened = folders.open(OpenFolder(folder, operation.destination_root))
                    try:
                        status = self.operations.status(os.path.basename(here), opened)
                    except FileNotFoundError:
                        if move.position == 0:
                            raise
                        continue  # a companion that its owner has removed
                moves.append(Move(here, move.source, FileIdentity.of(status), move.sha256, move.position))
            undoing = Operation(
                0, self.batch, Action.UNDONE, self.time, operation.sha256, tuple(moves),
                operation.destination_root, operation.source_root, operation.details, parent=operation.id,
                label="" if self.hold else AGAIN, transfer_mode=operation.transfer_mode,
            )  # fmt: skip
            Remover(self.operations, folders, lambda *_: b"").check(undoing)
        return MovePlan(undoing, GroupNames(os.path.basename(operation.source)))

    def joined(self, operation: Operation) -> Iterator[Operation]:
        """What brought companions to the photo of `operation` that came late."""
        return self.journal.select(
            f"o.parent = ? AND o.kind = '{JOINED}' AND o.state IN (1, 2) AND o.undone_by IS NULL",
            (operation.id,),
        )

    def current_place(self, operation: Operation) -> bytes:
        """Where the photo is now: where it was filed, or where its owner has moved it since."""
        if operation.kind != JOINED:
            return current_place(self.journal, operation)
        for photo in self.journal.select("o.id = ?", (operation.parent,)):
            folder = os.path.dirname(current_place(self.journal, photo))
            return os.path.join(folder, os.path.basename(operation.destination))
        return operation.destination


@contextmanager
def _at_photo(place: bytes) -> Iterator[None]:
    """As `at_source`, in words for a photo that its owner has moved or removed by hand."""
    try:
        with at_source(place):
            yield
    except SourceError as trouble:
        if trouble.kind is not SourceErrorKind.GONE:
            raise
        what = "no longer there: moved, renamed or deleted since it was filed"
        raise SourceError(trouble.kind, what, where=os.fsdecode(place)) from trouble


def _path(path: bytes) -> Path:
    return Path(os.fsdecode(path))
