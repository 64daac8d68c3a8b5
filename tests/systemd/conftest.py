"""One booted machine for all tests of this folder; they are skipped, with the reason, where none can be
booted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.household import small_model
from support.systemd.testbed import CannotBootError, Testbed, booted


def private_folders(*paths: Path) -> list[Path]:
    """The folders above `paths` that only their owner may pass through."""
    above = {folder for path in paths for folder in path.resolve().parents}
    return sorted(folder for folder in above if not folder.stat().st_mode & 0o001)


@pytest.fixture(scope="session")
def trained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def machine(trained_model: Path) -> Iterator[Testbed]:
    interpreter = Path(sys.executable)
    passable = private_folders(
        interpreter.absolute(), interpreter, Path(__file__), trained_model / "model.json"
    )
    try:
        with booted(passable) as bed:
            yield bed
    except CannotBootError as error:
        pytest.skip(f"no systemd can be booted here: {error}")
