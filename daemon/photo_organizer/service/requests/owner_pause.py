"""The owner's pause: a small file in the state directory, which survives restarts.

`photo-organizer pause` writes it, `photo-organizer resume` removes it, and the daemon reads it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from photo_organizer.errors import OrganizerError
from photo_organizer.files import PRIVATE, read_small_file, replace_file
from photo_organizer.typed_command import typed

PAUSE_FILE = "pause.json"
_LARGEST = 4096  # bytes


@dataclass(frozen=True, slots=True)
class OwnerPause:
    """Start and end of a pause (None: until `resume`); aware times."""

    since: datetime
    until: datetime | None

    def is_over(self, now: datetime) -> bool:
        """Return whether the pause has expired."""
        return self.until is not None and now >= self.until

    def __str__(self) -> str:
        end = "" if self.until is None else f" until {self.until.astimezone():%a %d %b %Y, %H:%M}"
        return f"paused by you{end}; run `{typed('resume')}` to resume filing"


def read_pause(state_directory: Path) -> OwnerPause | None:
    """Return the current pause, or None.

    An invalid file counts as a pause without an end, because filing late is harmless.
    """
    path = state_directory / PAUSE_FILE
    try:
        fields = json.loads(read_small_file(path, _LARGEST))
        until = fields["until"]
        return OwnerPause(
            datetime.fromisoformat(fields["since"]).astimezone(),
            None if until is None else datetime.fromisoformat(until).astimezone(),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return OwnerPause(datetime.now().astimezone(), None)


def write_pause(state_directory: Path, pause: OwnerPause) -> None:
    """Start a pause; it replaces an earlier one.

    Raises:
        OrganizerError: the state directory cannot be written.
    """
    fields = {
        "since": pause.since.isoformat(timespec="seconds"),
        "until": pause.until.isoformat(timespec="seconds") if pause.until else None,
    }
    path = state_directory / PAUSE_FILE
    try:
        state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, json.dumps(fields) + "\n", mode=PRIVATE)
    except OSError as error:
        raise OrganizerError(f"could not pause: {error.strerror}", where=path) from error


def remove_pause(state_directory: Path) -> bool:
    """End the pause; return whether there was one.

    Raises:
        OrganizerError: the state directory cannot be written.
    """
    path = state_directory / PAUSE_FILE
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise OrganizerError(f"could not resume: {error.strerror}", where=path) from error
    return True
