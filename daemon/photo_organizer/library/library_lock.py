"""Making sure that the folder at the library's path is the library, and ours alone."""

from __future__ import annotations

import os
from pathlib import Path

from photo_organizer.errors import OrganizerError
from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import DestinationError, at_destination
from photo_organizer.library.locks import LIBRARY_LOCK, OwnerLock
from photo_organizer.library.record.journal import Journal


class LibraryLock:
    """Our hold on the library: a lock in it for as long as we run.

    A library on a drive of its own that is not mounted must not be mistaken for an empty one: its mount point
        is a
    folder like any other. It is told by the lock file, which every library of ours has, and by the device,
    which the journal remembers to be another one than that of the state directory.
    """

    def __init__(self, library: Path, state: Path, journal: Journal, operations: FileOperations) -> None:
        self._library = library
        self._state = state
        self._journal = journal
        self._operations = operations
        self._lock: OwnerLock | None = None
        self._claimed: tuple[int, int] | None = None

    @property
    def _key(self) -> str:
        return f"library on another device: {os.fsencode(self._library).hex()}"

    def make_folder(self) -> None:
        """Makes the library at its first use, and again when it was deleted; not where a drive is to be
        mounted.

        Raises:
            OrganizerError: it cannot be made.
        """
        if self._journal.get(self._key) == "yes":
            return
        try:
            self._library.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            remedy = "choose another library in the config, or make the folder"
            raise OrganizerError(
                f"cannot be made: {error.strerror}", where=self._library, remedy=remedy
            ) from error

    def check(self) -> None:
        """Make sure that a library on a drive of its own is mounted, without taking hold of it.

        Raises:
            DestinationError: it is not, or cannot be looked into.
        """
        path = os.fsencode(self._library)
        if self._journal.get(self._key) != "yes":
            return
        with at_destination(path):
            folder = self._operations.open_root(path)
            try:
                self._check_mounted(folder, self._operations.status_of(folder))
            finally:
                self._operations.close(folder)

    def _check_mounted(self, folder: int, status: os.stat_result) -> None:
        is_elsewhere = status.st_dev != self._state.stat().st_dev
        if self._journal.get(self._key) == "yes" and not is_elsewhere and not _has_lock_file(folder):
            raise DestinationError(
                "its drive is not mounted", where=self._library, remedy="mount it; filing resumes by itself"
            )

    def hold(self) -> None:
        """Makes sure of the library before a batch; cheap when nothing has changed.

        Raises:
            DestinationError: it is not there, not a folder, or only its mount point is there.
            LibraryLocked: another process has it.
        """
        path = os.fsencode(self._library)
        with at_destination(path):
            folder = self._operations.open_root(path)
            try:
                status = self._operations.status_of(folder)
                if (status.st_dev, status.st_ino) != self._claimed:
                    self._take(folder, status)
            finally:
                self._operations.close(folder)

    def _take(self, folder: int, status: os.stat_result) -> None:
        self._check_mounted(folder, status)
        is_elsewhere = "yes" if status.st_dev != self._state.stat().st_dev else "no"
        known = self._journal.get(self._key)
        lock = OwnerLock(LIBRARY_LOCK, folder=folder)
        self.release()
        self._lock = lock
        self._claimed = (status.st_dev, status.st_ino)
        if known != is_elsewhere:
            self._journal.remember(self._key, is_elsewhere)

    def release(self) -> None:
        if self._lock is not None:
            self._lock.release()
        self._lock = None
        self._claimed = None


def _has_lock_file(folder: int) -> bool:
    try:
        os.stat(LIBRARY_LOCK, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
