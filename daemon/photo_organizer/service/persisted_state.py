"""State that the daemon keeps across restarts: a small JSON file in the state directory."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from photo_organizer.files import PRIVATE, replace_file

_FILE = "daemon.json"


class PersistedState:
    """When the last scheduled retraining ended, so that a missed one is made up for once."""

    def __init__(self, state_directory: Path) -> None:
        self._path = state_directory / _FILE
        self._considered = _read(self._path)

    @property
    def retraining_considered(self) -> datetime | None:
        """Return when the last scheduled retraining ended, or, before the first, when scheduling began."""
        return self._considered

    def consider_retraining(self, when: datetime) -> None:
        """Record `when` as the time of the last retraining.

        Raises:
            OSError: the state directory cannot be written.
        """
        text = json.dumps({"retraining_considered": when.isoformat()}) + "\n"
        replace_file(self._path, text, mode=PRIVATE)
        self._considered = when


def _read(path: Path) -> datetime | None:
    """Return the recorded time; None when there is none or it is unreadable, and the schedule starts anew."""
    try:
        return datetime.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["retraining_considered"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
