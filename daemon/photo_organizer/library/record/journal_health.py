"""Whether the journal is sound, and the copies that are kept for the day when it is not."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import date, datetime
from pathlib import Path

from photo_organizer.files import PRIVATE, replacing, sync
from photo_organizer.library.record.journal_schema import VERSION

JOURNAL = "journal.sqlite"
COPIES = "journal-copies"
_KEPT = 7
_BESIDE = ("-wal", "-shm")
_TABLES = frozenset({"facts", "category_lists", "operations", "moves", "held", "totals"})
_CONTENTS = (
    ("operations in no known state", "SELECT 1 FROM operations WHERE state NOT IN (0, 1, 2, 3) LIMIT 1"),
    (
        "operations without a file",
        "SELECT 1 FROM operations o LEFT JOIN moves m ON m.operation = o.id AND m.position = 0"
        " WHERE m.operation IS NULL LIMIT 1",
    ),
    ("no token", "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM facts WHERE key = 'token')"),
    (
        "a size of the ledger that is not a number",
        "SELECT 1 FROM facts WHERE key = 'ledger_size' AND (value GLOB '*[^0-9]*' OR value = '')",
    ),
)


def journal_fault(path: Path) -> str | None:
    """Return what is wrong with the journal at `path`, as a clause; None when it is sound or not there.

    Reads all of it (`PRAGMA quick_check`), and what we need of its contents. One of a newer version is not
    judged, and neither is one that is locked or cannot be read for the disk's sake.
    """
    if not os.path.lexists(path):
        return None
    if not path.is_file():
        return "it is not a file"
    try:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            return _fault(connection)
    except sqlite3.OperationalError:  # locked, full, read-only: whoever opens it next says so
        return None
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        return str(error)


def _fault(connection: sqlite3.Connection) -> str | None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        return None
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        return str(found).splitlines()[0]
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version == 0:
        return "it is another program's database" if tables else None
    if missing := _TABLES - tables:
        return f"it has no table {min(missing)}"
    return next((fault for fault, query in _CONTENTS if connection.execute(query).fetchone()), None)


def is_begun(path: Path) -> bool:
    """Return whether the journal at `path` was ever written to: an empty file is as good as none."""
    return path.exists() and path.stat().st_size > 0


def set_aside(path: Path, now: datetime) -> Path:
    """Give a journal another name, with what SQLite keeps beside it; return that name.

    Where only the journal is gone, its log is still renamed: SQLite would write it into the copy that is
    restored, and damage it.

    Raises:
        OSError: it cannot be renamed.
    """
    number = 0
    aside = base = path.with_name(f"{path.name}.damaged-{now:%Y%m%d-%H%M%S}")
    while os.path.lexists(aside):
        number += 1
        aside = base.with_name(f"{base.name}-{number}")
    for suffix in ("", *_BESIDE):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    sync(path.parent)
    return aside


def newest_copy(path: Path) -> tuple[date, Path] | None:
    """Return the newest sound copy of the journal at `path`, and its day; None where there is none."""
    for copy in sorted((path.parent / COPIES).glob("journal-*.sqlite"), reverse=True):
        with suppress(ValueError):
            day = date.fromisoformat(copy.stem.removeprefix("journal-"))
            if is_begun(copy) and journal_fault(copy) is None:
                return day, copy
    return None


def restore_copy(path: Path) -> date | None:
    """Put the newest sound copy in the place of a journal that was set aside; return its day, or None.

    Raises:
        OSError: it cannot be written.
    """
    if (found := newest_copy(path)) is None:
        return None
    day, copy = found
    with replacing(path, mode=PRIVATE) as file, copy.open("rb") as source:
        while chunk := source.read(1 << 20):
            file.write(chunk)
    return day


def keep_daily_copy(connection: sqlite3.Connection, path: Path, today: date) -> None:
    """Copy the journal at `path`, unless that was done today, and keep the copies of the last seven days.

    Raises:
        OSError, sqlite3.Error: it cannot be written.
    """
    folder = path.parent / COPIES
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / f"journal-{today.isoformat()}.sqlite"
    if not copy.exists():
        part = folder / "part"
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE))
        try:
            with closing(sqlite3.connect(part)) as target:
                connection.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")  # one file, complete in itself
            sync(part)
            part.replace(copy)
        finally:
            part.unlink(missing_ok=True)
        sync(folder)
    for old in sorted(folder.glob("journal-*.sqlite"))[:-_KEPT]:
        old.unlink()
