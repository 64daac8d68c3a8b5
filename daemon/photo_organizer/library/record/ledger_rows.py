"""Reading the ledger back: its end, its rows, and how they compare with the journal."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.fsops import FileOperations, open_photo
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.ledger_text import COLUMNS, HEADER, cells
from photo_organizer.library.record.operation import WITHOUT_ROW, Operation, State

_BLOCK = 1 << 16
_KEY = (1, 2, 3, 4)  # batch, action, sha256, source: what stays when a spreadsheet rewrites times and numbers
_FINISHED = f"o.state IN ({State.DONE:d}, {State.RECORDED:d}) AND o.kind NOT IN {WITHOUT_ROW}"


@dataclass(frozen=True, slots=True)
class LedgerEnd:
    """The length of the file up to its last complete line, and what follows."""

    complete: int
    torn: bytes


def read_end(operations: FileOperations, ledger: int) -> LedgerEnd:
    """Where the last complete line of the open file ends.

    Raises:
        OSError: it cannot be read.
    """
    size = operations.status_of(ledger).st_size
    torn = b""
    position = size
    while position > 0:
        start = max(0, position - _BLOCK)
        block = operations.read(ledger, position - start, start)
        at = block.rfind(b"\n")
        if at >= 0:
            return LedgerEnd(start + at + 1, block[at + 1 :] + torn)
        torn = block + torn
        position = start
    return LedgerEnd(0, torn)


def read_rows(path: Path, limit: int | None = None) -> Iterator[list[str]]:
    """The rows of the ledger's first `limit` bytes, the header too. Damaged ones are given as they are.

    Raises:
        OSError: it cannot be opened or read.
    """
    with open(open_photo(path), "rb") as binary:
        source = binary if limit is None else _FirstBytes(binary, limit)
        text = io.TextIOWrapper(io.BufferedReader(source), "utf-8", errors="replace", newline="")
        reader = csv.reader(text)
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:  # a cell beyond the csv module's limit, or NULs: no row of ours
                continue
            yield row


class _FirstBytes(io.RawIOBase):
    def __init__(self, source: io.BufferedReader, limit: int) -> None:
        self._source = source
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._source.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)


def has_rows(path: Path) -> bool:
    """Whether there is a ledger with more than its header."""
    try:
        return path.stat().st_size > len(HEADER)
    except OSError:
        return False


def missing_operations(path: Path, journal: Journal, size: int) -> list[int]:
    """The operations that have no row in the first `size` bytes of the ledger, in order.

    The rows usually stand in the journal's order, so that both are read side by side; a row out of order is
    looked up. Memory is one byte an operation.
    """
    last = journal.value("SELECT MAX(id) FROM operations") or 0
    seen = bytearray(int(str(last)) + 1)
    finished = journal.photos(_FINISHED)
    following = next(finished, None)
    for row in read_rows(path, size) if size else ():
        if len(row) != len(COLUMNS):
            continue
        key = _key(row)
        while following is not None and seen[following.id]:
            following = next(finished, None)
        if following is not None and _key(cells(following)) == key:
            seen[following.id] = 1
            following = next(finished, None)
        else:
            _mark(journal, key, seen)
    return [number for number in journal.numbers(_FINISHED) if not seen[number]]


def _key(row: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(row[column] for column in _KEY)


def _mark(journal: Journal, key: tuple[str, ...], seen: bytearray) -> None:
    try:
        sha256 = bytes.fromhex(key[2])
    except ValueError:
        return
    for operation in journal.select(f"o.sha256 = ? AND {_FINISHED} ORDER BY o.id", (sha256,)):
        if not seen[operation.id] and _key(cells(operation)) == key:
            seen[operation.id] = 1
            return


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """How the ledger compares with the journal. Equal when there are no problems.

    Args:
        rows: rows of the ledger, without its header.
        problems: one line for each row that is missing, changed, or unknown to the journal, at most `most` of
            them.
        count: how many problems there are.
    """

    rows: int
    problems: tuple[str, ...]
    count: int

    @property
    def is_equal(self) -> bool:
        return self.count == 0


def compare(path: Path, journal: Journal, most: int = 20) -> LedgerCheck:
    """Compares every cell of every row with the journal; to be called while the moves lock is held.

    Raises:
        OSError: the ledger cannot be read.
    """
    problems: list[str] = []
    rows = 0
    count = 0

    def report(text: str) -> None:
        nonlocal count
        count += 1
        if len(problems) < most:
            problems.append(text)

    if not _ends_with_line(path):
        report("the last line is torn")
    reader = read_rows(path)
    header = next(reader, [])
    if tuple(header) != COLUMNS:
        report("line 1 is not the header")
        reader = itertools.chain([header], reader) if header else reader
    last = journal.value("SELECT MAX(id) FROM operations") or 0
    seen = bytearray(int(str(last)) + 1)
    finished = journal.photos(_FINISHED)
    following = next(finished, None)
    for rows, row in enumerate(reader, 1):
        while following is not None and seen[following.id]:
            following = next(finished, None)
        if following is not None and tuple(row) == cells(following):
            seen[following.id] = 1
            continue
        operation = _matching(journal, row, seen)
        if operation is None:
            report(f"row {rows} is not in the journal")
        elif tuple(row) != cells(operation):
            names = [
                name for name, one, other in zip(COLUMNS, row, cells(operation), strict=True) if one != other
            ]
            report(f"row {rows} differs from the journal in {', '.join(names)}")
    for number in journal.numbers(_FINISHED):
        if not seen[number]:
            for operation in journal.select("o.id = ?", (number,)):
                short = operation.sha256.hex()[:12]
                report(f"the row of {operation.kind} {short} in batch {operation.batch} is missing")
    return LedgerCheck(rows, tuple(problems), count)


def _matching(journal: Journal, row: list[str], seen: bytearray) -> Operation | None:
    """The operation that the row stands for; an equal one rather than one that is only of the same photo and
    batch.
    """
    if len(row) != len(COLUMNS):
        return None
    try:
        sha256 = bytes.fromhex(row[3])
    except ValueError:
        return None
    condition = f"o.sha256 = ? AND o.batch = ? AND o.kind = ? AND {_FINISHED} ORDER BY o.id"
    found = [o for o in journal.select(condition, (sha256, row[1], row[2])) if not seen[o.id]]
    if not found:
        return None
    best = next((operation for operation in found if cells(operation) == tuple(row)), found[0])
    seen[best.id] = 1
    return best


def _ends_with_line(path: Path) -> bool:
    with open(open_photo(path), "rb") as ledger:
        size = ledger.seek(0, io.SEEK_END)
        if size == 0:
            return False
        ledger.seek(max(0, size - len(HEADER)))
        return ledger.read().endswith(b"\n")
