"""Running commands as a person does, on folders and a model of their own."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from photo_organizer.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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


@pytest.fixture
def organizer(capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs `photo-organizer` with the given words in this process."""

    def run(*words: object) -> Said:
        capfd.readouterr()
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Said(code, out, err)

    return run


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small configuration, with its folders, that all commands use."""
    for folder in ("in", "lib"):
        (tmp_path / folder).mkdir()
    path = tmp_path / "organizer.yaml"
    path.write_text(
        "inboxes: [in]\nlibrary: lib\nstate: {directory: state}\nmodel: {directory: models}\n"
        "watch: {settle_seconds: 0}\nthresholds: {default: 0.95}\nretraining: {enabled: false}\n"
    )
    monkeypatch.setenv("PHOTO_ORGANIZER_CONFIG", str(path))
    return path


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that is right about the photos that `models.draw_photo` draws; nobody writes into it."""
    from support.small_models import make_model

    model = make_model(tmp_path_factory.mktemp("models") / "small")
    description = json.loads((model / "model.json").read_text())
    # one that was trained here: a starter would make room for the program's own
    (model / "model.json").write_text(json.dumps(description | {"parent": "starter"}))
    return model


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
        from support.small_models import draw_photo

        return draw_photo(self.old / name, category, **how)

    def ledger(self) -> list[dict[str, str]]:
        """The rows of the ledger."""
        path = self.state / "predictions.csv"
        if not path.exists():
            return []
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

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


@pytest.fixture
def home(config_file: Path, small_model: Path) -> Home:
    """Folders with a small model."""
    return Home(config_file, small_model)
