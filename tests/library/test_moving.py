"""A photo that its owner puts in another category: journalled, with its companions, and undone."""

from __future__ import annotations

import csv
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from photo_organizer.library import (
    Correction,
    Library,
    MoveReport,
    NothingToUndoError,
    OwnerMove,
    Selection,
)
from photo_organizer.photo import AssetGroup
from support.faults.photo_world import World, seen, sha256


def file(world: World, library: Library, name: str, content: bytes, *companions: str) -> Path:
    (placed,) = library.file([world.filing(world.drop(name, content, *companions))]).filed
    return placed.destination


def owner_move(world: World, photo: Path, category: str, *companions: Path) -> OwnerMove:
    group = AssetGroup(world.library, seen(photo), tuple(seen(companion) for companion in companions))
    return OwnerMove(group, category, category)


def move(world: World, library: Library, photo: Path, category: str) -> MoveReport:
    return library.move([owner_move(world, photo, category)])


def rows(world: World) -> list[dict[str, str]]:
    with world.settings.ledger.open(newline="", encoding="utf-8") as ledger:
        return list(csv.DictReader(ledger))


def test_it_is_moved_and_in_the_ledger_with_what_the_model_had_said(world: World, library: Library) -> None:
    photo = file(world, library, "a.jpg", b"one")
    report = move(world, library, photo, "Food")
    assert [moved.destination for moved in report.moved] == [world.library / "Food" / "a.jpg"]
    row = rows(world)[-1]
    assert (row["action"], row["batch"], row["category"], row["confidence"]) == (
        "corrected",
        report.batch,
        "Pets",
        "0.9000",
    )
    assert (row["source"], row["destination"]) == (str(photo), str(world.library / "Food" / "a.jpg"))
    assert library.verify_ledger().is_equal


def test_companions_move_along_also_those_that_only_the_journal_knows(world: World, library: Library) -> None:
    photo = file(world, library, "a.jpg", b"one", "a.xmp")
    (photo.parent / "a.xmp").rename(photo.parent / "a.xmp.away")
    (photo.parent / "a.xmp.away").rename(photo.parent / "a.xmp")
    report = move(world, library, photo, "Food")
    assert {path.name for path in (world.library / "Food").iterdir()} == {"a.jpg", "a.xmp"}
    library.undo(Selection(batch=report.batch))
    assert {path.name for path in photo.parent.iterdir()} == {"a.jpg", "a.xmp"}


def test_nothing_is_replaced(world: World, library: Library) -> None:
    photo = file(world, library, "a.jpg", b"one")
    other = world.library / "Food" / "a.jpg"
    other.parent.mkdir()
    other.write_bytes(b"another")
    assert move(world, library, photo, "Food").moved[0].destination.name == "a (2).jpg"
    assert other.read_bytes() == b"another"


def test_a_name_that_is_free_again_is_given_again(world: World, library: Library) -> None:
    photo = file(world, library, "a.jpg", b"one")
    for _ in range(2):
        assert move(world, library, photo, "Food").moved[0].destination.name == "a.jpg"
        assert library.undo().undone[0].destination == photo


def test_undo_goes_back_one_step_and_then_to_the_inbox(world: World, library: Library) -> None:
    photo = file(world, library, "a.jpg", b"one")
    first = move(world, library, photo, "Food").moved[0].destination
    second = move(world, library, first, "Travel").moved[0].destination
    assert library.undo().undone[0].destination == first
    assert not second.exists()
    assert library.undo().undone[0].destination == photo
    assert library.undo().undone[0].destination == world.inbox / "a.jpg"
    with pytest.raises(NothingToUndoError):
        library.undo()
    assert library.verify_ledger().is_equal


def test_undo_of_the_filing_takes_the_moves_back_with_it(world: World, library: Library) -> None:
    before = world.clock.now
    photo = file(world, library, "a.jpg", b"one")
    filed = library.last_batch()
    move(world, library, photo, "Food")
    assert library.undo(Selection(batch=filed)).undone[0].destination == world.inbox / "a.jpg"
    with pytest.raises(NothingToUndoError):  # the move is taken back with it
        library.undo()
    library.file([world.filing(world.inbox / "a.jpg")])
    move(world, library, photo, "Food")
    report = library.undo(Selection(since=before + timedelta(milliseconds=1)))
    assert [step.destination for step in report.undone] == [world.inbox / "a.jpg"]
    assert not report.refused


def test_by_hand_and_by_us_in_turns(world: World, library: Library) -> None:
    photo = file(world, library, "a.jpg", b"one")
    food = move(world, library, photo, "Food").moved[0].destination
    travel = world.library / "Travel" / "a.jpg"
    travel.parent.mkdir()
    food.rename(travel)
    assert library.correct([Correction(sha256(b"one"), food, travel, "Travel")]) == 1
    assert library.undo().undone[0].destination == photo  # what we did, from where it is now
    photo.rename(travel)
    assert library.correct([Correction(sha256(b"one"), photo, travel, "Travel")]) == 1


def test_what_the_owner_did_by_hand_is_not_taken_back_as_ours(world: World, library: Library) -> None:
    photo = file(world, library, "a.jpg", b"one")
    food = world.library / "Food" / "a.jpg"
    food.parent.mkdir()
    photo.rename(food)
    library.correct([Correction(sha256(b"one"), photo, food, "Food")])
    assert library.undo().undone[0].destination == world.inbox / "a.jpg"


def test_gone_changed_and_there_already_are_told_and_the_others_are_done(
    world: World, library: Library
) -> None:
    photos = [
        file(world, library, f"{name}.jpg", name.encode()) for name in ("gone", "changed", "there", "ok")
    ]
    gone, changed, there, ok = photos
    moves = [owner_move(world, photo, "Pets" if photo is there else "Food") for photo in photos]
    gone.unlink()
    changed.write_bytes(b"edited by its owner")
    report = library.move(moves)
    assert [moved.source for moved in report.moved] == [ok]
    assert {path for path, _ in report.refused} == {gone, changed, there}
    assert changed.read_bytes() == b"edited by its owner"


def test_another_photo_under_its_name_is_not_moved(world: World, library: Library) -> None:
    photo = file(world, library, "a.jpg", b"one")
    photo.write_bytes(b"two")
    group = AssetGroup(world.library, seen(photo))
    report = library.move([OwnerMove(group, "Food", "Food", sha256=sha256(b"one"))])
    assert not report.moved
    assert "changed" in str(report.refused[0][1])


def test_it_works_beside_the_owner_of_the_library(world: World, library: Library) -> None:
    photo = file(world, library, "a.jpg", b"one")
    with Library.open(world.settings, clock=world.clock) as beside:
        moved = move(world, beside, photo, "Food").moved[0].destination
    again = world.drop("b.jpg", b"two")
    assert library.file([world.filing(again)]).filed
    assert library.undo(Selection(photo=moved)).undone[0].destination == photo


def test_a_library_that_is_not_there_pauses(world: World, library: Library) -> None:
    photo = world.drop("a.jpg", b"one")
    asked = OwnerMove(AssetGroup(world.inbox, seen(photo)), "Food", "Food")
    world.library.rename(world.library.with_name("elsewhere"))
    with Library.open(world.settings, clock=world.clock) as beside:
        report = beside.move([asked])
    assert report.pause is not None
    assert photo.exists()


def test_a_journal_of_the_third_version_goes_on(world: World) -> None:
    with world.open() as library:
        photo = file(world, library, "a.jpg", b"one")
        food = world.library / "Food" / "a.jpg"
        food.parent.mkdir()
        photo.rename(food)
        library.correct([Correction(sha256(b"one"), photo, food, "Food")])
    journal = sqlite3.connect(world.state / "journal.sqlite")
    with journal:
        journal.execute("ALTER TABLE operations DROP COLUMN camera")
        journal.execute("ALTER TABLE operations DROP COLUMN observed")
        journal.execute("PRAGMA user_version = 3")
    journal.close()
    with world.open() as library:
        assert library.undo().undone[0].destination == world.inbox / "a.jpg"
