"""SQLite databases of our own: opened, versioned, and changed in transactions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from photo_organizer.files import PRIVATE

Synchronous = Literal["OFF", "NORMAL", "FULL"]
_BUSY_SECONDS = 30.0
_LARGEST = (1 << 63) - 1


def open_database(path: Path, *, synchronous: Synchronous, threads: bool = False) -> sqlite3.Connection:
    """Open a database that only its owner can read, with a write-ahead log; it is made when it is missing.

    Statements run one by one (autocommit); `transaction` groups them.

    Args:
        path: the file; its folder exists.
        synchronous: FULL survives a loss of power, NORMAL may forget the last transactions, OFF is for
            what can be computed again.
        threads: whether threads other than the one that opens it use it, one at a time.

    Raises:
        sqlite3.Error: it cannot be opened, or is not a database.
        OSError: the file cannot be made.
    """
    # Made by us first: SQLite would make it readable for all, and gives -wal and -shm the mode of this one.
    # Only made, never opened: closing a database drops the locks that other connections of this process have
    # on it, and then another process deletes the log that they still write to (sqlite.org/howtocorrupt.html).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE))
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=not threads
    )
    with closed_on_error(connection):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    """Close the connection if the block, which prepares it for use, raises."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block did as a whole, or, when it raises, nothing of it.

    Raises:
        sqlite3.Error: the database cannot be written.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def replace_folder(connection: sqlite3.Connection, table: str, column: str, old: bytes, new: bytes) -> int:
    """Make the paths in a column that are below the folder `old`, or are it, lead to the same below `new`.

    Args:
        connection: in a transaction.
        table: the table.
        column: where its paths are, as bytes.
        old: an absolute path.
        new: an absolute path.

    Returns:
        How many rows were changed.

    Raises:
        sqlite3.Error: the database cannot be written.
    """
    query = (
        f"UPDATE OR REPLACE {table} SET {column} = CAST(? || substr({column}, ?) AS BLOB)"  # noqa: S608 (ours)
        f" WHERE {column} = ? OR ({column} >= ? AND {column} < ?)"
    )
    # "0" comes next after the slash
    cursor = connection.execute(query, (new, len(old) + 1, old, old + b"/", old + b"0"))
    return cursor.rowcount


class NewerDatabaseError(Exception):
    """The database was written by a newer version of the program."""


def upgrade(
    connection: sqlite3.Connection, version: int, step: Callable[[sqlite3.Connection, int], None]
) -> None:
    """Bring a database to the schema `version`, in one transaction.

    Args:
        connection: from `open_database`.
        version: the version of this program, 1 or more.
        step: brings the tables from the version that it is given (0: an empty database) to `version`.

    Raises:
        NewerDatabaseError: the database has a later version.
        sqlite3.Error: the database cannot be written.
    """
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > version:
        raise NewerDatabaseError
    if found < version:
        with transaction(connection):
            step(connection, found)
            connection.execute(f"PRAGMA user_version = {version}")


def storable(number: int) -> int | bytes:
    """Return `number` as SQLite can hold it, exactly.

    SQLite's integers have 64 bits with a sign. A time in nanoseconds before 1677 or after 2262 has more, and
    so have inode and device numbers of some file systems: those are stored as decimal digits, in a blob,
    since text in a column of numbers would be rounded.
    """
    return number if -_LARGEST <= number <= _LARGEST else str(number).encode()


def stored_number(value: int | bytes) -> int:
    """Return the number that `storable` was given."""
    return int(value)
