"""A plan in the making: `FILE.part`, a small SQLite database that survives Ctrl-C and kill -9.

What was classified is kept photo by photo, in whatever order that is done; the next run with the same model,
categories and arithmetic takes it from here as long as the file is untouched. Where each photo goes is found
out afterwards, in the order of the paths, so that two runs make the same plan. Nothing is held in memory, so
that a plan may have any number of photos.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.cli.sort.plan_files.compression import compressing
from photo_organizer.cli.sort.plan_files.devices import Devices
from photo_organizer.cli.sort.plan_files.plan_file import PlanError, PlanFile
from photo_organizer.cli.sort.plan_files.plan_head import PlanHead
from photo_organizer.cli.sort.plan_files.planned_photo import PlannedPhoto
from photo_organizer.cli.sort.plan_files.rows import row_of
from photo_organizer.files import replacing
from photo_organizer.library import Placed
from photo_organizer.sqlite import closed_on_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from photo_organizer.library import Filing
    from photo_organizer.photo import AssetGroup

Key = tuple[int, str]
"""Where a section of the contact sheet stands, and its name."""

MOST_ON_SHEET = 20_000
"""More than anybody looks through, and than a browser shows."""
PHOTOS_A_COMMIT = 64
PHOTOS_A_PAGE = 64
VERSION = 2
MAGIC = b"SQLite format 3\0"
SCHEMA = """
CREATE TABLE made_for (line TEXT NOT NULL);
CREATE TABLE photos (
    source BLOB NOT NULL UNIQUE,
    identity TEXT NOT NULL,
    run TEXT NOT NULL,
    confidence REAL,
    is_placed INTEGER NOT NULL,
    line TEXT NOT NULL
);
CREATE INDEX by_confidence ON photos (confidence);
"""


class PlanDraft:
    """The draft of the plan `path`.

    Args:
        path: the plan's final name. A plan that is there is replaced at the end; anything else is refused.
            None for a plan that nobody keeps.
        head: what it is for.

    Raises:
        PlanError: something else is at `path`, another process makes the same plan, or the draft cannot be
            written.
    """

    def __init__(self, path: Path | None, head: PlanHead) -> None:
        if path is not None and path.exists():
            PlanFile.open(path)
        self.path = path
        self._part = None if path is None else path.with_name(path.name + ".part")
        self._head = head
        self._run = head.made
        self._devices = Devices()
        self._uncommitted = 0
        try:
            self._database = self._open()
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                what, remedy = "another process is making this plan", "wait for it, or name another file"
                raise PlanError(what, where=self._part, remedy=remedy) from error
            raise PlanError(f"the plan cannot be written: {error}", where=self._part) from error

    def _open(self) -> sqlite3.Connection:
        made_for = json.dumps([VERSION, self._head.model, self._head.categories, self._head.engine])
        if self._part is not None and self._part.exists():
            if not _is_ours(self._part):
                raise PlanError("is not the draft of a plan", where=self._part, remedy="remove or rename it")
            begun = _begun(self._part, made_for)
            if begun is not None:
                return begun
            for suffix in ("", "-journal"):
                self._part.with_name(self._part.name + suffix).unlink(missing_ok=True)
        database = _connect(self._part)
        database.executescript(SCHEMA)
        database.execute("INSERT INTO made_for VALUES (?)", (made_for,))
        database.commit()
        return database

    def take_known(self, group: AssetGroup) -> bool:
        """Reuse what an earlier run found out about this very photo; return whether it did."""
        row = self._database.execute(
            "SELECT line FROM photos WHERE source = ? AND identity = ?",
            (os.fsencode(group.photo.path), self._identity(group)),
        ).fetchone()
        if row is None:
            return False
        try:
            known = PlannedPhoto.from_line(row[0].encode(), self._head)
        except ValueError:  # of another version, or damaged: it is looked at anew
            return False
        self._put(replace(known, group=group), is_placed=False)
        return True

    def add_found(self, filing: Filing) -> None:
        """Store the prediction of a photo, which is placed later.

        Raises:
            PlanError: the disk does not take it.
        """
        here = Placed(filing.group, filing.action, filing.group.photo.path)
        row = row_of(filing, here, batch="", time="")
        self._put(PlannedPhoto.of(filing, row), is_placed=False)

    def add_placed(self, photo: PlannedPhoto) -> None:
        """Store where a photo goes.

        Raises:
            PlanError: the disk does not take it.
        """
        self._put(photo, is_placed=True)

    def _put(self, photo: PlannedPhoto, *, is_placed: bool) -> None:
        try:
            self._database.execute(
                "INSERT OR REPLACE INTO photos (source, identity, run, confidence, is_placed, line)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    os.fsencode(photo.group.photo.path),
                    self._identity(photo.group),
                    self._run,
                    photo.decision.confidence if photo.decision else None,
                    is_placed,
                    photo.to_line(),
                ),
            )
            self._uncommitted += 1
            if self._uncommitted >= PHOTOS_A_COMMIT:
                self._database.commit()
                self._uncommitted = 0
        except sqlite3.Error as error:
            raise PlanError(f"the plan cannot be written: {error}", where=self._part) from error

    def found(self) -> Iterator[list[PlannedPhoto]]:
        """Yield the photos that this run found, in the order of their paths, in portions."""
        after = b""
        while True:
            query = "SELECT source, line FROM photos WHERE run = ? AND source > ? ORDER BY source LIMIT ?"
            rows = self._database.execute(query, (self._run, after, PHOTOS_A_PAGE)).fetchall()
            if not rows:
                return
            after = rows[-1][0]
            yield [PlannedPhoto.from_line(line.encode(), self._head) for _, line in rows]

    def by_section(self, section: Callable[[PlannedPhoto], Key]) -> Iterator[tuple[Key, PlannedPhoto]]:
        """Yield photos of the plan with their section, section by section, the least sure first in each.

        Of a plan with more than `MOST_ON_SHEET`, only those are yielded that the model is least sure of.

        Args:
            section: names the section of a photo; they come in the order of these keys.
        """
        query = "SELECT rowid, line FROM photos WHERE run = ? AND is_placed ORDER BY confidence LIMIT ?"
        order = []
        for number, line in self._database.execute(query, (self._run, MOST_ON_SHEET)):
            photo = PlannedPhoto.from_line(line.encode(), self._head)
            confidence = photo.decision.confidence if photo.decision else 2.0
            order.append((section(photo), confidence, number))
        for key, _, number in sorted(order):
            query = "SELECT line FROM photos WHERE rowid = ?"
            (line,) = self._database.execute(query, (number,)).fetchone()
            yield key, PlannedPhoto.from_line(line.encode(), self._head)

    def finish(self, not_filed: Sequence[str] = ()) -> None:
        """Write the complete plan under its name, and remove the draft.

        Args:
            not_filed: photos that the plan has not, and why, for people.

        Raises:
            PlanError: the disk does not take it.
        """
        if self.path is None or self._part is None:
            self._database.close()
            return
        try:
            self._database.commit()
            with replacing(self.path) as file, compressing(file, self.path) as lines:
                lines.write(self._complete_head(not_filed).to_line().encode())
                for line in self._lines():
                    lines.write(line)
            self._database.close()
            self._part.unlink()
        except (OSError, sqlite3.Error) as error:
            raise PlanError(f"the plan cannot be written: {error}", where=self.path) from error

    def _complete_head(self, not_filed: Sequence[str]) -> PlanHead:
        count, digest = 0, hashlib.sha256()
        for line in self._lines():
            digest.update(line)
            count += 1
        devices = tuple(sorted(self._devices.mounts.items()))
        return replace(
            self._head, devices=devices, photos=count, sha256=digest.hexdigest(), not_filed=tuple(not_filed)
        )

    def _lines(self) -> Iterator[bytes]:
        query = "SELECT line FROM photos WHERE run = ? AND is_placed ORDER BY source"
        return (line.encode() for (line,) in self._database.execute(query, (self._run,)))

    def interrupt(self) -> None:
        """Keep the draft for the next run."""
        self._database.commit()
        self._database.close()

    def _identity(self, group: AssetGroup) -> str:
        """Return the identities of a group's files, with mount points for devices, whose numbers change."""
        files = (group.photo, *group.companions)
        numbers = [
            [os.fspath(file.path), file.identity.inode, file.identity.size, file.identity.mtime_ns]
            for file in files
        ]
        return json.dumps([self._devices.mount_of(group), numbers])


def _connect(path: Path | None) -> sqlite3.Connection:
    """Open a database for this process alone: two processes that make one plan would mix their photos."""
    database = sqlite3.connect(path or "", timeout=1.0)
    with closed_on_error(database):
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        database.commit()
    return database


def _is_ours(part: Path) -> bool:
    """Return whether a file is a draft, or the empty file that a kill or a full disk has left."""
    try:
        with part.open("rb") as file:
            start = file.read(len(MAGIC))
    except OSError:
        return False
    return start in (b"", MAGIC)


def _begun(part: Path, made_for: str) -> sqlite3.Connection | None:
    """Open a draft that was begun for the same plan; None when it was not, or is damaged.

    Raises:
        sqlite3.Error: another process has it open.
    """
    try:
        database = _connect(part)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise
        return None
    try:
        if database.execute("SELECT line FROM made_for").fetchone() == (made_for,):
            return database
    except sqlite3.DatabaseError:  # without tables, or damaged: nothing that could be gone on with
        pass
    database.close()
    return None
