"""One person's folders, and what a command answered."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.ledger import ledger_rows
from support.small_models import draw_photo


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


class Home:
    """The folders of one person: photos to sort, inbox, library, state."""

    def __init__(self, config_file: Path, model: Path) -> None:
        root = config_file.parent
        self.root, self.config = root, config_file
        self.inbox, self.library, self.state, self.old = (
            root / "in",
            root / "lib",
            root / "state",
            root / "old",
        )
        self.models = root / "models"
        self.models.mkdir()
        # a copy, since the models' folder lists no links
        target = self.models / model.name
        target.mkdir()
        for file in model.iterdir():
            (target / file.name).hardlink_to(file)
        (self.models / "current").symlink_to(model.name)

    def draw(self, name: str, category: str, **how: Any) -> Path:
        """A photo to be sorted that the model puts in `category`."""
        return draw_photo(self.old / name, category, **how)

    def ledger(self) -> list[dict[str, str]]:
        """The rows of the ledger."""
        return ledger_rows(self.state)

    def filed(self) -> dict[str, list[str]]:
        """The names in each folder of the library."""
        folders: dict[str, list[str]] = {}
        for path in sorted(below(self.library)):
            folders.setdefault(str(path.parent.relative_to(self.library)), []).append(path.name)
        return folders

    def contents(self) -> Counter[str]:
        """The hash of every photo, wherever it lies."""
        places = (self.inbox, self.library, self.old, self.state / "quarantine")
        paths = [path for place in places for path in below(place) if not path.name.endswith(".reason.txt")]
        return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


def below(folder: Path) -> list[Path]:
    """The files in `folder` and its folders, hidden ones left out."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
