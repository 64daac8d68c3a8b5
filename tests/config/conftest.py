"""Writing a settings file, and reading it or its faults back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from photo_organizer.config import Configuration, ConfigurationError, load_configuration

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDERS = "inboxes: [in]\nlibrary: lib\n"


@pytest.fixture
def settings(tmp_path: Path) -> Callable[[str], Configuration]:
    """Reads a settings file with the given text after the two required keys."""

    def read(text: str) -> Configuration:
        path = tmp_path / "organizer.yaml"
        path.write_text(FOLDERS + text, encoding="utf-8")
        return load_configuration(path)

    return read


@pytest.fixture
def faults(tmp_path: Path) -> Callable[..., list[str]]:
    """What is said about a wrong settings file: the lines, without the file's name before them."""

    def read(text: str | bytes, *, whole: bool = False) -> list[str]:
        path = tmp_path / "organizer.yaml"
        if isinstance(text, str):
            text = (text if whole else FOLDERS + text).encode()
        path.write_bytes(text)
        with pytest.raises(ConfigurationError) as caught:
            load_configuration(path)
        assert caught.value.exit_code == 2
        lines = str(caught.value).splitlines()
        assert all(line.startswith(f"{path}") for line in lines)
        return [line.removeprefix(f"{path}").removeprefix(":").removeprefix(" ") for line in lines]

    return read
