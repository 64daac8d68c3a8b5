"""What learning remembers between runs: `STATE/labels.sqlite`.

- `files`: size, mtime and inode of each photo of the library with the sha256 of its content, and whether it
  is another photo's companion, so that an unchanged file is not read again;
- `folders`: the state of each folder when it was last listed, so that an unchanged one is not listed again;
- `labels`: category and provenance of each photo, by content;
- `confirmed`: photos of which the owner said that they are in the right category;
- `folder_choices`, `own_folders`, `found_folders`: folders that are not configured categories, and what the
  owner decided about them (see `category_folders.py`);
- `parts`: in which part of the split a photo is, for ever;
- `trained`: which labels the models of this machine have learned already, to count what is new.

Everything but `confirmed`, `folder_choices`, `parts` and the first-seen times can be found again by a scan.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from photo_organizer.errors import OrganizerError
from photo_organizer.files import open_lock_file, try_lock
from photo_organizer.learning.labels.label_schema import VERSION, bring_up_to_date
from photo_organizer.sqlite import (
    NewerDatabaseError,
    closed_on_error,
    open_database,
    replace_folder,
    storable,
    stored_number,
    transaction,
    upgrade,
)

LABELS = "labels.sqlite"
_BETWEEN_TRIES_SECONDS = 0.2


class LabelStoreError(OrganizerError):
    """The label store cannot be opened or written."""


class Provenance(StrEnum):
    """How a photo came by its category, from the strongest evidence to the weakest."""

    CORRECTED = "corrected"  # filed in one category, moved to another by the owner
    REVIEWED = "reviewed"  # moved out of Review by the owner
    CONFIRMED = "confirmed"  # filed, looked at and confirmed by the owner, or moved away and back
    PLACED = "placed"  # put there by hand
    DATASET = "dataset"  # given with `train --photos`
    UNTOUCHED = "untouched"  # filed and never moved: the model's own guess


class Part(StrEnum):
    """What a photo is used for. `ASIDE` is for a photo that links two groups of different parts."""

    TRAIN = "train"
    HOLD_OUT = "hold-out"
    ASIDE = "aside"


class FolderChoice(StrEnum):
    """What the owner decided about a folder that is not a configured category."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


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
class Confirmation:
    """The owner looked at a photo in this category at this time, and it is right there."""

    category: str
    time: datetime


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as it was when it was last read. `sha256` is None for a file that is not a photo, and for a
    companion, which is not read.
    """

    size: int
    mtime_ns: int
    inode: int
    sha256: str | None
    is_companion: bool = False


@dataclass(frozen=True, slots=True)
class FolderStamp:
    """The state of a folder; as long as it stays, no file in it was added, removed or renamed."""

    inode: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FolderStamp:
        """Return the stamp of a folder with this `status`."""
        return cls(status.st_ino, status.st_mtime_ns, status.st_ctime_ns)


class LabelStore:
    """The store of one state directory; close it, or use it in a `with`.

    Any process may open it at any time; a transaction waits for that of another.

    Raises:
        LabelStoreError: the file is not a label store, is from a newer version, or the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = open_database(path, synchronous="FULL")
        except (sqlite3.Error, OSError) as error:
            remedy = "move it aside; the next training begins a new one from what lies in the library"
            raise LabelStoreError(f"it cannot be opened ({error})", where=path, remedy=remedy) from error
        try:
            with closed_on_error(self._connection):
                upgrade(self._connection, VERSION, bring_up_to_date)
        except NewerDatabaseError as error:
            remedy = "update smart-photo-organizer"
            raise LabelStoreError("it was written by a newer version", where=path, remedy=remedy) from error
        except sqlite3.Error as error:
            raise LabelStoreError(f"it cannot be written ({error})", where=path) from error

    def __enter__(self) -> LabelStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def scanning(self) -> Iterator[None]:
        """Hold this from reading what the last scan found to writing what this one did: one scan at a time.

        A second process waits for the first.

        Raises:
            LabelStoreError: the lock file cannot be made.
        """
        path = self.path.with_suffix(".lock")
        try:
            descriptor = open_lock_file(path)
        except OSError as error:
            raise LabelStoreError(f"no lock file: {error.strerror}", where=path) from error
        try:
            while not try_lock(descriptor):
                time.sleep(_BETWEEN_TRIES_SECONDS)
            yield
        finally:
            os.close(descriptor)

    # what the last scan found
    # ---------------------------------------------------------------------------------------------------

    def files(self) -> dict[bytes, KnownFile]:
        """Return all files of the last scan, by path."""
        query = "SELECT path, size, mtime_ns, inode, sha256, companion FROM files"
        return {
            bytes(path): KnownFile(
                stored_number(size), stored_number(mtime_ns), stored_number(inode), sha256, bool(companion)
            )
            for path, size, mtime_ns, inode, sha256, companion in self._connection.execute(query)
        }

    def remember_files(self, changed: Mapping[bytes, KnownFile], gone: Iterable[bytes]) -> None:
        """Write what a scan found: new or changed files, and those that are no longer there."""
        with transaction(self._connection):
            self._connection.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in gone])
            rows = [
                (
                    path,
                    storable(file.size),
                    storable(file.mtime_ns),
                    storable(file.inode),
                    file.sha256,
                    file.is_companion,
                )
                for path, file in changed.items()
            ]
            self._connection.executemany("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?)", rows)

    def folders(self) -> dict[bytes, FolderStamp]:
        """Return the folders of the last scan, by path."""
        query = "SELECT path, inode, mtime_ns, ctime_ns FROM folders"
        return {
            bytes(path): FolderStamp(*(stored_number(number) for number in numbers))
            for path, *numbers in self._connection.execute(query)
        }

    def replace_folders(self, folders: Mapping[bytes, FolderStamp]) -> None:
        """Make these the folders of the last scan."""
        with transaction(self._connection):
            self._connection.execute("DELETE FROM folders")
            rows = [
                (path, storable(stamp.inode), storable(stamp.mtime_ns), storable(stamp.ctime_ns))
                for path, stamp in folders.items()
            ]
            self._connection.executemany("INSERT INTO folders VALUES (?,?,?,?)", rows)

    def labels(self) -> dict[str, Label]:
        """Return all labels of the last scan, by sha256."""
        query = "SELECT sha256, category, provenance, path, first_seen FROM labels"
        return {
            str(sha256): Label(
                str(sha256),
                str(category),
                Provenance(provenance),
                Path(os.fsdecode(path)),
                datetime.fromisoformat(first_seen),
            )
            for sha256, category, provenance, path, first_seen in self._connection.execute(query)
        }

    def replace_labels(self, labels: Iterable[Label]) -> None:
        """Make these the labels; only what changed is written."""
        new = {
            label.sha256: (
                label.category,
                label.provenance.value,
                label.first_seen.isoformat(),
                os.fsencode(label.path),
            )
            for label in labels
        }
        with transaction(self._connection):
            query = "SELECT sha256, category, provenance, first_seen, path FROM labels"
            before = {sha256: tuple(row) for sha256, *row in self._connection.execute(query)}
            gone = [(sha256,) for sha256 in before.keys() - new.keys()]
            self._connection.executemany("DELETE FROM labels WHERE sha256 = ?", gone)
            rows = [(sha256, *row) for sha256, row in new.items() if before.get(sha256) != row]
            self._connection.executemany("INSERT OR REPLACE INTO labels VALUES (?,?,?,?,?)", rows)

    def relocate(self, old: bytes, new: bytes) -> int:
        """Follow a folder with photos that was moved from `old` to `new`; return how many entries changed."""
        with transaction(self._connection):
            return sum(
                replace_folder(self._connection, table, "path", old, new)
                for table in ("files", "folders", "labels")
            )

    # what the owner said
    # ---------------------------------------------------------------------------------------------------

    def confirm(self, categories: Mapping[str, str], when: datetime) -> None:
        """Write down that the owner looked at photos and confirmed them.

        Args:
            categories: the confirmed category by the photo's sha256.
            when: with a time zone.
        """
        with transaction(self._connection):
            rows = [(sha256, category, when.isoformat()) for sha256, category in categories.items()]
            self._connection.executemany("INSERT OR REPLACE INTO confirmed VALUES (?,?,?)", rows)

    def withdraw_confirmation(self, photos: Iterable[str]) -> None:
        """Forget that these photos (sha256) were confirmed."""
        with transaction(self._connection):
            rows = [(sha256,) for sha256 in photos]
            self._connection.executemany("DELETE FROM confirmed WHERE sha256 = ?", rows)

    def confirmed(self) -> dict[str, Confirmation]:
        """Return what the owner confirmed, by sha256."""
        query = "SELECT sha256, category, time FROM confirmed"
        return {
            str(sha256): Confirmation(str(category), datetime.fromisoformat(when))
            for sha256, category, when in self._connection.execute(query)
        }

    def choose_folder(self, name: str, choice: FolderChoice, when: datetime) -> None:
        """Write down whether the owner wants a folder to be a category."""
        with transaction(self._connection):
            row = (name, choice.value, when.isoformat())
            self._connection.execute("INSERT OR REPLACE INTO folder_choices VALUES (?,?,?)", row)

    def folder_choices(self) -> dict[str, FolderChoice]:
        """Return what the owner decided about folders, by name."""
        query = "SELECT name, choice FROM folder_choices"
        return {str(name): FolderChoice(choice) for name, choice in self._connection.execute(query)}

    def remember_own_folders(self, names: Iterable[str]) -> None:
        """Remember folders of ours (Review, Duplicates, videos), which are never categories."""
        with transaction(self._connection):
            rows = [(name,) for name in names]
            self._connection.executemany("INSERT OR IGNORE INTO own_folders VALUES (?)", rows)

    def own_folders(self) -> frozenset[str]:
        """Return the names of all folders that were ever ours."""
        return frozenset(str(row[0]) for row in self._connection.execute("SELECT name FROM own_folders"))

    def replace_found_folders(self, photos: Mapping[str, int]) -> None:
        """Make these the folders that the last scan found and the owner is to be asked about.

        Args:
            photos: by folder, how many photos its owner put there.
        """
        with transaction(self._connection):
            self._connection.execute("DELETE FROM found_folders")
            self._connection.executemany("INSERT INTO found_folders VALUES (?,?)", photos.items())

    def found_folders(self) -> dict[str, int]:
        """Return the folders that the owner is to be asked about, with their photos."""
        return dict(self._connection.execute("SELECT name, photos FROM found_folders ORDER BY name"))

    # what was learned
    # ---------------------------------------------------------------------------------------------------

    def parts(self) -> dict[str, Part]:
        """Return the split so far."""
        return {str(sha256): Part(part) for sha256, part in self._connection.execute("SELECT * FROM parts")}

    def extend_parts(self, parts: Mapping[str, Part]) -> None:
        """Add photos to the split; one that has a part keeps it."""
        with transaction(self._connection):
            rows = [(sha256, part.value) for sha256, part in parts.items()]
            self._connection.executemany("INSERT OR IGNORE INTO parts VALUES (?,?)", rows)

    def trained(self) -> dict[str, str]:
        """Return the labels that a finished training has seen: category by sha256."""
        return dict(self._connection.execute("SELECT sha256, category FROM trained"))

    def new_labels(self) -> Counter[Provenance]:
        """Return how many labels no training has seen, by provenance; the model's own guesses never count."""
        query = """SELECT provenance, count(*) FROM labels LEFT JOIN trained USING (sha256)
            WHERE provenance <> ? AND trained.category IS NOT labels.category GROUP BY provenance"""
        rows = self._connection.execute(query, (Provenance.UNTOUCHED.value,))
        return Counter({Provenance(provenance): count for provenance, count in rows})

    def mark_trained(self, categories: Mapping[str, str], model: str) -> None:
        """Remember that these labels have been learned, or tried in vain; they are no longer new."""
        with transaction(self._connection):
            rows = [(sha256, category, model) for sha256, category in categories.items()]
            self._connection.executemany("INSERT OR REPLACE INTO trained VALUES (?,?,?)", rows)
