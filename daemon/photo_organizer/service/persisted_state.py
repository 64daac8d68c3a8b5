"""What the daemon remembers from one run to the next: a small JSON file in the state directory."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from photo_organizer.files import PRIVATE, replace_file

_FILE = "daemon.json"


class PersistedState:
    """When the model was last retrained by schedule, so that a time that was slept through is caught up
    once.
    """

    def __init__(self, state_directory: Path) -> None:
        self._path = state_directory / _FILE
        self._considered = _read(self._path)

    @property
    def retraining_considered(self) -> datetime | None:
        """When a scheduled retraining last ended, or, before the first, since when it is scheduled."""
        return self._considered

    def consider_retraining(self, when: datetime) -> None:
        """Remembers `when`.

        Raises:
            OSError: the state directory cannot be written.
        """
        text = json.dumps({"retraining_considered": when.isoformat()}) + "\n"
        replace_file(self._path, text, mode=PRIVATE)
        self._considered = when


def _read(path: Path) -> datetime | None:
    """None where nothing was remembered, or nothing that can be read: the schedule then begins anew."""
    try:
        return datetime.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["retraining_considered"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
