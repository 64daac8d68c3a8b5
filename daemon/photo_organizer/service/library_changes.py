"""Whether the library may hold new corrections, at the price of a `stat` for each of its folders."""

from __future__ import annotations

import os
import time
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.learning.labels.corrections import LabelCounts
from photo_organizer.learning.labels.label_store import LABELS, FolderStamp, LabelStore

_BETWEEN_LOOKS_SECONDS = 60.0
_MOST_OF_THE_TIME = 0.001  # a look that takes a second is made every thousand


class LibraryChanges:
    """Compares the folders with what the last scan saw; a file that was moved changes two of them.

    What the owner confirmed or decided on the review page is noticed by the label store's own files.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._libraries = configuration.libraries
        self._store = configuration.state_directory / LABELS
        self._folders: dict[bytes, FolderStamp] | None = None
        self._store_before: tuple[object, ...] = ()
        self.seconds_between_looks = _BETWEEN_LOOKS_SECONDS

    def remember(self) -> LabelCounts:
        """Take what the last scan saw for the present state, and return what it counted.

        Raises:
            LabelStoreError: the label store cannot be opened.
        """
        if not self._store.exists():
            self._folders = None
            return LabelCounts()
        with LabelStore(self._store) as store:
            self._folders = store.folders()
            counts = LabelCounts.of(store)
        self._store_before = self._store_now()
        return counts

    def found(self) -> bool:
        """Return whether something changed. Nothing has while a library is not there."""
        began = time.monotonic()
        has_changed = all(library.is_dir() for library in self._libraries) and (
            self._folders is None
            or self._store_now() != self._store_before
            or any(_stamp(path) != stamp for path, stamp in self._folders.items())
        )
        took = time.monotonic() - began
        self.seconds_between_looks = max(_BETWEEN_LOOKS_SECONDS, took / _MOST_OF_THE_TIME)
        return has_changed

    def _store_now(self) -> tuple[object, ...]:
        log = self._store.with_name(self._store.name + "-wal")
        return _state(self._store), _state(log)


def _stamp(path: bytes) -> FolderStamp | None:
    try:
        return FolderStamp.of(Path(os.fsdecode(path)).stat())
    except OSError:  # gone
        return None


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of a file; None when it is not there, or empty."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if status.st_size else None
