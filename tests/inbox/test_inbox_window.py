"""A folder with more photos than are held at a time: bounded, complete, and each group whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from photo_organizer.inbox import scanner
from photo_organizer.inbox.skip_cache import SkipCache, SkipReason
from photo_organizer.photo import FileIdentity
from support.inbox_driver import Start, write_many

WINDOW = 40


@pytest.fixture(autouse=True)
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "WINDOW", WINDOW)


def test_a_large_folder_is_offered_in_windows(drive: Start, folder: Path, elsewhere: Path) -> None:
    write_many(folder, [f"{number}{end}" for number in range(300) for end in (".jpg", ".nef", ".jpg.xmp")])
    driver = drive()
    sizes: list[int] = []
    filed: set[str] = set()

    def all_filed() -> bool:
        sizes.append(len(driver.inbox._scanner.groups))
        for group in driver.groups:
            assert len(group.companions) == 2
            filed.add(group.photo.path.name)
            driver.move_away(group, elsewhere)
        driver.groups.clear()
        return len(filed) == 300

    driver.run_until(all_filed)
    assert max(sizes) <= WINDOW
    assert list(folder.iterdir()) == []


def test_what_does_not_fit_is_counted_as_ready(drive: Start, folder: Path) -> None:
    write_many(folder, [f"{number}.jpg" for number in range(5 * WINDOW)])
    driver = drive()
    driver.take(1)
    counts = driver.inbox.counts
    assert counts.ready + counts.settling + counts.in_flight == 5 * WINDOW


def test_photos_that_stay_do_not_stop_those_behind_them(drive: Start, folder: Path) -> None:
    write_many(folder, [f"{number}.jpg" for number in range(4 * WINDOW)])
    driver = drive()
    left: set[str] = set()

    def all_left() -> bool:
        for group in driver.groups:
            left.add(group.photo.path.name)
            driver.inbox.leave(group, "a reason")
        driver.groups.clear()
        return len(left) == 4 * WINDOW

    driver.run_until(all_left)
    driver.settle_all()
    assert driver.inbox.counts.left == {"a reason": 4 * WINDOW}


def test_a_photo_in_another_folder_does_not_wait_for_all_of_a_large_one(
    drive: Start, folder: Path, elsewhere: Path
) -> None:
    write_many(folder, [f"large/{number}.jpg" for number in range(10 * WINDOW)])
    driver = drive()
    driver.take(1)
    write_many(folder, ["small/lone.jpg"])
    before_it: list[str] = []

    def came() -> bool:
        for group in driver.groups:
            before_it.append(group.photo.path.name)
            driver.move_away(group, elsewhere)
        driver.groups.clear()
        return "lone.jpg" in before_it

    while not came():
        driver.run_for(0.02)
        assert len(before_it) <= 10 * WINDOW


def test_facts_about_files_that_are_gone_are_forgotten_after_two_sweeps() -> None:
    memory = SkipCache()
    stays, goes = FileIdentity(1, 1, 1, 1), FileIdentity(1, 2, 1, 1)
    for identity in (stays, goes):
        memory.note("/x", identity, SkipReason("a reason"))
    for _ in range(2):
        memory.end_sweep()
        assert memory.recall("/x", stays) == SkipReason("a reason")
    assert len(memory) == 1
    assert memory.recall("/x", goes) is None
