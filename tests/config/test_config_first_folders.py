"""Folders are made when they are new, and not when they have gone missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from photo_organizer.config.first_folders import make_folders, make_new_folders
from photo_organizer.errors import OrganizerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from photo_organizer.config import Configuration

    Settings = Callable[[str], Configuration]


def test_new_folders_are_made_once_and_missing_ones_awaited(settings: Settings, tmp_path: Path) -> None:
    configuration = settings("")
    assert make_new_folders(configuration) == (tmp_path / "in", tmp_path / "lib")
    (tmp_path / "in").rmdir()
    assert make_new_folders(configuration) == ()
    assert not (tmp_path / "in").exists()


def test_an_inbox_that_is_added_later_is_made(settings: Settings, tmp_path: Path) -> None:
    make_new_folders(settings(""))
    path = tmp_path / "organizer.yaml"
    path.write_text(path.read_text().replace("[in]", "[in, two]"))
    from photo_organizer.config import load_configuration

    assert make_new_folders(load_configuration(path)) == (tmp_path / "two",)


def test_the_owner_may_ask_for_missing_ones(settings: Settings, tmp_path: Path) -> None:
    configuration = settings("")
    make_new_folders(configuration)
    (tmp_path / "in").rmdir()
    assert make_folders(configuration) == (tmp_path / "in",)
    assert make_folders(configuration) == ()


def test_the_state_directory_is_the_owners_alone(settings: Settings) -> None:
    configuration = settings("")
    make_new_folders(configuration)
    assert configuration.state_directory.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_named(settings: Settings, tmp_path: Path) -> None:
    configuration = settings("state: {directory: /dev/null/state}\n")
    with pytest.raises(OrganizerError, match=r"cannot be created: Not a directory") as caught:
        make_new_folders(configuration)
    assert str(caught.value).startswith("/dev/null/state: ")
    assert not (tmp_path / "in").exists()
