"""`status.json` in the state directory: what the daemon is doing, for `photo-organizer status` and for
scripts.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from photo_organizer.files import PRIVATE, replace_file

STATUS_FILE = "status.json"
SCHEMA = 1
_SECONDS_BETWEEN_WRITES = 1.0
_SECONDS_AFTER_A_FAILURE = 10.0
OLD = 0
"""The time, in seconds since 1970, that a status file gets which could not be replaced."""


class DaemonState(StrEnum):
    """What the daemon is at."""

    STARTING = "starting"
    IDLE = "idle"
    WORKING = "working"
    PAUSED = "paused"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Status:
    """The fields of `status.json`. Times are ISO 8601 with offset.

    `schema` grows when a field changes its meaning or goes; new fields leave it as it is.
    """

    pid: int
    version: str
    state: DaemonState
    since: str
    model: str | None
    engine: str | None
    queued: int
    filed_total: int
    review_total: int
    quarantined_total: int
    last_photo_time: str | None
    last_error: str | None
    next_retraining: str | None
    reason: str | None = None
    paused_by_owner: bool = False
    paused_until: str | None = None
    config: str = ""
    config_error: str | None = None
    duplicate_total: int = 0
    settling: int = 0
    unsettled: int = 0
    retrying: int = 0
    incomplete: int = 0
    left_alone: int = 0
    originals: int = 0
    not_images: int = 0
    orphans: int = 0
    videos: int = 0
    waiting_for_extra: Mapping[str, int] = field(default_factory=dict)
    missing_inboxes: tuple[str, ...] = ()
    troubled: tuple[Mapping[str, str], ...] = ()
    unreadable_folders: int = 0
    skipped_folders: tuple[str, ...] = ()
    vision_loaded: bool = False
    vision_confinement: str | None = None
    training: str | None = None
    new_corrections: int = 0
    new_labels: Mapping[str, int] = field(default_factory=dict)
    found_folders: Mapping[str, int] = field(default_factory=dict)
    retraining_postponed: str | None = None
    last_retraining: str | None = None
    schema: int = SCHEMA


class StatusFile:
    """Writes the status when it has changed, at most once a second, each time as a whole and with mode
    0600.
    """

    def __init__(self, directory: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = directory / STATUS_FILE
        self._clock = clock
        self._written: Status | None = None
        self._wanted: Status | None = None
        self._written_at = float("-inf")
        self._wait = _SECONDS_BETWEEN_WRITES

    def offer(self, status: Status) -> None:
        """Write `status` now, or keep it until the second is over.

        Raises:
            OSError: the state directory cannot be written. It is tried again; until then the file is marked
                as old, so that nobody takes what it says for what is.
        """
        self._wanted = status
        due = self.next_due()
        if due is not None and due <= self._clock():
            self._write(status)

    def next_due(self) -> float | None:
        """When there is something to write; None when the file is up to date."""
        if self._wanted == self._written:
            return None
        return self._written_at + self._wait

    def finish(self) -> None:
        """Writes what was kept, whatever the time, for nobody comes after; a failure no longer matters."""
        if self._wanted is not None and self._wanted != self._written:
            with contextlib.suppress(OSError):
                self._write(self._wanted)

    def _write(self, status: Status) -> None:
        self._written_at, self._wait = self._clock(), _SECONDS_AFTER_A_FAILURE
        text = json.dumps(asdict(status), indent=2, ensure_ascii=True)
        try:
            replace_file(self._path, text + "\n", mode=PRIVATE, durable=False)
        except OSError:
            with contextlib.suppress(OSError):
                os.utime(self._path, (OLD, OLD))  # needs no room
            raise
        self._written, self._wait = status, _SECONDS_BETWEEN_WRITES


def describe(status: Status, *, filed_in_burst: int, burst: int) -> str:
    """Return one line for `systemctl status`: "idle, 12,431 photos filed", "filing 218 of 1,900"."""
    doing = _doing(status, filed_in_burst=filed_in_burst, burst=burst)
    if status.config_error is None:
        return doing
    return f"{doing}; the changed configuration is refused: {status.config_error.splitlines()[0]}"


def _doing(status: Status, *, filed_in_burst: int, burst: int) -> str:
    match status.state:
        case DaemonState.WORKING:
            return f"filing {filed_in_burst:,} of {burst:,}"
        case DaemonState.PAUSED:
            return f"paused: {status.reason}"
        case DaemonState.IDLE:
            trained = ", retraining" if status.training else ""
            missing = (
                f", inbox missing: {', '.join(status.missing_inboxes)}" if status.missing_inboxes else ""
            )
            troubled = ", photos or folders cannot be read" if _cannot_read(status) else ""
            return f"idle, {status.filed_total:,} photos filed{trained}{missing}{troubled}"
        case _:
            return str(status.state)


def _cannot_read(status: Status) -> bool:
    return any(trouble["path"] not in status.missing_inboxes for trouble in status.troubled)
