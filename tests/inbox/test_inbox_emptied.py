"""Folders that an import leaves empty, and when they go."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.inbox_driver import SETTLE, Start, write_many

EMPTIED = ["card/DCIM/100/a.jpg", "card/DCIM/101/b.jpg", "kept/c.jpg", "d.jpg"]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photo_organizer.inbox.emptied_folders.QUIET_SECONDS", 3 * SETTLE)


def test_they_go_with_all_above_them_when_nothing_is_left(
    drive: Start, folder: Path, elsewhere: Path
) -> None:
    (folder / "never had a photo").mkdir()
    write_many(folder, [*EMPTIED, "kept/notes.txt"])
    driver = drive(remove_empty_folders=True)
    for group in driver.take(4):
        driver.move_away(group, elsewhere)
    driver.run_until(lambda: not (folder / "card").exists())
    assert sorted(path.name for path in folder.iterdir()) == ["kept", "never had a photo"]
    write_many(folder, ["card/DCIM/100/e.jpg"])
    driver.take(5)


def test_one_that_is_still_being_filled_stays(drive: Start, folder: Path, elsewhere: Path) -> None:
    driver = drive(remove_empty_folders=True)
    for number in range(6):
        write_many(folder, [f"card/{number}.jpg"])
        driver.move_away(driver.take(number + 1)[-1], elsewhere)
        driver.run_for(1.5 * SETTLE)
        assert (folder / "card").exists()
    driver.run_until(lambda: not (folder / "card").exists())


def test_they_stay_unless_their_owner_wants_it(drive: Start, folder: Path, elsewhere: Path) -> None:
    write_many(folder, EMPTIED)
    driver = drive()
    for group in driver.take(4):
        driver.move_away(group, elsewhere)
    driver.run_for(6 * SETTLE)
    assert (folder / "card/DCIM/100").is_dir()
