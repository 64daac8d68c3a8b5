"""The journal: every move, written down before it is made (SQLite, write-ahead log, synchronous=FULL).

An operation is one photo with its companions; it holds one move for each file. Its state says how far it got:
INTENT (the moves may or may not have been made) -> DONE (made, and on the disk) -> RECORDED (the ledger has
its row too), or ABANDONED (nothing was moved). Paths are bytes, as the kernel has them.
"""

from __future__ import annotations

import itertools
import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import DestinationError, JournalError
from photo_organizer.library.record.journal_health import keep_daily_copy
from photo_organizer.library.record.journal_schema import CHANGES, SCHEMA, VERSION
from photo_organizer.library.record.operation import (
    AGAIN,
    FILING_KINDS,
    JOINED,
    SKIPPED,
    Details,
    Move,
    Operation,
    State,
    TransferMode,
)
from photo_organizer.photo import Action, FileIdentity
from photo_organizer.sqlite import closed_on_error, open_database, storable, stored_number
from photo_organizer.typed_command import typed

_COLUMNS = (
    "o.batch, o.kind, o.time, o.sha256, o.source_root, o.destination_root, o.category, o.confidence,"
    " o.second_category, o.second_confidence, o.threshold, o.model, o.engine, o.decoder, c.names,"
    " o.probabilities, o.reason, o.parent, o.label, o.state, o.undone_by, o.reserved, o.manner,"
    " o.taken, o.observed, o.camera"
)
_FROM = "FROM operations o LEFT JOIN category_lists c ON c.id = o.categories"
_OPERATION = f"SELECT o.id, {_COLUMNS} {_FROM}"
_MOVE = "m.source, m.destination, m.device, m.inode, m.size, m.mtime_ns, m.sha256, m.position"
_BROUGHT = ",".join(f"'{kind}'" for kind in (*FILING_KINDS, JOINED))
_FIRST = "JOIN moves m ON m.operation = o.id AND m.position = 0"
_WITH_PHOTO = f"SELECT o.id, {_COLUMNS}, {_MOVE} {_FROM} {_FIRST}"


class Journal:
    """The journal of one state directory. Writers hold the moves lock (see `locks.py`); readers need none."""

    def __init__(self, path: Path, operations: FileOperations) -> None:
        self._path = path
        self._operations = operations
        try:
            self._connection = open_database(path, synchronous="FULL")
            with closed_on_error(self._connection):
                self._prepare()
        except sqlite3.OperationalError as error:
            raise DestinationError(
                f"the journal: {error}", where=path, remedy="make room or make it writable"
            ) from error
        except sqlite3.DatabaseError as error:
            remedy = f"start the daemon, or run `{typed('sort')}`: the journal is set aside and restored then"
            raise JournalError(f"not readable as the journal: {error}", where=path, remedy=remedy) from error
        self._version = self._data_version()

    def _prepare(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise JournalError(
                f"written by a newer version (schema {version}, this program knows {VERSION})",
                where=self._path,
                remedy="upgrade smart-photo-organizer",
            )
        if version < VERSION:
            with self.transaction():
                changes = [SCHEMA] if version == 0 else [CHANGES[older] for older in range(version, VERSION)]
                for statement in itertools.chain(*changes):
                    self._connection.execute(statement)
                if version == 0:
                    self._set("token", secrets.token_hex(4))
                self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and on the disk when it is left.

        Raises:
            DestinationError: the disk of the state directory is full, read-only or failing.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._operations.commit(self._connection)
        except (sqlite3.OperationalError, OSError) as error:
            raise DestinationError(
                f"the journal: {error}",
                where=self._path,
                remedy="make room or make it writable; filing resumes by itself",
            ) from error
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    # small facts
    # -----------------------------------------------------------------------------------------------

    def get(self, key: str) -> str | None:
        row = self._connection.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _set(self, key: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, value))

    def remember(self, key: str, value: str) -> None:
        with self.transaction():
            self._set(key, value)

    @property
    def token(self) -> str:
        """Part of the hidden names that this journal gives, so that two journals never give the same."""
        return self.get("token") or ""

    # writing
    # ---------------------------------------------------------------------------------------------------

    def intend(
        self,
        operations: Sequence[Operation],
        recorded: Sequence[int] = (),
        ledger_size: int | None = None,
        *,
        hold: bool = False,
        made_folders: Mapping[bytes, int] = MappingProxyType({}),
    ) -> list[Operation]:
        """Writes the intents down, and on the way that the ledger has had the rows of `recorded`.

        Args:
            operations: with id 0.
            recorded, ledger_size: see `record`.
            recorded: operations whose rows are in the ledger.
            ledger_size: its size with them.
            hold: the photos stay where they are, and are held there.
            made_folders: the inode numbers of the folders that were made for them, by path.
        """
        with self.transaction():
            self._mark_recorded(recorded, ledger_size)
            self._connection.executemany(
                "INSERT OR REPLACE INTO made_folders VALUES (?,?)",
                [(path, storable(inode)) for path, inode in made_folders.items()],
            )
            written = [self._insert(operation) for operation in operations]
            for operation in written if hold else ():
                self.hold(operation.source, operation.moves[0].identity, operation.id)
        return written

    def adopt(self, operations: Iterable[Operation]) -> int:
        """Write finished operations down that the ledger has already; return how many.

        Args:
            operations: with id 0 and RECORDED, in the order in which they happened. Reading them may ask the
                journal.
        """
        count = 0
        with self.transaction():
            # numbers that were given after the last copy can be in hidden names: they are not given again
            self._connection.execute(
                "UPDATE sqlite_sequence SET seq = seq + 1000000 WHERE name = 'operations'"
            )
            for operation in operations:
                written = self._insert(operation)
                self._count([written.id])
                count += 1
                if operation.kind == Action.UNDONE:
                    self._connection.execute(
                        "UPDATE operations SET undone_by = ? WHERE id = (SELECT o.id FROM operations o"
                        " JOIN moves m ON m.operation = o.id WHERE o.sha256 = ? AND m.destination = ?"
                        " AND o.undone_by IS NULL AND o.id <> ? ORDER BY o.id DESC LIMIT 1)",
                        (written.id, operation.sha256, operation.source, written.id),
                    )
                elif operation.label == SKIPPED:
                    self.hold(operation.source, operation.moves[0].identity, written.id)
        return count

    def is_empty(self) -> bool:
        """Whether nothing was ever written down."""
        return self.value("SELECT 1 FROM operations LIMIT 1") is None

    def keep_daily_copy(self, today: date) -> None:
        """Keep a copy of the journal for each of the last days.

        Raises:
            OSError, sqlite3.Error: it cannot be written.
        """
        keep_daily_copy(self._connection, self._path, today)

    def _insert(self, operation: Operation) -> Operation:
        details = operation.details
        cursor = self._connection.execute(
            "INSERT INTO operations (batch, kind, time, sha256, source_root, destination_root, category,"
            " confidence, second_category, second_confidence, threshold, model, engine, decoder, categories,"
            " probabilities, reason, parent, label, state, manner, taken, observed, camera)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                operation.batch, operation.kind, operation.time, operation.sha256, operation.source_root,
                operation.destination_root, details.category, details.confidence, details.second_category,
                details.second_confidence, details.threshold, details.model, details.engine, details.decoder,
                self._category_list(details.categories),
                json.dumps([round(probability, 5) for probability in details.probabilities]),
                operation.reason, operation.parent, operation.label, operation.state, operation.transfer_mode,
                details.taken, operation.observed, details.camera,
            ),
        )  # fmt: skip
        number = cursor.lastrowid or 0
        self._insert_moves(number, operation.moves)
        if operation.holds:
            self.hold(operation.destination, operation.moves[0].identity, number)
        if operation.state == State.DONE:
            self._count([number])
        return replace(operation, id=number)

    def _insert_moves(self, number: int, moves: Sequence[Move]) -> None:
        rows = [
            (
                number, move.position, move.source, move.destination, _signed(move.identity.device),
                _signed(move.identity.inode), storable(move.identity.size),
                storable(move.identity.mtime_ns), move.sha256,
            )
            for move in moves
        ]  # fmt: skip
        self._connection.executemany("INSERT INTO moves VALUES (?,?,?,?,?,?,?,?,?)", rows)

    def _category_list(self, categories: Sequence[str]) -> int | None:
        if not categories:
            return None
        names = json.dumps(list(categories))
        self._connection.execute("INSERT OR IGNORE INTO category_lists (names) VALUES (?)", (names,))
        row = self._connection.execute("SELECT id FROM category_lists WHERE names = ?", (names,)).fetchone()
        return int(row[0])

    def change_moves(self, operation: Operation) -> None:
        """Writes down other names, hashes or fewer files for an operation that is still an intent."""
        with self.transaction():
            self._connection.execute("DELETE FROM moves WHERE operation = ?", (operation.id,))
            self._insert_moves(operation.id, operation.moves)
            self._connection.execute(
                "UPDATE operations SET reserved = ? WHERE id = ?", (_signed(operation.reserved), operation.id)
            )
            if operation.holds:
                self._connection.execute("DELETE FROM held WHERE operation = ?", (operation.id,))
                self.hold(operation.destination, operation.moves[0].identity, operation.id)

    def finish(
        self, done: Sequence[Operation], abandoned: Sequence[Operation], landed: Mapping[int, FileIdentity]
    ) -> None:
        """What was moved is DONE, what stayed is ABANDONED. `landed`: what the photo of an operation is
        now.
        """
        with self.transaction():
            self._set_state(State.DONE, [operation.id for operation in done])
            self._count([operation.id for operation in done])
            for operation in done:
                if operation.takes_back:
                    self._mark_undone(operation)
                    if operation.label != AGAIN:
                        landed_as = landed.get(operation.id, operation.moves[0].identity)
                        self.hold(operation.destination, landed_as, operation.id)
                elif (
                    operation.transfer_mode is TransferMode.MOVE
                ):  # the others leave a photo that is held where it is
                    self._release(operation)
            for operation in abandoned:
                self._set_state(State.ABANDONED, [operation.id])
                self._connection.execute("DELETE FROM held WHERE operation = ?", (operation.id,))

    def _mark_undone(self, operation: Operation) -> None:
        """What `operation` took back, and the corrections on the way that it took back with it."""
        for parent in list(self.select("o.id = ?", (operation.parent,))):
            taken_back = [parent.id, *(correction.id for correction in self.corrections_since(parent))]
            self._connection.executemany(
                "UPDATE operations SET undone_by = ? WHERE id = ?",
                [(operation.id, number) for number in taken_back],
            )

    def record(self, recorded: Sequence[int], ledger_size: int) -> None:
        """The ledger has the rows of `recorded`, on the disk, and is `ledger_size` bytes long."""
        with self.transaction():
            self._mark_recorded(recorded, ledger_size)

    def _mark_recorded(self, recorded: Sequence[int], ledger_size: int | None) -> None:
        self._set_state(State.RECORDED, recorded)
        if ledger_size is not None:
            self._set("ledger_size", str(ledger_size))

    def _set_state(self, state: State, numbers: Iterable[int]) -> None:
        self._connection.executemany(
            "UPDATE operations SET state = ? WHERE id = ?", [(state, number) for number in numbers]
        )

    def _count(self, numbers: Iterable[int]) -> None:
        self._connection.executemany(
            "INSERT INTO totals SELECT kind, 1 FROM operations WHERE id = ?"
            " ON CONFLICT (kind) DO UPDATE SET photos = photos + 1",
            [(number,) for number in numbers],
        )

    # held photos: put back by undo, or skipped as a duplicate; left alone until the owner touches them
    # ---------

    def hold(self, path: bytes, identity: FileIdentity, number: int) -> None:
        """To be called in a transaction."""
        self._connection.execute(
            "INSERT OR REPLACE INTO held VALUES (?,?,?,?)",
            (path, storable(identity.size), storable(identity.mtime_ns), number),
        )

    def _release(self, operation: Operation) -> None:
        self._connection.executemany(
            "DELETE FROM held WHERE path = ? AND operation <> ?",
            [(move.source, operation.id) for move in operation.moves],
        )

    def is_kept_original(self, path: bytes, identity: FileIdentity) -> bool:
        """Whether the library has a copy of, or a link to, the file in this state, made from this place.

        Told as rsync tells it, by path, size and time: inode numbers do not last on every disk.
        """
        query = (
            "SELECT 1 FROM moves m JOIN operations o ON o.id = m.operation"  # noqa: S608 (ours)
            " WHERE m.source = ? AND m.size = ? AND m.mtime_ns = ? AND o.manner <> 'move'"
            f" AND o.kind IN ({_BROUGHT}) AND o.undone_by IS NULL"
            f" AND o.state IN ({State.DONE:d}, {State.RECORDED:d}) LIMIT 1"
        )
        return self.value(query, (path, storable(identity.size), storable(identity.mtime_ns))) is not None

    def is_held(self, path: bytes, identity: FileIdentity) -> bool:
        row = self._connection.execute("SELECT size, mtime_ns FROM held WHERE path = ?", (path,)).fetchone()
        return row is not None and tuple(map(stored_number, row)) == (identity.size, identity.mtime_ns)

    # folders that were made for photos
    # ----------------------------------------------------------------------------------------

    def remember_folders(self, made: Mapping[bytes, int]) -> None:
        """Folders were made for photos: their inode numbers, by path."""
        self.intend([], made_folders=made)

    def made_folder(self, path: bytes) -> int | None:
        """The inode number of a folder that was made for photos; None for one of its owner's."""
        row = self._connection.execute("SELECT inode FROM made_folders WHERE path = ?", (path,)).fetchone()
        return None if row is None else stored_number(row[0])

    def forget_folder(self, path: bytes) -> None:
        """A folder that was made for photos is gone."""
        with self.transaction():
            self._connection.execute("DELETE FROM made_folders WHERE path = ?", (path,))

    # reading
    # ---------------------------------------------------------------------------------------------------

    def select(self, condition: str, parameters: Sequence[object] = ()) -> Iterator[Operation]:
        """The operations for which `condition` (SQL over `o`, the operation) holds."""
        for row in self._connection.execute(f"{_OPERATION} WHERE {condition}", parameters):
            yield _operation(row, self._moves(row[0]))

    def corrections_since(self, operation: Operation) -> Iterator[Operation]:
        """The corrections by which the photo of `operation` went on from its destination, in order."""
        place = operation.destination
        condition = (
            f"o.sha256 = ? AND o.kind = '{Action.CORRECTED}' AND o.id > ? AND o.undone_by IS NULL"
            f" AND o.state IN ({State.DONE:d}, {State.RECORDED:d}) ORDER BY o.id"
        )
        for correction in list(self.select(condition, (operation.sha256, operation.id))):
            if correction.source == place:
                place = correction.destination
                yield correction

    def photos(self, condition: str, parameters: Sequence[object] = ()) -> Iterator[Operation]:
        """As `select`, but without companions, and by one query for all; `m` is the photo's own move.

        In the order of the operations, unless `condition` ends with another.
        """
        order = "" if "ORDER BY" in condition else " ORDER BY o.id"
        for row in self._connection.execute(f"{_WITH_PHOTO} WHERE {condition}{order}", parameters):
            yield _operation(row[:-8], (_move(row[-8:]),))

    def moves(self, columns: str, condition: str) -> Iterator[tuple[tuple[Any, ...], Move]]:
        """Every file of the operations for which `condition` holds, in order, by one query for all.

        Args:
            columns: what else is wanted of each operation (SQL over `o`).
            condition: as for `select`.
        """
        query = (
            f"SELECT {_MOVE}, {columns} FROM operations o JOIN moves m ON m.operation = o.id"  # noqa: S608 (ours)
            f" WHERE {condition} ORDER BY o.id, m.position"
        )
        for row in self._connection.execute(query):
            yield row[8:], _move(row[:8])

    def numbers(self, condition: str) -> Iterator[int]:
        """The numbers of the operations for which `condition` holds, in order."""
        query = f"SELECT o.id FROM operations o WHERE {condition} ORDER BY o.id"  # noqa: S608 (ours)
        return (row[0] for row in self._connection.execute(query))

    def rows(
        self, query: str, parameters: Sequence[object] | Mapping[str, object] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """What `query` finds, a row at a time."""
        yield from self._connection.execute(query, parameters)

    def _moves(self, number: int) -> tuple[Move, ...]:
        query = f"SELECT {_MOVE} FROM moves m WHERE m.operation = ? ORDER BY m.position"  # noqa: S608 (a constant)
        return tuple(_move(row) for row in self._connection.execute(query, (number,)))

    def last_places(self, most: int) -> list[bytes]:
        """Return where the last `most` photos were moved from and to."""
        query = "SELECT source, destination FROM moves WHERE position = 0 ORDER BY operation DESC LIMIT ?"
        return [place for row in self._connection.execute(query, (most,)) for place in row]

    def unfinished(self) -> set[int]:
        """The numbers of the operations that are not recorded yet."""
        return {row[0] for row in self._connection.execute("SELECT id FROM operations WHERE state < 2")}

    def open_operations(self) -> list[Operation]:
        """What a crash or a failing disk left unfinished, oldest first."""
        return list(self.select("o.state < 2 ORDER BY o.id"))

    def totals(self) -> dict[str, int]:
        """Return how many operations of each kind were done; what was taken back is not counted."""
        return totals_of(self._connection)

    def has_changed_elsewhere(self) -> bool:
        """Return whether another connection has written since this was asked last."""
        before, self._version = self._version, self._data_version()
        return self._version != before

    def _data_version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def value(self, query: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> object:
        """The first value that `query` finds, or None."""
        row = self._connection.execute(query, parameters).fetchone()
        return None if row is None else row[0]


def totals_of(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many operations of each kind were done; what was taken back is not counted."""
    totals = dict(connection.execute("SELECT kind, photos FROM totals"))
    for kind, undone in connection.execute(
        "SELECT kind, COUNT(*) FROM operations WHERE undone_by IS NOT NULL GROUP BY kind"
    ):
        totals[kind] = max(0, totals.get(kind, 0) - undone)
    return totals


def read_totals(path: Path) -> dict[str, int] | None:
    """Return the totals of the journal at `path` without changing it; None where it cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return totals_of(connection)
    except sqlite3.Error:
        return None


def _operation(row: tuple[Any, ...], moves: tuple[Move, ...]) -> Operation:
    (
        number, batch, kind, time, sha256, source_root, destination_root, category, confidence,
        second_category, second_confidence, threshold, model, engine, decoder, categories, probabilities,
        reason, parent, label, state, undone_by, reserved, transfer_mode, taken, observed, camera,
    ) = row  # fmt: skip
    details = Details(
        category, confidence, second_category, second_confidence, threshold, model, engine, decoder,
        _names(categories or "[]"), tuple(json.loads(probabilities)), taken, camera,
    )  # fmt: skip
    return Operation(
        number, batch, kind, time, sha256, moves, source_root, destination_root, details,
        reason, parent, label, State(state), undone_by, _unsigned(reserved),
        TransferMode(transfer_mode), bool(observed),
    )  # fmt: skip


@lru_cache(maxsize=64)
def _names(categories: str) -> tuple[str, ...]:
    """A list of categories, the same object for all photos that share it."""
    return tuple(json.loads(categories))


def _move(row: tuple[Any, ...]) -> Move:
    size, mtime_ns = stored_number(row[4]), stored_number(row[5])
    identity = FileIdentity(_unsigned(row[2]), _unsigned(row[3]), size, mtime_ns)
    return Move(row[0], row[1], identity, row[6], row[7])


def _signed(number: int) -> int:
    """A 64-bit number of the kernel's as SQLite can hold it."""
    return number - (1 << 64) if number >= 1 << 63 else number


def _unsigned(number: int) -> int:
    return number + (1 << 64) if number < 0 else number
