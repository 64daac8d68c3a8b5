"""Running commands as a person does: words in, exit code and two streams out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
        "watch: {settle_seconds: 0}\nthresholds: {default: 0.5}\n"
    )
    monkeypatch.setenv("PHOTO_ORGANIZER_CONFIG", str(path))
    return path
