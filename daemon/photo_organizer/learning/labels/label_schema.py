"""The label store's tables."""

from __future__ import annotations

import sqlite3

VERSION = 2

_FIRST = (
    """CREATE TABLE files (path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        inode INTEGER NOT NULL, sha256 TEXT, companion INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID""",
    """CREATE TABLE labels (sha256 TEXT PRIMARY KEY, category TEXT NOT NULL, provenance TEXT NOT NULL,
        first_seen TEXT NOT NULL, path BLOB NOT NULL) WITHOUT ROWID""",
    "CREATE TABLE parts (sha256 TEXT PRIMARY KEY, part TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE trained (sha256 TEXT PRIMARY KEY, category TEXT NOT NULL, model TEXT NOT NULL)
        WITHOUT ROWID""",
)

_SECOND = (
    """CREATE TABLE folders (path BLOB PRIMARY KEY, inode INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE confirmed (sha256 TEXT PRIMARY KEY, category TEXT NOT NULL, time TEXT NOT NULL)
        WITHOUT ROWID""",
    """CREATE TABLE folder_choices (name TEXT PRIMARY KEY, choice TEXT NOT NULL, time TEXT NOT NULL)
        WITHOUT ROWID""",
    "CREATE TABLE own_folders (name TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE found_folders (name TEXT PRIMARY KEY, photos INTEGER NOT NULL) WITHOUT ROWID",
)

_CHANGES = {
    0: (*_FIRST, *_SECOND),
    1: (
        "ALTER TABLE files ADD COLUMN companion INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE labels DROP COLUMN reported",
        *_SECOND,
        # version 1 learned from every folder without asking
        """INSERT INTO folder_choices SELECT DISTINCT category, 'accepted',
            strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now') FROM labels WHERE provenance <> 'untouched'""",
    ),
}
"""The statements that bring a store of a version (0: an empty one) to the present one."""


def bring_up_to_date(connection: sqlite3.Connection, found: int) -> None:
    """Bring the tables from the version `found` to `VERSION`; to be called in a transaction."""
    for statement in _CHANGES[found]:
        connection.execute(statement)
