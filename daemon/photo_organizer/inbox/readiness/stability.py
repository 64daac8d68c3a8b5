"""Since when a file has been still: unchanged in size, mtime and inode."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, replace

from photo_organizer.photo import FileIdentity

CLOCK_GRAIN = 0.01
"""Seconds by which a timestamp may lag behind the clock: the kernel stamps with its last timer tick."""

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Instant:
    """One instant on both clocks: `monotonic` for waiting, `wall` to hold against timestamps (seconds)."""

    monotonic: float
    wall: float

    @classmethod
    def now(cls) -> Instant:
        return cls(time.monotonic(), time.time())


@dataclass(frozen=True, slots=True)
class Observation:
    """A file as last seen.

    Attributes:
        identity: which file in which state.
        since: monotonic time from which on it is known to have been in that state.
        changes: how often it was found changed while it was awaited.
    """

    identity: FileIdentity
    since: float
    changes: int = 0

    def restless(self) -> Observation:
        """The same, counted as changed once more."""
        return replace(self, changes=self.changes + 1)


def observe(
    previous: Observation | None, status: os.stat_result, now: Instant, *, trust_clock: bool
) -> Observation:
    """What is known of a file now.

    A file seen for the first time, or changed, is still since now; where the file system stamps with this
    machine's clock (`trust_clock`), since its newest timestamp: it has not been written since. Timestamps in
    the future tell nothing, nor do those of file systems that keep whole seconds only (FAT).
    """
    identity = FileIdentity.of(status)
    if previous is not None and previous.identity == identity:
        return previous
    since = now.monotonic
    if trust_clock and status.st_ctime_ns % _SECOND:
        age = now.wall - max(status.st_mtime_ns, status.st_ctime_ns) / _SECOND - CLOCK_GRAIN
        since -= max(age, 0.0)
    return Observation(identity, since, 0 if previous is None else previous.changes + 1)


def regular_file(path: str) -> os.stat_result | None:
    """The status of a regular file; None when there is nothing, or something else (link, FIFO, folder).

    Raises:
        OSError: when the question has no answer (EIO, EACCES on the folder).
    """
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None
