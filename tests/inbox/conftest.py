"""An inbox folder on a real disk, and a loop that drives an Inbox on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from photo_organizer.inbox import Inbox, WatchedFolder
from photo_organizer.photo import Photo
from support.inbox_driver import Driver, Start, Watch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inbox = tmp_path / "Inbox"
    inbox.mkdir()
    return inbox


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder outside the inbox on the same disk."""
    other = tmp_path / "Elsewhere"
    other.mkdir()
    return other


@pytest.fixture
def drive(folder: Path, tmp_path: Path) -> Iterator[Start]:
    running: list[Driver] = []

    def start(
        *,
        is_held: Callable[[Photo], bool] = lambda _photo: False,
        videos: bool = False,
        available_extras: frozenset[str] = frozenset(),
        library: Path | None = None,
        is_kept_original: Callable[[Photo], bool] | None = None,
        **watch: object,
    ) -> Driver:
        settings = Watch(**watch)  # type: ignore[arg-type]
        inbox = Inbox(
            [
                WatchedFolder(
                    folder, settings.ignore, settings.recursive, keeps_originals=is_kept_original is not None
                )
            ],
            settings,
            libraries=[library or tmp_path / "Library"],
            is_held=is_held,
            is_kept_original=is_kept_original or (lambda _photo: False),
            videos=videos,
            available_extras=available_extras,
        )
        driver = Driver(inbox, folder)
        running.append(driver)
        inbox.start(driver.wake)
        return driver

    yield start
    for driver in running:
        driver.inbox.stop()
