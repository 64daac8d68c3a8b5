"""What the daemon remembers from one run to the next: a small JSON file in the state directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from photo_organizer.service.private_file import replace_private_file

_NAME = "daemon.json"


class Remembered:
    """Folders that were there before, and when the model was last retrained.

    A folder that was seen once and is missing now is a disk that is not mounted, and must not be made anew in
    the empty place where the disk belongs.
    """

    def __init__(self, state_directory: Path) -> None:
        self._path = state_directory / _NAME
        self._values: dict[str, object] = dict(_read(self._path))

    def has_seen(self, folder: Path) -> bool:
        return str(folder) in self._folders()

    def saw(self, folder: Path) -> None:
        if not self.has_seen(folder):
            self._store("folders", sorted({*self._folders(), str(folder)}))

    @property
    def retraining_considered(self) -> datetime | None:
        """When a scheduled retraining was last begun or skipped, or, before the first, since when it is scheduled."""
        text = self._values.get("retraining_considered")
        try:
            return datetime.fromisoformat(text) if isinstance(text, str) else None
        except ValueError:
            return None

    def consider_retraining(self, when: datetime) -> None:
        self._store("retraining_considered", when.isoformat())

    def _folders(self) -> list[str]:
        folders = self._values.get("folders")
        return [str(folder) for folder in folders] if isinstance(folders, list) else []

    def _store(self, name: str, value: object) -> None:
        self._values[name] = value
        replace_private_file(self._path, json.dumps(self._values, indent=2) + "\n", durable=True)


def _read(path: Path) -> Mapping[str, object]:
    """The stored values; none where there are none or where the file is damaged, for nothing here is vital."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
