"""kill -9 of the daemon, and of the page, while both move photos: nothing lost, the ledger exact."""

from __future__ import annotations

import hashlib
import http.client
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from photo_organizer.config import load_configuration
from photo_organizer.library import Library
from support.household import Household, LiveDaemon, small_model
from support.small_models import draw_photo
from support.web.review_home import Page

CATEGORIES = ("Food", "Pets", "Travel", "Nature")


@pytest.fixture
def household(tmp_path: Path) -> Household:
    """One whose every photo goes to Review."""
    model = small_model(tmp_path / "made")
    return Household(tmp_path / "house", model, thresholds={"default": 1.0})


def drop(household: Household, count: int, seed: int) -> list[Path]:
    return [
        draw_photo(household.inbox / f"{seed + number}.jpg", CATEGORIES[number % 4], seed=seed + number)
        for number in range(count)
    ]


def check_all_is_well(household: Household, before: Counter[str]) -> None:
    with Library.open(load_configuration(household.config)) as library:
        library.recover()
        assert library.verify_ledger().is_equal
    assert household.contents() == before
    assert household.leftovers() == []
    last = {row["sha256"]: row["destination"] for row in household.ledger()}
    assert set(last) == set(before)
    assert all(Path(place).exists() for place in last.values())


def file_all(page: Page, category: str, moved: list[str], stop: Callable[[], bool]) -> None:
    """Files what is in Review, photo by photo, until none is left or `stop`, asked in between, says so."""
    for photo in page.photos().values():
        if stop():
            return
        status, answer = page.post("/api/file", {"photos": [photo], "category": category})
        assert (status, answer["refused"]) == (200, [])
        moved += answer["moved"]


def test_the_daemon_and_the_page_are_killed(
    household: Household, page_of: Callable[[Household], Page]
) -> None:
    first = drop(household, 16, seed=0)
    with LiveDaemon(household) as daemon:
        daemon.until_filed(first)
        page = page_of(household)
        second = drop(household, 40, seed=100)
        before = household.contents()
        moved: list[str] = []
        goal = len(household.ledger()) + 8

        def kill_the_daemon() -> bool:
            if daemon.process.poll() is None and len(household.ledger()) >= goal:
                daemon.kill()
            return False

        file_all(page, "Travel", moved, kill_the_daemon)
        daemon.kill()
    assert len(moved) == 16  # the page went on without it
    assert household.contents() == before

    with LiveDaemon(household) as daemon:
        daemon.until_filed(second)
        killed: list[str] = []

        def kill_the_page() -> bool:
            if len(killed) == 5:
                page.process.kill()
            return False

        with pytest.raises((OSError, http.client.HTTPException)):
            file_all(page, "Pets", killed, kill_the_page)
        third = drop(household, 8, seed=200)
        after = before + Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in third)
        daemon.until_filed(third)  # the daemon went on without the page
        assert daemon.stop() < 20
    check_all_is_well(household, after)
    assert len(page_of(household).photos()) == len(household.filed()["Review"])
    names = {row["destination"] for row in household.ledger() if row["action"] == "corrected"}
    assert len(names) >= 21
