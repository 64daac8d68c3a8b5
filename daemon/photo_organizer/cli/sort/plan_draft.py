"""A plan in the making: `FILE.part`, a small SQLite database that survives Ctrl-C and kill -9.

What was classified is kept photo by photo; the next run with the same model and categories takes it from here
as long as the file is untouched. Nothing is held in memory, so that a plan may have any number of photos.
"""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.cli.sort.plan_file import Plan, PlanError, PlanHead, PlannedPhoto
from photo_organizer.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from photo_organizer.photo import AssetGroup

Key = tuple[int, str]
"""Where a section of the contact sheet stands, and its name."""

PHOTOS_A_COMMIT = 64
VERSION = 1
SCHEMA = """
CREATE TABLE made_for (line TEXT NOT NULL);
CREATE TABLE photos (
    number INTEGER PRIMARY KEY,
    source BLOB NOT NULL UNIQUE,
    identity TEXT NOT NULL,
    confidence REAL,
    run TEXT NOT NULL,
    line TEXT NOT NULL
);
CREATE INDEX by_confidence ON photos (confidence);
"""


class PlanDraft:
    """The plan that will be `path`.

    Args:
        path: the plan's final name. A plan that is there is replaced at the end; anything else is refused.
        head: what it is for.

    Raises:
        PlanError: something else is at `path`, or the draft cannot be written.
    """

    def __init__(self, path: Path, head: PlanHead) -> None:
        if path.exists():
            Plan.open(path)
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self._head = head
        self._run = head.made
        self._uncommitted = 0
        try:
            self._database = self._open()
        except sqlite3.Error as error:
            raise PlanError(f"the plan cannot be written: {error}", where=self.part) from error

    def _open(self) -> sqlite3.Connection:
        made_for = json.dumps([self._head.model, self._head.categories])
        if self.part.exists():
            database = sqlite3.connect(self.part)
            try:
                if database.execute("SELECT line FROM made_for").fetchone() == (made_for,):
                    return database
            except sqlite3.DatabaseError:
                if not self.part.read_bytes()[:16].startswith(b"SQLite format 3"):
                    raise  # not ours to remove
            database.close()
            self.part.unlink()
        database = sqlite3.connect(self.part)
        database.executescript(SCHEMA)
        database.execute("INSERT INTO made_for VALUES (?)", (made_for,))
        database.commit()
        return database

    def known(self, group: AssetGroup) -> PlannedPhoto | None:
        """What an earlier run found out about this very photo, if it did."""
        row = self._database.execute(
            "SELECT line FROM photos WHERE source = ? AND identity = ?",
            (os.fsencode(group.photo.path), _identity(group)),
        ).fetchone()
        return PlannedPhoto.from_line(row[0], self._head) if row else None

    def add(self, photo: PlannedPhoto) -> None:
        """Keeps a photo.

        Raises:
            PlanError: the disk does not take it.
        """
        try:
            self._database.execute(
                "INSERT OR REPLACE INTO photos (source, identity, confidence, run, line) VALUES (?,?,?,?,?)",
                (
                    os.fsencode(photo.group.photo.path),
                    _identity(photo.group),
                    photo.decision.confidence if photo.decision else None,
                    self._run,
                    photo.to_line(),
                ),
            )
            self._uncommitted += 1
            if self._uncommitted >= PHOTOS_A_COMMIT:
                self._database.commit()
                self._uncommitted = 0
        except sqlite3.Error as error:
            raise PlanError(f"the plan cannot be written: {error}", where=self.part) from error

    def by_section(self, section: Callable[[PlannedPhoto], Key]) -> Iterator[tuple[Key, PlannedPhoto]]:
        """Yield every photo of this run with its section, section by section, the least sure first in each.

        Args:
            section: names the section of a photo; they come in the order of these keys.
        """
        query = "SELECT number, line FROM photos WHERE run = ?"
        order = []
        for number, line in self._database.execute(query, (self._run,)):
            photo = PlannedPhoto.from_line(line, self._head)
            confidence = photo.decision.confidence if photo.decision else 2.0
            order.append((section(photo), confidence, number))
        for key, _, number in sorted(order):
            query = "SELECT line FROM photos WHERE number = ?"
            (line,) = self._database.execute(query, (number,)).fetchone()
            yield key, PlannedPhoto.from_line(line, self._head)

    def finish(self) -> None:
        """All is known: writes the plan under its name, and removes the draft."""
        try:
            self._database.commit()
            with replacing(self.path) as file:
                file.write(self._head.to_line().encode())
                for (line,) in self._database.execute(
                    "SELECT line FROM photos WHERE run = ? ORDER BY number", (self._run,)
                ):
                    file.write(line.encode())
            self._database.close()
            self.part.unlink()
        except (OSError, sqlite3.Error) as error:
            raise PlanError(f"the plan cannot be written: {error}", where=self.path) from error

    def interrupt(self) -> None:
        """Keeps what is known for the next run."""
        self._database.commit()
        self._database.close()


def _identity(group: AssetGroup) -> str:
    files = (group.photo, *group.companions)
    return json.dumps(
        [
            [
                os.fspath(one.path),
                one.identity.device,
                one.identity.inode,
                one.identity.size,
                one.identity.mtime_ns,
            ]
            for one in files
        ]
    )
