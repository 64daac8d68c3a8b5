"""Running commands as a person does, on folders and a model of their own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from photo_organizer.cli import main
from support.command_line import Home, Said
from support.small_models import make_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
    model = make_model(tmp_path_factory.mktemp("models") / "small")
    description = json.loads((model / "model.json").read_text())
    # one that was trained here: a starter would make room for the program's own
    (model / "model.json").write_text(json.dumps(description | {"parent": "starter"}))
    return model


@pytest.fixture
def home(config_file: Path, small_model: Path) -> Home:
    """Folders with a small model."""
    return Home(config_file, small_model)
