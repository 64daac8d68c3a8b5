"""A few single files (the configuration, the link to the model in use) whose change should wake the loop.

Their folders are watched, not the files, because editors and our own registry replace files instead of
writing into them. The events are hints only: `changed()` compares what is there now with what was there
before, so that a missed event costs a delay until the next wake-up and nothing else.
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
    """Wakes the loop when one of `files` may have changed, and tells which did.

    Args:
        files: files or symbolic links; they and their folders may be missing.
        wake: called from another thread at each hint.
    """

    def __init__(self, files: Iterable[Path], wake: Callable[[], None]) -> None:
        self._wake = wake
        self._seen = {file: _signature(file) for file in files}
        self._names = {os.fspath(file) for file in self._seen}
        self._observer: BaseObserver | None = None

    def start(self) -> list[str]:
        """Begins to watch.

        Returns:
            A line for each folder that cannot be watched; its files are looked at on each wake-up only.
        """
        try:
            self._observer = Observer()
            self._observer.start()
        except OSError as error:
            self._observer = None
            return [f"changes of the configuration are noticed late ({error.strerror or error})"]
        troubles = []
        for folder in sorted({file.parent for file in self._seen}):
            try:
                self._observer.schedule(self, os.fspath(folder), recursive=False)
            except OSError as error:
                troubles.append(f"{printable(folder)}: changes are noticed late here ({error.strerror})")
        return troubles

    def stop(self) -> None:
        if self._observer is not None and self._observer.is_alive():
            self._observer.stop()
            self._observer.join()

    def dispatch(self, event: FileSystemEvent) -> None:
        """Called by watchdog, in its own thread, with each event of a watched folder."""
        paths = {os.fsdecode(event.src_path), os.fsdecode(event.dest_path)}
        if event.event_type not in _READING and paths & self._names:
            self._wake()

    def changed(self) -> set[Path]:
        """The files that are others than at the last call; each change is told once."""
        now = {file: _signature(file) for file in self._seen}
        changed = {file for file in now if now[file] != self._seen[file]}
        self._seen = now
        return changed


_READING = frozenset({"opened", "closed_no_write"})


def _signature(file: Path) -> Signature:
    """Which file it is and in which state; for a link, the link itself."""
    try:
        status = file.lstat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
