"""Inboxes with settings of their own, in the running daemon: libraries, copies, links, what stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from photo_organizer.photo import FileIdentity
from support.household import Household, LiveDaemon, files_below
from support.small_models import draw_photo


def names_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in files_below(folder)}


def states(folder: Path) -> dict[Path, FileIdentity]:
    return {path: FileIdentity.of(path.lstat()) for path in files_below(folder)}


@pytest.fixture
def house(make_household: Callable[..., Household], tmp_path: Path) -> Household:
    """An inbox that is emptied, a phone that is copied to a library of its own, and a card that is linked."""
    house = tmp_path / "house"
    for name in ("Phone/trip", "Card"):
        (house / name).mkdir(parents=True)
    return make_household(
        inboxes=[
            "Inbox",
            {
                "path": "Phone", "action": "copy", "library": "Family", "folders": "{category}/{inbox}",
                "ignore": ["trip/", "*.png"], "duplicates": "keep",
            },
            {"path": "Card", "action": "link", "categories": ["Food"], "recursive": False},
        ],
    )  # fmt: skip


def test_each_inbox_is_filed_by_its_own_settings_and_originals_stay_for_good(house: Household) -> None:
    phone, card, family = house.root / "Phone", house.root / "Card", house.root / "Family"
    draw_photo(house.inbox / "dog.jpg", "Pets", seed=1)
    draw_photo(phone / "cat.jpg", "Pets", seed=2)
    (phone / "cat.jpg.xmp").write_text("stars")
    (phone / "same.jpg").write_bytes((phone / "cat.jpg").read_bytes())
    draw_photo(phone / "ignored.png", "Pets", seed=3)
    draw_photo(phone / "trip" / "ignored.jpg", "Pets", seed=4)
    draw_photo(card / "soup.jpg", "Food", seed=5)
    draw_photo(card / "hound.jpg", "Pets", seed=6)  # not one of this inbox's categories
    draw_photo(card / "deep" / "cake.jpg", "Food", seed=7)
    (phone / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(500))
    before = {**states(phone), **states(card)}
    with LiveDaemon(house) as daemon:
        daemon.until(lambda status: (status["filed_total"], status["quarantined_total"]) == (4, 1))
        daemon.until(lambda status: (status["review_total"], status["originals"]) == (1, 5))
        assert names_below(house.library) == {"Pets/dog.jpg", "Food/soup.jpg", "Review/hound.jpg"}
        assert names_below(family) == {
            "Pets/Phone/cat.jpg", "Pets/Phone/cat.jpg.xmp", "Pets/Phone/same.jpg"
        }  # fmt: skip
        assert (house.library / "Food/soup.jpg").samefile(card / "soup.jpg")
        assert not house.waiting()
        (phone / "cat.aae").write_text("an edit that comes later")
        daemon.until(lambda _: (family / "Pets/Phone/cat.aae").exists())
        daemon.kill()
    (family / "Pets/Phone/same.jpg").rename(family / "moved by its owner.jpg")
    (family / "Pets/Phone/cat.jpg").unlink()  # what its owner threw away does not come again
    with LiveDaemon(house) as daemon:
        draw_photo(phone / "new.jpg", "Pets", seed=8)
        daemon.until(lambda status: status["filed_total"] == 5)
        daemon.until(lambda status: status["originals"] == 6)
        assert "Pets/Phone/cat.jpg" not in names_below(family)
        assert len(house.ledger()) == 7
        house.organizer("undo", "--photo", str(family / "Pets/Phone/new.jpg"))
        daemon.until(lambda status: status["filed_total"] == 4)
        draw_photo(phone / "last.jpg", "Pets", seed=9)
        daemon.until(lambda _: (family / "Pets/Phone/last.jpg").exists())
        daemon.stop()
    assert not (family / "Pets/Phone/new.jpg").exists()  # held until its owner touches it
    after = {**states(phone), **states(card)}
    assert {path: after[path] for path in before} == before


def test_a_library_that_is_not_there_stops_only_its_own_photos(house: Household) -> None:
    family = house.root / "Family"
    with LiveDaemon(house) as daemon:
        daemon.until_ready()
        draw_photo(house.root / "Phone/first.jpg", "Pets", seed=1)
        daemon.until(lambda status: status["filed_total"] == 1)
        family.rename(house.root / "elsewhere")
        draw_photo(house.root / "Phone/cat.jpg", "Pets", seed=2)
        daemon.until(lambda status: status["retrying"] == 1)
        draw_photo(house.inbox / "dog.jpg", "Pets", seed=3)
        status = daemon.until(lambda status: status["filed_total"] == 2)
        assert [trouble["kind"] for trouble in status["troubled"]] == ["library", "photo"]
        assert status["state"] != "paused"
        assert not family.exists()
