"""What learning remembers between runs: `STATE/labels.sqlite`.

- `files`: size, mtime and inode of each file of the library with the sha256 of its content, so that an
unchanged
  library costs a walk and no reading;
- `labels`: category and provenance of each photo, by content;
- `parts`: in which part of the split a photo is, for ever;
- `trained`: which labels the models of this machine have learned already, to count what is new.

Everything but `parts` and the first-seen times can be found again by a scan: the file is a memory, not an
archive.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from photo_organizer.errors import OrganizerError
from photo_organizer.learning.data.dataset import Part

VERSION = 1
_SCHEMA = (
    """CREATE TABLE files (path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        inode INTEGER NOT NULL, sha256 TEXT) WITHOUT ROWID""",
    """CREATE TABLE labels (sha256 TEXT PRIMARY KEY, category TEXT NOT NULL, provenance TEXT NOT NULL,
        first_seen TEXT NOT NULL, path BLOB NOT NULL, reported TEXT) WITHOUT ROWID""",
    "CREATE TABLE parts (sha256 TEXT PRIMARY KEY, part TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE trained (sha256 TEXT PRIMARY KEY, category TEXT NOT NULL, model TEXT NOT NULL)
        WITHOUT ROWID""",
)


class LabelStoreError(OrganizerError):
    """The label store cannot be opened or written."""


class Provenance(StrEnum):
    """How a photo came by its category, from the strongest evidence to the weakest."""

    CORRECTED = "corrected"  # filed in one category, moved to another by the owner
    REVIEWED = "reviewed"  # moved out of Review by the owner
    PLACED = "placed"  # put there by hand
    DATASET = "dataset"  # given with `train --photos`
    UNTOUCHED = "untouched"  # filed and never moved: the model's own guess


@dataclass(frozen=True, slots=True)
class Label:
    """A photo's category. `first_seen` is when the photo was first found in this category with this
    provenance.
    """

    sha256: str
    category: str
    provenance: Provenance
    path: Path
    first_seen: datetime


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as it was when it was last read; `sha256` is None for a file that is no photo."""

    size: int
    mtime_ns: int
    inode: int
    sha256: str | None


class LabelStore:
    """The store of one state directory; close it, or use it in a `with`. One writer at a time.

    Raises:
        LabelStoreError: the file is not a label store, is from a newer version, or the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._prepare()
        except sqlite3.DatabaseError as error:
            remedy = "move it aside; the next training begins a new one from what lies in the library"
            raise LabelStoreError(f"it cannot be opened ({error})", where=path, remedy=remedy) from error

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            remedy = "update smart-photo-organizer"
            raise LabelStoreError("it was written by a newer version", where=self.path, remedy=remedy)
        if version < VERSION:
            with self._transaction():
                for statement in _SCHEMA:
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def __enter__(self) -> LabelStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def files(self) -> dict[bytes, KnownFile]:
        """All files of the last scan, by path."""
        rows = self._connection.execute("SELECT path, size, mtime_ns, inode, sha256 FROM files")
        return {bytes(row[0]): KnownFile(*row[1:]) for row in rows}

    def remember_files(self, changed: Mapping[bytes, KnownFile], gone: Iterable[bytes]) -> None:
        """Writes what a scan found: new or changed files, and those that are no longer there."""
        with self._transaction():
            self._connection.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in gone])
            rows = [(path, it.size, it.mtime_ns, it.inode, it.sha256) for path, it in changed.items()]
            self._connection.executemany("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?)", rows)

    def labels(self) -> dict[str, Label]:
        """All labels of the last scan, by sha256."""
        rows = self._connection.execute("SELECT sha256, category, provenance, first_seen, path FROM labels")
        return {
            str(sha256): Label(
                str(sha256),
                str(category),
                Provenance(provenance),
                Path(os.fsdecode(path)),
                datetime.fromisoformat(first_seen),
            )
            for sha256, category, provenance, first_seen, path in rows
        }

    def replace_labels(self, labels: Iterable[Label]) -> None:
        """Makes these the labels; what was reported of a photo is kept while its category stays."""
        with self._transaction():
            reported = dict(
                self._connection.execute("SELECT sha256, reported FROM labels WHERE reported IS NOT NULL")
            )
            self._connection.execute("DELETE FROM labels")
            rows = [
                (
                    it.sha256,
                    it.category,
                    it.provenance.value,
                    it.first_seen.isoformat(),
                    os.fsencode(it.path),
                    reported.get(it.sha256),
                )
                for it in labels
            ]
            self._connection.executemany("INSERT INTO labels VALUES (?,?,?,?,?,?)", rows)

    def unreported(self) -> set[str]:
        """The photos whose category has not gone into the ledger yet."""
        rows = self._connection.execute("SELECT sha256 FROM labels WHERE reported IS NOT category")
        return {str(row[0]) for row in rows}

    def mark_reported(self, photos: Iterable[str]) -> None:
        """The ledger has the present categories of these photos."""
        with self._transaction():
            self._connection.executemany(
                "UPDATE labels SET reported = category WHERE sha256 = ?", [(it,) for it in photos]
            )

    def parts(self) -> dict[str, Part]:
        """The split so far."""
        return {str(sha256): Part(part) for sha256, part in self._connection.execute("SELECT * FROM parts")}

    def extend_parts(self, parts: Mapping[str, Part]) -> None:
        """Adds photos to the split; one that has a part keeps it."""
        with self._transaction():
            rows = [(sha256, part.value) for sha256, part in parts.items()]
            self._connection.executemany("INSERT OR IGNORE INTO parts VALUES (?,?)", rows)

    def trained(self) -> dict[str, str]:
        """The labels that a finished training has seen: category by sha256."""
        return dict(self._connection.execute("SELECT sha256, category FROM trained"))

    def mark_trained(self, categories: Mapping[str, str], model: str) -> None:
        """These labels have been learned, or tried in vain; they are no longer new."""
        with self._transaction():
            rows = [(sha256, category, model) for sha256, category in categories.items()]
            self._connection.executemany("INSERT OR REPLACE INTO trained VALUES (?,?,?)", rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
