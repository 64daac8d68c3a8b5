"""The destination of a dry run: says where the library would put each photo, and moves nothing."""

from __future__ import annotations

import errno
import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.library import FilingReport, JoinReport, Manner, Placed
from photo_organizer.library.errors import no_hard_link
from photo_organizer.library.plan.free_names import GroupNames
from photo_organizer.photo import Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from photo_organizer.config import Configuration
    from photo_organizer.library import DestinationTrouble, Filing, Latecomer, Library
    from photo_organizer.photo import AssetGroup

SCHEMA = """
CREATE TABLE photos (sha256 BLOB PRIMARY KEY, destination BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE names (path BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE numbers (wanted BLOB PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(slots=True)
class DiskWork:
    """What carrying the plan out will do to the disks."""

    renamed: int = 0
    linked: int = 0
    copied: int = 0
    copied_bytes: int = 0
    new_folders: set[Path] = field(default_factory=set)


class PlannedLibrary:
    """Answers as the library would.

    What was planned so far is kept in a temporary database on disk, so that any number of photos fits.

    Args:
        configuration: library, quarantine and the rule for duplicates.
        library: knows what was filed before.
    """

    def __init__(self, configuration: Configuration, library: Library) -> None:
        self._library = configuration.library
        self._quarantine = configuration.quarantine_directory
        self._duplicates = configuration.duplicates
        self._filed = library
        self._planned = sqlite3.connect("")
        self._planned.executescript(SCHEMA)
        self._devices: dict[Path, int] = {}
        self.work = DiskWork()

    def file(self, filings: Sequence[Filing], *, batch: str | None = None) -> FilingReport:
        """Where each photo would go; there is no batch yet."""
        del batch
        filed: list[Placed] = []
        left: list[Placed] = []
        for filing in filings:
            pause = self._hindrance(filing)
            if pause is not None:
                return FilingReport(batch="", filed=tuple(filed), left=tuple(left), pause=pause)
            placed = self._place(filing)
            if placed.action is Action.DUPLICATE and self._duplicates == "skip":
                left.append(placed)
                continue
            filed.append(placed)
            self._count(filing, placed.destination.parent)
        return FilingReport(batch="", filed=tuple(filed), left=tuple(left))

    def join(self, latecomers: Sequence[Latecomer], inbox: Path) -> JoinReport:
        """Companions without their photo stay where they are."""
        del inbox
        return JoinReport(orphans=tuple(latecomer.companion for latecomer in latecomers))

    def _place(self, filing: Filing) -> Placed:
        if filing.action is Action.QUARANTINED:
            return Placed(filing.group, filing.action, self._free_name(filing.group, self._quarantine))
        sha256 = filing.prediction.sha256 if filing.prediction else ""
        first = self._first_of(sha256, filing) if sha256 else None
        if first is not None and self._duplicates != "keep":
            folder = self._library / self._duplicates
            # a skipped one stays where it is
            skipped = self._duplicates == "skip"
            destination = filing.group.photo.path if skipped else self._free_name(filing.group, folder)
            return Placed(filing.group, Action.DUPLICATE, destination, first)
        destination = self._free_name(filing.group, self._library / filing.folder)
        if sha256:
            row = (bytes.fromhex(sha256), os.fsencode(destination))
            self._planned.execute("INSERT OR IGNORE INTO photos VALUES (?, ?)", row)
        return Placed(filing.group, filing.action, destination)

    def _hindrance(self, filing: Filing) -> DestinationTrouble | None:
        """Why hard links cannot be made, as the library would say it."""
        is_bad = filing.action is Action.QUARANTINED
        folder = self._quarantine if is_bad else self._library / filing.folder
        photo = filing.group.photo
        if filing.manner is not Manner.LINK or photo.identity.device == self._device(folder):
            return None
        return no_hard_link(photo.path, folder, errno.EXDEV)

    def _first_of(self, sha256: str, filing: Filing) -> Path | None:
        """The photo with the same bytes that is planned or filed already."""
        query = "SELECT destination FROM photos WHERE sha256 = ?"
        row = self._planned.execute(query, (bytes.fromhex(sha256),)).fetchone()
        if row:
            return Path(os.fsdecode(row[0]))
        return self._filed.original_of(filing.group.photo, sha256, filing.manner)

    def _free_name(self, group: AssetGroup, folder: Path) -> Path:
        """The first name of photo and companions that neither the disk nor this plan has taken."""
        names = GroupNames(
            os.fsencode(group.photo.path.name),
            tuple(os.fsencode(companion.path.name) for companion in group.companions),
        )
        top = os.fsencode(folder)
        wanted = os.path.join(top, names.photo)
        row = self._planned.execute("SELECT last FROM numbers WHERE wanted = ?", (wanted,)).fetchone()
        number = row[0] if row else 0
        while True:
            number += 1
            paths = [os.path.join(top, name) for name in names.numbered(number)]
            if not any(self._is_given(path) or os.path.lexists(path) for path in paths):
                break
        self._planned.execute("INSERT OR REPLACE INTO numbers VALUES (?, ?)", (wanted, number))
        self._planned.executemany("INSERT INTO names VALUES (?)", [(path,) for path in paths])
        return Path(os.fsdecode(paths[0]))

    def _is_given(self, path: bytes) -> bool:
        return self._planned.execute("SELECT 1 FROM names WHERE path = ?", (path,)).fetchone() is not None

    def close(self) -> None:
        """Forgets what was planned; the count of the disks' work stays."""
        self._planned.close()

    def _count(self, filing: Filing, folder: Path) -> None:
        group, manner = filing.group, filing.manner
        files = (group.photo, *group.companions)
        if not folder.exists():
            self.work.new_folders.add(folder)
        if manner in {Manner.LINK, Manner.SYMLINK}:
            self.work.linked += len(files)
        elif manner is Manner.MOVE and group.photo.identity.device == self._device(folder):
            self.work.renamed += len(files)
        else:
            self.work.copied += len(files)
            self.work.copied_bytes += sum(one.identity.size for one in files)

    def _device(self, folder: Path) -> int:
        """The device of a folder, or of the nearest one above it that is there."""
        if folder not in self._devices:
            there = next(place for place in (folder, *folder.parents) if place.exists())
            self._devices[folder] = there.stat().st_dev
        return self._devices[folder]
