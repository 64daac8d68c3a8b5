"""Removes the folders of an import once their last photo has left; only with `remove_empty_folders`."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from photo_organizer.errors import printable

logger = logging.getLogger(__name__)

QUIET_SECONDS = 15.0
"""An import that makes a folder also fills it; after so long without a change it is done with it."""


class EmptiedFolders:
    """The folders below an inbox that photos have left, until they are removed or found to be in use."""

    def __init__(self) -> None:
        self._due: dict[str, tuple[float, str]] = {}

    def next_due(self) -> float | None:
        """Return when the next folder may be removed (monotonic), or None."""
        return min((due for due, _ in self._due.values()), default=None)

    def add(self, folder: Path, inbox: Path) -> None:
        """Remember that a file has left `folder`, or will in a moment, unless that is the inbox itself."""
        if folder != inbox:
            self._due[os.fspath(folder)] = time.monotonic() + QUIET_SECONDS, os.fspath(inbox)

    def remove_due(self) -> None:
        """Remove each folder that is due and empty, and those above it that are empty then.

        One that is not empty, or cannot be removed, stays and is forgotten.
        """
        now = time.monotonic()
        for folder, (due, inbox) in list(self._due.items()):
            if due <= now:
                del self._due[folder]
                self._remove(folder, inbox)

    def _remove(self, folder: str, inbox: str) -> None:
        while folder != inbox:
            try:
                quiet_for = time.time() - os.lstat(folder).st_mtime
                if 0 <= quiet_for < QUIET_SECONDS:
                    self._due[folder] = time.monotonic() + QUIET_SECONDS - quiet_for, inbox
                    return
                os.rmdir(folder)  # noqa: PTH106 - refuses a folder that is not empty
            except OSError:
                return
            logger.info("%s is empty: removed", printable(folder))
            folder = os.path.dirname(folder)
