"""Finding photos by what is known of them: an index of the journal, for parts of words.

The index is a database of its own (`search.sqlite`), so that the journal stays as small and as fast as it is.
All of it follows from the journal: what is new there is added before each search, and an index that is lost
or belongs to another journal is made again.
"""

from __future__ import annotations

import os
import re
import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from photo_organizer.errors import OrganizerError
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import JOINED, SKIPPED, Operation, State
from photo_organizer.sqlite import NewerDatabaseError, closed_on_error, open_database, transaction, upgrade

_VERSION = 1
_AT_ONCE = 20_000
_INDEXED = re.compile(r"[^*?\[\]]{3,}")  # the index is one of trigrams
_HASH = re.compile(r"[0-9a-f]{6,64}")
_FINISHED = f"o.state IN ({State.DONE:d}, {State.RECORDED:d}) AND o.kind <> '{JOINED}'"
_TABLES = (
    "CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE texts (operation INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    """CREATE VIRTUAL TABLE words USING fts5 (text, content='texts', content_rowid='operation',
        tokenize='trigram case_sensitive 1', detail='none', columnsize=0)""",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """What the index takes of an operation."""

    id: int
    source: bytes
    destination: bytes
    root: int
    category: str
    label: str
    time: str
    taken: str
    camera: str

    @property
    def text(self) -> str:
        """Everything that the photo is found by, a line each, as `_folded` makes it."""
        below = self.destination[self.root :].lstrip(b"/")
        names = [os.fsdecode(below)]
        before = os.fsdecode(os.path.basename(self.source))
        if before != os.path.basename(names[0]):
            names.append(before)
        parts = [*names, self.label or self.category, self.camera, self.taken[:10], self.time[:10]]
        return _folded("\n".join(part for part in dict.fromkeys(parts) if part))


class SearchIndex:
    """The index of one journal.

    Args:
        path: its file; made when it is missing.
        journal: what is searched.

    Raises:
        OrganizerError: the file cannot be opened or written.
    """

    def __init__(self, path: Path, journal: Journal) -> None:
        self._path = path
        self._journal = journal
        try:
            self._connection = self._open()
        except NewerDatabaseError as error:
            raise self._trouble("written by a newer version of the program") from error
        except (sqlite3.Error, OSError) as error:
            raise self._trouble(str(error)) from error

    def _open(self) -> sqlite3.Connection:
        """The index; a damaged one is made again."""
        try:
            return self._connect()
        except sqlite3.OperationalError:  # locked, or no room: nothing is damaged
            raise
        except sqlite3.DatabaseError:
            for end in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + end).unlink(missing_ok=True)
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = open_database(self._path, synchronous="OFF")
        with closed_on_error(connection):
            upgrade(connection, _VERSION, _make_tables)
            self._begin_again_for_another_journal(connection)
        return connection

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    def waiting(self) -> int:
        """Return how many operations of the journal may not be in the index yet."""
        return max(0, self._last_ready() - self._last_indexed())

    def extend(self, most: int = _AT_ONCE) -> bool:
        """Take in the next operations of the journal, `most` at most; return whether there are more.

        Raises:
            OrganizerError: the index cannot be written.
        """
        last, ready = self._last_indexed(), self._last_ready()
        if last >= ready:
            return False
        rows = list(islice(self._new_rows(last, ready), most))
        reached = rows[-1].id if len(rows) == most else ready
        texts = [(row.id, row.text) for row in rows]
        try:
            with transaction(self._connection):
                self._connection.executemany("INSERT INTO texts VALUES (?,?)", texts)
                self._connection.executemany("INSERT INTO words (rowid, text) VALUES (?,?)", texts)
                _remember(self._connection, "last", str(reached))
        except sqlite3.Error as error:
            raise self._trouble(str(error)) from error
        return reached < ready

    def find(self, text: str) -> Iterator[Operation]:
        """Yield what brought each photo to where it is now, the newest first.

        Args:
            text: words, all of which must be found somewhere in the photo's name, folder, category, camera
                or dates (2024-07, of the picture or of its filing); or the beginning of its SHA-256 (six
                digits or more). Case does not matter.
        """
        words = _folded(text).split()
        if not words:
            return
        seen: set[tuple[bytes, bytes]] = set()
        for number in self._numbers(words):
            for operation in list(self._journal.select(f"o.id = ? AND {_FINISHED}", (number,))):
                key = operation.sha256, operation.destination
                if key not in seen and self._is_current(operation):
                    seen.add(key)
                    yield operation

    def _numbers(self, words: Sequence[str]) -> Iterator[int]:
        """The operations that have all the words, the last first."""
        if len(words) == 1 and _HASH.fullmatch(words[0]):
            low, high = (bytes.fromhex(words[0].ljust(64, digit)) for digit in "0f")
            query = "SELECT id FROM operations WHERE sha256 BETWEEN ? AND ? ORDER BY id DESC"
            found = [row[0] for row in self._journal.rows(query, (low, high))]
            yield from found
            if found:
                return
        indexed = [word for word in words if _INDEXED.fullmatch(word)]
        others = [word for word in words if not _INDEXED.fullmatch(word)]
        # FTS5 is given only patterns that it has trigrams for: with others, SQLite 3.40 crashes
        condition = " AND ".join(["w.text GLOB ?"] * len(indexed) + ["instr(t.text, ?) > 0"] * len(others))
        tables = "texts t"
        if indexed:
            tables = "words w JOIN texts t ON t.operation = w.rowid" if others else "words w"
        number = "w.rowid" if indexed else "t.operation"
        query = f"SELECT {number} FROM {tables} WHERE {condition} ORDER BY {number} DESC"  # noqa: S608 (ours)
        patterns = [f"*{word}*" for word in indexed] + others
        try:
            yield from (row[0] for row in self._connection.execute(query, patterns))
        except sqlite3.Error as error:
            raise self._trouble(str(error)) from error

    def _is_current(self, operation: Operation) -> bool:
        """Whether the photo is where `operation` brought it, as far as the journal knows."""
        if operation.undone_by is not None or operation.label == SKIPPED:
            return False
        query = (
            "SELECT 1 FROM moves m JOIN operations o ON o.id = m.operation WHERE m.source = ?"  # noqa: S608 (ours)
            f" AND m.position = 0 AND o.id > ? AND o.sha256 = ? AND o.undone_by IS NULL AND {_FINISHED}"
            " AND o.manner = 'move' LIMIT 1"
        )
        later = self._journal.value(query, (operation.destination, operation.id, operation.sha256))
        return later is None

    def _new_rows(self, last: int, ready: int) -> Iterator[_Row]:
        # what takes a photo back has no prediction of its own: the one of what it took back is shown
        query = (
            "SELECT o.id, m.source, m.destination, o.destination_root,"  # noqa: S608 (ours)
            " COALESCE(NULLIF(o.category, ''), p.category, ''), o.label, o.time,"
            " COALESCE(NULLIF(o.taken, ''), p.taken, ''), COALESCE(NULLIF(o.camera, ''), p.camera, '')"
            " FROM operations o JOIN moves m ON m.operation = o.id AND m.position = 0"
            " LEFT JOIN operations p ON p.id = o.parent"
            f" WHERE o.id > ? AND o.id <= ? AND {_FINISHED} ORDER BY o.id"
        )
        for row in self._journal.rows(query, (last, ready)):
            yield _Row(*row)

    def _last_indexed(self) -> int:
        return int(_fact(self._connection, "last") or 0)

    def _last_ready(self) -> int:
        """The last operation before any that is still under way."""
        query = (
            "SELECT COALESCE((SELECT MIN(id) - 1 FROM operations WHERE state < 2 AND state = 0),"
            " (SELECT MAX(id) FROM operations), 0)"
        )
        return int(str(self._journal.value(query)))

    def _begin_again_for_another_journal(self, connection: sqlite3.Connection) -> None:
        name = f"{self._journal.token} {self._journal.get('relocated') or ''}".strip()
        last = self._journal.value("SELECT COALESCE(MAX(id), 0) FROM operations")
        if _fact(connection, "journal") == name and int(_fact(connection, "last") or 0) <= int(str(last)):
            return
        with transaction(connection):
            for table in ("words", "texts", "facts"):
                connection.execute(f"DROP TABLE {table}")
            _make_tables(connection, 0)
            _remember(connection, "journal", name)

    def _trouble(self, what: str) -> OrganizerError:
        return OrganizerError(
            f"the search index: {what}", where=self._path, remedy="delete the file; it is made again"
        )


def _fact(connection: sqlite3.Connection, key: str) -> str | None:
    row = connection.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def _remember(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?,?)", (key, value))


def _make_tables(connection: sqlite3.Connection, _found: int) -> None:
    for statement in _TABLES:
        connection.execute(statement)


def _folded(text: str) -> str:
    """`text` without differences of case, and with letters and their accents composed."""
    valid = text.encode("utf-8", "backslashreplace").decode()  # a name need not be text
    return unicodedata.normalize("NFC", valid).casefold()
