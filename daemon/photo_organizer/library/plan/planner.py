"""What filing photos would do, found out by the code that files them, with nothing done.

What was planned so far counts as done: its names are taken, and its photos are there. It is kept in a
temporary database on disk, so that a plan can have any number of photos.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from photo_organizer.crash_log import CrashLog
from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import (
    DestinationError,
    SourceError,
    at_destination,
    no_hard_link,
    one_photo,
)
from photo_organizer.library.move.executor import MoveOutcome, MovePlan
from photo_organizer.library.move.mover import destination_place
from photo_organizer.library.move.open_folders import Folders
from photo_organizer.library.plan.free_names import GroupNames, NameLimits
from photo_organizer.library.plan.name_chooser import NameChooser
from photo_organizer.library.record.operation import Operation, TransferMode
from photo_organizer.photo import Action

_SCHEMA = """
CREATE TABLE photos (
    sha256 BLOB, library BLOB, destination BLOB NOT NULL, PRIMARY KEY (sha256, library)
) WITHOUT ROWID;
CREATE TABLE names (path BLOB PRIMARY KEY) WITHOUT ROWID;
"""


class Planned:
    """What would be there by now: names, and photos by their hash."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Forget it."""
        self._database.close()

    def __contains__(self, path: bytes) -> bool:
        return self._value("SELECT 1 FROM names WHERE path = ?", (path,)) is not None

    def add(self, path: bytes) -> None:
        """The name `path` is given."""
        self._database.execute("INSERT OR IGNORE INTO names VALUES (?)", (path,))

    def get(self, sha256: bytes, library: bytes) -> bytes | None:
        """Return where the photo with this hash would be in a library."""
        query = "SELECT destination FROM photos WHERE sha256 = ? AND library = ?"
        found = self._value(query, (sha256, library))
        return found if isinstance(found, bytes) else None

    def remember(self, operation: Operation) -> None:
        """`operation` would bring its photo into the library."""
        if operation.kind in {Action.FILED, Action.REVIEW}:
            library = operation.destination[: operation.destination_root]
            row = (operation.sha256, library, operation.destination)
            self._database.execute("INSERT OR IGNORE INTO photos VALUES (?, ?, ?)", row)

    def _value(self, query: str, key: tuple[bytes, ...]) -> object:
        row = self._database.execute(query, key).fetchone()
        return None if row is None else row[0]


class PlanningEngine:
    """Takes the place of `Engine`: chooses the names that it would give, and moves nothing."""

    def __init__(self, operations: FileOperations, crash_log: CrashLog) -> None:
        self._operations = operations
        self.planned = Planned()
        self._crash_log = crash_log
        self._name_limits: dict[bytes, NameLimits] = {}
        self._last_numbers: dict[tuple[bytes, GroupNames], int] = {}

    def run(self, drafts: Sequence[MovePlan]) -> list[MoveOutcome]:
        """Return what would become of the drafts; after a destination trouble the rest has it, too."""
        outcomes = [MoveOutcome(draft, draft.operation) for draft in drafts]
        with Folders(self._operations) as folders:
            names = NameChooser(
                self._operations, folders, self.planned, None, self._name_limits, self._last_numbers
            )
            trouble: DestinationError | None = None
            for outcome in outcomes:
                if trouble is None:
                    try:
                        self._plan(outcome, names, folders)
                    except SourceError as error:
                        outcome.trouble = error
                    except DestinationError as error:
                        trouble = error
                outcome.trouble = outcome.trouble or trouble
        return outcomes

    def leave(self, operation: Operation) -> None:
        """A duplicate would be left where it is; nothing is written down of it."""

    def recover(self) -> None:
        """Nothing was begun that could be open."""

    def _plan(self, outcome: MoveOutcome, names: NameChooser, folders: Folders) -> None:
        with one_photo(outcome.operation.source, self._crash_log):
            outcome.operation = names.choose(outcome.draft)
            if outcome.operation.transfer_mode is TransferMode.LINK:
                self._check_link(outcome.operation, folders)
            self.planned.remember(outcome.operation)

    def _check_link(self, operation: Operation, folders: Folders) -> None:
        place = destination_place(operation)
        with at_destination(place.path):
            folder = folders.nearest(place)
            device = None if folder is None else self._operations.status_of(folder).st_dev
        if device is not None and device != operation.moves[0].identity.device:
            photo, folder_path = (Path(os.fsdecode(path)) for path in (operation.source, place.path))
            trouble = no_hard_link(photo, folder_path, errno.EXDEV)
            if trouble is not None:
                raise trouble
