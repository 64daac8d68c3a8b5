"""A plan on disk: `sort --dry-run --plan FILE` makes it, `sort --plan FILE` carries it out.

A text file of JSON lines, compressed with Zstandard when its name ends in `.zst`. The first line says what
the plan is for; each other line is one photo, in the order of their paths: the ledger's columns, and what it
takes to file that very photo later (identity, companions, prediction). While a plan is being made it is a
small database, `FILE.part`, with which a later run goes on (see `plan_draft.py`).
"""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from photo_organizer.cli.sort.plan_files.compression import open_lines
from photo_organizer.cli.sort.plan_files.plan_check import LONGEST_LINE
from photo_organizer.cli.sort.plan_files.plan_head import FORMAT, PlanHead
from photo_organizer.cli.sort.plan_files.planned_photo import PlannedPhoto
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 1 << 20
_FORMAT = re.compile(rb'\{"format": "(photo-organizer plan [0-9]{1,4})"')


class PlanError(OrganizerError):
    """A plan that cannot be read, or does not fit this configuration."""


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A complete plan file."""

    path: Path
    head: PlanHead

    @classmethod
    def open(cls, path: Path) -> PlanFile:
        """Open the plan at `path`.

        Raises:
            PlanError: it cannot be read, or is no plan.
        """
        try:
            with open_lines(path) as file:
                line = file.readline(LONGEST_LINE + 1)
            head = _head(line, path)
        except OSError as error:
            raise PlanError(f"the plan cannot be read: {error.strerror or error}", where=path) from error
        return cls(path, head)

    def photos(self) -> Iterator[PlannedPhoto]:
        """Yield the photos as they are read.

        Raises:
            PlanError: a line is damaged.
        """
        with self._lines() as lines:
            number = 1
            while line := lines.readline(LONGEST_LINE + 1):
                number += 1
                try:
                    yield PlannedPhoto.from_line(line, self.head)
                except ValueError as error:
                    what = f"line {number} is damaged ({printable(error)})"
                    raise PlanError(what, where=self.path, remedy="make the plan again") from error

    def check(self) -> int:
        """Check that the plan is complete before any of it is carried out; return its number of photos.

        A plan that is byte for byte as it was written is not parsed for that, only hashed.

        Raises:
            PlanError: a line is damaged.
        """
        if self.head.sha256 and self.head.photos is not None:
            with self._lines() as lines:
                digest = hashlib.sha256()
                while chunk := lines.read(CHUNK):
                    digest.update(chunk)
                if digest.hexdigest() == self.head.sha256:
                    return self.head.photos
        return sum(1 for _ in self.photos())

    @contextmanager
    def _lines(self) -> Iterator[BinaryIO]:
        """Yield the file, placed at the first photo's line."""
        try:
            with open_lines(self.path) as lines:
                lines.readline()
                yield lines
        except OSError as error:
            what = f"the plan cannot be read: {error.strerror or error}"
            raise PlanError(what, where=self.path, remedy="make the plan again") from error


def _head(line: bytes, path: Path) -> PlanHead:
    try:
        if (found := _FORMAT.match(line)) and found[1].decode() != FORMAT:
            raise PlanError("was made by another version", where=path, remedy="make the plan again")
        return PlanHead.from_line(line)
    except ValueError as error:
        remedy = f"make one with `{typed('sort PATH --dry-run --plan FILE')}`"
        raise PlanError(f"is not a plan ({printable(error)})", where=path, remedy=remedy) from error
