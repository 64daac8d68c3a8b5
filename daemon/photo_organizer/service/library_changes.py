"""Detect possible new corrections in the library with one `stat` per folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.learning.labels.corrections import LabelCounts
from photo_organizer.learning.labels.label_store import LABELS, FolderStamp, LabelStore

_BETWEEN_CHECKS_SECONDS = 60.0
_SHARE_OF_TIME = 0.001  # a check that takes one second is made every thousand seconds


class LibraryChanges:
    """Compares the library's folders with the last scan; moving a file changes two of them.

    Decisions on the review page are detected by changes of the label store's own files.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._libraries = configuration.libraries
        self._store = configuration.state_directory / LABELS
        self._folders: dict[bytes, FolderStamp] | None = None
        self._store_before: tuple[object, ...] = ()
        self.seconds_between_checks = _BETWEEN_CHECKS_SECONDS

    def remember(self) -> LabelCounts:
        """Use the last scan as the state to compare with, and return its counts.

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

    def has_changed(self) -> bool:
        """Return whether something changed since the last scan; False while a library is missing."""
        began = time.monotonic()
        changed = all(library.is_dir() for library in self._libraries) and (
            self._folders is None
            or self._store_now() != self._store_before
            or any(_stamp(path) != stamp for path, stamp in self._folders.items())
        )
        took = time.monotonic() - began
        self.seconds_between_checks = max(_BETWEEN_CHECKS_SECONDS, took / _SHARE_OF_TIME)
        return changed

    def _store_now(self) -> tuple[object, ...]:
        log = self._store.with_name(self._store.name + "-wal")
        return _state(self._store), _state(log)


def _stamp(path: bytes) -> FolderStamp | None:
    try:
        return FolderStamp.of(Path(os.fsdecode(path)).stat())
    except OSError:  # gone
        return None


def _state(path: Path) -> tuple[int, int] | None:
    """Return the size and time of a file; None when it is missing or empty."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if status.st_size else None
