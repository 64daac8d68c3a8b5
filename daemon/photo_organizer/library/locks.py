"""Who may touch what: one owner of a library for its life, one mover at a time for the length of a batch.

All are flock(2) locks on files that stay: they end with the process, whatever ends it.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from photo_organizer.files import open_lock_file, try_lock
from photo_organizer.library.errors import DestinationError, LibraryLocked

LIBRARY_LOCK = ".photo-organizer.lock"
"""In the library; also the sign that the folder at the library's path is the library, and not an empty mount
point."""

_PATIENCE_SECONDS = 60.0
_NO_LOCKS_HERE = {errno.ENOSYS, errno.ENOTSUP, errno.EINVAL, errno.ENOLCK}


class OwnerLock:
    """Held by the daemon, or by `sort`, from start to end; holds the owner's process id.

    Args:
        path: a name, or a path when `folder` is None.
        folder: descriptor of the folder that holds it.

    Raises:
        LibraryLocked: another process has it.
        OSError: the lock file cannot be made or opened.
    """

    def __init__(self, path: str | Path, *, folder: int | None = None, mode: int = 0o600) -> None:
        self._descriptor = open_lock_file(path, folder=folder, mode=mode)
        try:
            taken = try_lock(self._descriptor)
        except OSError as error:
            # a file system without locks: the lock in the state directory has to do
            if error.errno not in _NO_LOCKS_HERE:
                os.close(self._descriptor)
                raise
            taken = True
        if not taken:
            pid = _read_pid(self._descriptor)
            os.close(self._descriptor)
            raise LibraryLocked(pid, where=path)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._descriptor)


def _read_pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None


@contextmanager
def moves_lock(path: Path, patience: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """Held while photos are moved or the ledger is written, by whichever process does it.

    Raises:
        DestinationError: another process has not let go for `patience` seconds.
    """
    try:
        descriptor = open_lock_file(path)
    except OSError as error:
        raise DestinationError(f"no lock file: {error.strerror}", where=path) from error
    try:
        _wait_for(descriptor, path, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, path: Path, deadline: float) -> None:
    while not try_lock(descriptor):
        if time.monotonic() > deadline:
            raise DestinationError("another process is moving photos", where=path)
        time.sleep(0.01)
