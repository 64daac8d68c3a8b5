"""Wake the loop when one of a few files, such as the configuration, changes.

Their folders are watched instead of the files, because editors and the model registry replace files rather
than write to them. Events are only hints: `changed()` compares the files with their last known state, so a
missed event causes nothing but a delay until the next wake-up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from watchdog.events import FileSystemEvent
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from photo_organizer.errors import printable

Signature = tuple[int, int, int, int] | None


class FileWatch:
    """Wakes the loop when one of `files` may have changed, and reports which have.

    Args:
        files: files or symbolic links; they and their folders may be missing.
        wake: called from another thread on every hint.
    """

    def __init__(self, files: Iterable[Path], wake: Callable[[], None]) -> None:
        self._wake = wake
        self._seen = {file: _signature(file) for file in files}
        self._names = {os.fspath(file) for file in self._seen}
        self._observer: BaseObserver | None = None

    def start(self) -> list[str]:
        """Start watching.

        Returns:
            A message for each folder that cannot be watched; its files are checked on each wake-up only.
        """
        try:
            self._observer = Observer()
            self._observer.start()
        except OSError as error:
            self._observer = None
            return [f"changes of the configuration are detected late ({error.strerror or error})"]
        problems = []
        for folder in sorted({file.parent for file in self._seen}):
            try:
                self._observer.schedule(self, os.fspath(folder), recursive=False)
            except OSError as error:
                problems.append(f"{printable(folder)}: changes here are detected late ({error.strerror})")
        return problems

    def stop(self) -> None:
        if self._observer is not None and self._observer.is_alive():
            self._observer.stop()
            self._observer.join()

    def dispatch(self, event: FileSystemEvent) -> None:
        """Handle an event of a watched folder; called by watchdog in its own thread."""
        paths = {os.fsdecode(event.src_path), os.fsdecode(event.dest_path)}
        if event.event_type not in _READING and paths & self._names:
            self._wake()

    def changed(self) -> set[Path]:
        """Return the files that have changed since the last call."""
        now = {file: _signature(file) for file in self._seen}
        changed = {file for file in now if now[file] != self._seen[file]}
        self._seen = now
        return changed


_READING = frozenset({"opened", "closed_no_write"})


def _signature(file: Path) -> Signature:
    """Return the identity and state of a file; of a link, not of its target."""
    try:
        status = file.lstat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
