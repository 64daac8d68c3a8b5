"""The ledger: one CSV row for each photo and action, appended once.

The journal knows how long the ledger was after the last batch that both agree on. What follows in the file
can only be
rows of later batches, whole or torn by a crash: since the rows follow from the journal byte by byte, the file
is made right by writing what is missing of them. If the file is not as we left it (somebody edited, cut or
removed it), it is compared with the journal row by row instead, and rows that are missing are appended.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.fsops import FileOperations, open_photo
from photo_organizer.library.errors import DestinationError, destination_error
from photo_organizer.library.move.atomic_steps import Spot, put_back, write_all
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.ledger_rows import missing_operations, read_end
from photo_organizer.library.record.ledger_text import HEADER, cells, line
from photo_organizer.library.record.operation import WITHOUT_ROW, Operation, State

_ROWS_AT_ONCE = 1000
HAS_ROW = f"o.kind NOT IN {WITHOUT_ROW}"
"""Condition on an operation: it has a row in the ledger."""


@dataclass(frozen=True, slots=True)
class _Unrecorded:
    """What was appended, and will be marked as recorded by the next transaction."""

    numbers: tuple[int, ...] = ()
    size: int | None = None


class Ledger:
    """The ledger at `path`; to be used while the moves lock is held."""

    def __init__(self, path: Path, operations: FileOperations, journal: Journal) -> None:
        self.path = path
        self._name = os.fsencode(path.name)
        self._operations = operations
        self._journal = journal
        self._unrecorded = _Unrecorded()

    def append(self, operations: Sequence[Operation], done: Sequence[Operation]) -> None:
        """Appends the rows of `operations` in one write; the next transaction records all of `done`.

        Raises:
            DestinationError: the rows could not be written; `bring_up_to_date` will.
        """
        rows = b"".join(line(cells(operation)) for operation in operations)
        numbers = tuple(operation.id for operation in done)
        with self._open() as (ledger, folder):
            known = self._unrecorded.size if self._unrecorded.size is not None else self._known_size()
            if known is None or self._operations.status_of(ledger).st_size != known:
                self.bring_up_to_date()
                return
            self._write(ledger, folder, rows, known)
            self._unrecorded = _Unrecorded(self._unrecorded.numbers + numbers, known + len(rows))

    def take_unrecorded(self) -> tuple[tuple[int, ...], int | None]:
        """What the next transaction has to mark as recorded: operations, and the ledger's size."""
        unrecorded, self._unrecorded = self._unrecorded, _Unrecorded()
        return unrecorded.numbers, unrecorded.size

    def record(self) -> None:
        """Marks what was appended as recorded, in a transaction of its own."""
        numbers, size = self.take_unrecorded()
        if size is not None:
            self._journal.record(numbers, size)

    def is_as_left(self, unfinished: set[int]) -> bool:
        """Whether the unfinished operations in the journal are just those that we appended, and nobody wrote
        since.
        """
        if set(self._unrecorded.numbers) != unfinished:
            return False
        known = self._unrecorded.size if self._unrecorded.size is not None else self._known_size()
        try:
            with self._open() as (ledger, _):
                size = self._operations.status_of(ledger).st_size
                return size == known and self._has_line_end(ledger, size)
        except DestinationError:
            return False

    def _has_line_end(self, ledger: int, position: int) -> bool:
        """Whether a line ends just before `position`; the start of the file is the end of none before it."""
        return position == 0 or self._operations.read(ledger, 1, position - 1) == b"\n"

    def bring_up_to_date(self) -> int:
        """Makes file and journal equal again, and returns how many rows were added.

        Raises:
            DestinationError: the ledger cannot be read or written.
        """
        self._unrecorded = _Unrecorded()
        waiting = list(self._journal.select(f"o.state = {State.DONE:d} ORDER BY o.id"))
        rows = [line(cells(operation)) for operation in waiting if operation.kind not in WITHOUT_ROW]
        with self._open() as (ledger, folder):
            known = self._known_size() or 0
            size = self._operations.status_of(ledger).st_size
            expected = (b"" if known else HEADER) + b"".join(rows)
            there = None
            if size >= known and self._has_line_end(ledger, known):
                there = self._operations.read(ledger, len(expected) + 1, known)
            if there is not None and size - known <= len(expected) and expected.startswith(there):
                header_too = known == 0 and len(there) < len(HEADER)
                added = expected[len(there) :].count(b"\r\n") - header_too
                size = self._write(ledger, folder, expected[len(there) :], size)
            else:
                added, size = self._reconcile(ledger, folder)
        self._journal.record([operation.id for operation in waiting], size)
        return added

    def _known_size(self) -> int | None:
        value = self._journal.get("ledger_size")
        return None if value is None else int(value)

    def _reconcile(self, ledger: int, folder: int) -> tuple[int, int]:
        """Compares all rows with the journal and appends those that are missing; also after an owner's
        edit.
        """
        end = read_end(self._operations, ledger)
        missing = missing_operations(real_ledger(self.path), self._journal, end.complete)
        if end.torn and not self._is_ours(end.torn, missing):
            self._keep_aside(end.torn, folder)
        if end.torn:
            self._operations.truncate(ledger, end.complete)
        position = end.complete
        if position == 0:
            position = self._write(ledger, folder, HEADER, 0)
        for start in range(0, len(missing), _ROWS_AT_ONCE):
            numbers = missing[start : start + _ROWS_AT_ONCE]
            marks = ",".join("?" * len(numbers))
            rows = self._journal.select(f"o.id IN ({marks}) ORDER BY o.id", numbers)
            position = self._write(ledger, folder, b"".join(line(cells(row)) for row in rows), position)
        return len(missing), position

    def _is_ours(self, torn: bytes, missing: Sequence[int]) -> bool:
        """Whether a torn last line is the beginning of a row that is about to be written whole."""
        if HEADER.startswith(torn):
            return True
        for start in range(0, len(missing), _ROWS_AT_ONCE):
            numbers = missing[start : start + _ROWS_AT_ONCE]
            marks = ",".join("?" * len(numbers))
            rows = self._journal.select(f"o.id IN ({marks})", numbers)
            if any(line(cells(row)).startswith(torn) for row in rows):
                return True
        return False

    def _keep_aside(self, torn: bytes, folder: int) -> None:
        """Nothing is deleted: what ends the file and is not ours goes to a file beside it."""
        descriptor = self._operations.open_ledger(self._name + b".torn", folder)
        try:
            size = self._operations.status_of(descriptor).st_size
            write_all(self._operations, descriptor, torn + b"\n", size)
            self._operations.sync(descriptor)
        finally:
            self._operations.close(descriptor)

    def rebuild(self) -> int:
        """Writes the ledger anew from the journal, and keeps the old one beside it; returns the number of
        rows.

        Raises:
            DestinationError: it cannot be written; the old one stays as it is.
        """
        part = b"." + self._name + b".part"
        condition = f"o.state IN ({State.DONE:d}, {State.RECORDED:d}) AND {HAS_ROW}"
        rows = 0
        with self._open() as (_, folder), _as_trouble(self.path):
            descriptor = self._operations.open_ledger(part, folder)
            try:
                self._operations.truncate(descriptor, 0)
                position = write_all(self._operations, descriptor, HEADER, 0)
                block: list[bytes] = []
                for operation in self._journal.photos(condition):
                    block.append(line(cells(operation)))
                    rows += 1
                    if len(block) == _ROWS_AT_ONCE:
                        position = write_all(self._operations, descriptor, b"".join(block), position)
                        block.clear()
                position = write_all(self._operations, descriptor, b"".join(block), position)
                self._operations.sync(descriptor)
            finally:
                self._operations.close(descriptor)
            kept = Spot(self._name + b".before-rebuild", folder)
            put_back(self._operations, Spot(self._name, folder), kept, part + b".old")
            self._operations.rename_own(part, folder, self._name, folder)
            self._operations.sync(folder)
        waiting = [operation.id for operation in self._journal.select(f"o.state = {State.DONE:d}")]
        self._unrecorded = _Unrecorded()
        self._journal.record(waiting, position)
        return rows

    @contextmanager
    def _open(self) -> Iterator[tuple[int, int]]:
        """Descriptors of the ledger (made where it is missing) and of its folder."""
        with _as_trouble(self.path):
            path = real_ledger(self.path)
            self._name = os.fsencode(path.name)
            folder = self._operations.open_root(os.fsencode(path.parent))
            try:
                ledger = self._operations.open_ledger(self._name, folder)
                try:
                    yield ledger, folder
                finally:
                    self._operations.close(ledger)
            finally:
                self._operations.close(folder)

    def _write(self, ledger: int, folder: int, rows: bytes, position: int) -> int:
        if not rows:
            return position
        end = write_all(self._operations, ledger, rows, position)
        self._operations.sync(ledger)
        if position == 0:  # a new file: its name must last as well
            self._operations.sync(folder)
        return end


def real_ledger(path: Path) -> Path:
    """Return where the ledger at `path` is: there, or where a symbolic link of its owner's leads.

    A link is followed to a ledger, or to a file that is still to be made, and to nothing else, since rows
    are appended there.

    Raises:
        DestinationError: the link leads to something else, or nowhere.
        OSError: what it leads to cannot be read.
    """
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    if target.parent.is_dir() and not target.is_symlink():
        try:
            begin = _begin(target)
        except FileNotFoundError:
            return target
        if begin is not None and HEADER.startswith(begin):
            return target
    raise DestinationError(
        f"is a symbolic link to {target}, which is not a ledger",
        where=path,
        remedy="remove the link, or let it lead to a ledger; filing resumes by itself",
    )


def _begin(path: Path) -> bytes | None:
    """The first bytes of a file, as many as a ledger's header has; None for what is not a file."""
    try:
        descriptor = open_photo(path)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise
    try:
        return os.read(descriptor, len(HEADER))
    finally:
        os.close(descriptor)


@contextmanager
def _as_trouble(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        trouble: DestinationError = destination_error(error, os.fsencode(path))
        raise trouble from error
