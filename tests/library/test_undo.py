"""Every move can be taken back, the photo's bytes verified, and nothing in its way replaced."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from photo_organizer.fsops import FileOperations
from photo_organizer.library import Correction, Library, NothingToUndoError, Selection, SourceErrorKind
from photo_organizer.photo import Action
from support.faults.photo_world import World, seen, sha256


def file(world: World, library: Library, name: str, content: bytes) -> Path:
    (placed,) = library.file([world.filing(world.drop(name, content))]).filed
    return placed.destination


def test_the_last_batch_goes_back_and_is_held(world: World, library: Library) -> None:
    file(world, library, "a.jpg", b"one")
    file(world, library, "b.jpg", b"two")
    report = library.undo()
    assert [step.destination for step in report.undone] == [world.inbox / "b.jpg"]
    assert library.is_held(seen(world.inbox / "b.jpg"))
    (world.inbox / "b.jpg").write_bytes(b"touched")
    assert not library.is_held(seen(world.inbox / "b.jpg"))
    assert library.undo().undone[0].destination == world.inbox / "a.jpg"
    with pytest.raises(NothingToUndoError):
        library.undo()


def test_given_again_it_is_filed_again(world: World, library: Library) -> None:
    file(world, library, "a.jpg", b"one")
    library.undo()
    assert library.file([world.filing(world.inbox / "a.jpg")]).filed[0].action is Action.FILED
    assert [event.action for event in library.events()] == ["filed", "undone", "filed"]


def test_a_dry_run_moves_nothing(world: World, library: Library) -> None:
    destination = file(world, library, "a.jpg", b"one")
    report = library.undo(dry_run=True)
    assert [(step.source, step.destination) for step in report.undone] == [
        (destination, world.inbox / "a.jpg")
    ]
    assert destination.exists()


def test_by_photo_batch_and_time(world: World, library: Library) -> None:
    a = file(world, library, "a.jpg", b"one")
    later = world.clock.now + timedelta(milliseconds=1)
    file(world, library, "b.jpg", b"two")
    file(world, library, "c.jpg", b"three")
    assert len(library.undo(Selection(since=later), dry_run=True).undone) == 2
    assert library.undo(Selection(photo=a)).undone[0].destination.name == "a.jpg"
    assert library.undo(Selection(photo=world.inbox / "b.jpg")).undone[0].destination.name == "b.jpg"
    batch = library.last_batch()
    assert library.undo(Selection(photo=sha256(b"three")), dry_run=True).undone
    assert library.undo(Selection(batch=batch)).undone[0].destination.name == "c.jpg"


def test_an_edited_photo_stays(world: World, library: Library) -> None:
    destination = file(world, library, "a.jpg", b"one")
    destination.write_bytes(b"edited")
    report = library.undo()
    assert not report.undone
    assert report.refused[0][1].kind is SourceErrorKind.CHANGED  # type: ignore[attr-defined]
    assert destination.read_bytes() == b"edited"


def test_nothing_in_the_inbox_is_replaced(world: World, library: Library) -> None:
    file(world, library, "a.jpg", b"one")
    (world.inbox / "a.jpg").write_bytes(b"a new one")
    assert library.undo().undone[0].destination.name == "a (2).jpg"
    assert (world.inbox / "a.jpg").read_bytes() == b"a new one"


def test_a_folder_that_is_gone_is_made_again(world: World, library: Library) -> None:
    file(world, library, "trip/day/a.jpg", b"one")
    (world.inbox / "trip" / "day").rmdir()
    (world.inbox / "trip").rmdir()
    library.undo()
    assert (world.inbox / "trip" / "day" / "a.jpg").exists()


def test_an_inbox_that_is_gone_keeps_only_its_own_photos(world: World, library: Library) -> None:
    file(world, library, "a.jpg", b"one")
    card = world.inbox.with_name("card")
    card.mkdir()
    filing = world.filing(world.drop("b.jpg", b"two").rename(card / "b.jpg"))
    (placed,) = library.file([replace(filing, group=replace(filing.group, inbox=card))]).filed
    card.rmdir()
    everything = Selection(since=datetime.fromtimestamp(0, tz=UTC))
    for dry_run in (True, False):
        report = library.undo(everything, dry_run=dry_run)
        assert [step.destination for step in report.undone] == [world.inbox / "a.jpg"]
        ((step, trouble),) = report.refused
        assert step.source == placed.destination
        assert trouble.what == f"{card}, where it came from, is not there: make it or mount its drive"
    assert placed.destination.read_bytes() == b"two"
    card.mkdir()
    assert library.undo().undone[0].destination == card / "b.jpg"


def test_a_photo_that_its_owner_has_renamed_is_told_from_one_that_was_never_filed(
    world: World, library: Library
) -> None:
    there = file(world, library, "a.jpg", b"one")
    there.rename(there.with_name("cat.jpg"))
    ((_, trouble),) = library.undo().refused
    assert trouble.what == "no longer there: moved, renamed or deleted since it was filed"
    with pytest.raises(NothingToUndoError, match="not filed under this name") as none:
        library.undo(Selection(photo=there.with_name("cat.jpg")))
    assert none.value.where == str(there.with_name("cat.jpg"))


def test_after_a_correction_it_comes_from_where_it_is(world: World, library: Library) -> None:
    destination = file(world, library, "a.jpg", b"one")
    corrected = world.library / "Food" / "a.jpg"
    corrected.parent.mkdir()
    destination.rename(corrected)
    correction = Correction(sha256(b"one"), destination, corrected, "Food")
    assert library.correct([correction]) == 1
    assert library.correct([correction]) == 0
    assert library.undo().undone[0].source == corrected
    assert (world.inbox / "a.jpg").exists()
    assert [event.action for event in library.history(sha256(b"one"))] == ["filed", "corrected", "undone"]


def test_the_reason_goes_with_the_quarantined_photo(world: World, library: Library) -> None:
    library.file([world.filing(world.drop("bad.jpg", b"half"), action=Action.QUARANTINED)])
    library.undo()
    assert list(world.quarantine.iterdir()) == []
    assert (world.inbox / "bad.jpg").exists()


def test_it_works_beside_a_running_daemon(world: World, library: Library) -> None:
    file(world, library, "a.jpg", b"one")
    with Library.open(world.settings, clock=world.clock) as command:
        assert command.undo().undone
    file(world, library, "b.jpg", b"two")
    assert library.verify_ledger().is_equal
    assert library.totals()[Action.UNDONE] == 1


def test_folders_that_were_made_for_photos_go_when_they_are_empty_again(
    world: World, library: Library
) -> None:
    (world.library / "Food").mkdir()
    report = library.file([
        world.filing(world.drop("a.jpg", b"one"), "Pets/2024/07"),
        world.filing(world.drop("b.jpg", b"two"), "Pets/2023"),
        world.filing(world.drop("f.jpg", b"three"), "Food/2024"),
    ])  # fmt: skip
    assert len(report.filed) == 3
    library.undo(Selection(photo=world.library / "Pets/2024/07/a.jpg"))
    assert sorted(path.name for path in (world.library / "Pets").iterdir()) == ["2023"]
    library.undo()
    assert sorted(path.name for path in world.library.iterdir() if not path.name.startswith(".")) == ["Food"]
    assert list((world.library / "Food").iterdir()) == [], "its owner's own"


def test_a_folder_that_its_owner_uses_or_made_again_stays(world: World, library: Library) -> None:
    library.file(
        [
            world.filing(world.drop("a.jpg", b"one"), "Pets/2024"),
            world.filing(world.drop("f.jpg", b"2"), "Food"),
        ]
    )
    (world.library / "Pets/2024/note.txt").write_text("mine")
    (world.library / "Food").rename(world.library / "Meals")
    (world.library / "Food").mkdir()
    (world.library / "Meals/f.jpg").rename(world.library / "Food/f.jpg")
    library.undo()
    assert (world.library / "Pets/2024/note.txt").exists()
    assert (world.library / "Food").is_dir()


def test_a_folder_for_photos_that_could_not_be_filed_goes_again(world: World) -> None:
    class Full(FileOperations):
        is_full = True

        def rename_without_replacing(self, *arguments: Any) -> None:
            if self.is_full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            super().rename_without_replacing(*arguments)

    operations = Full()
    with world.open(operations) as library:
        filing = world.filing(world.drop("a.jpg", b"one"), "Pets/2024")
        assert library.file([filing]).pause is not None
        assert not (world.library / "Pets").exists()
        operations.is_full = False
        assert library.file([filing]).filed


def test_without_a_hold_it_is_taken_again_as_if_it_were_new(world: World, library: Library) -> None:
    file(world, library, "a.jpg", b"one")
    library.undo(hold=False)
    assert not library.is_held(seen(world.inbox / "a.jpg"))
    assert library.file([world.filing(world.inbox / "a.jpg")]).filed
    library.undo()
    assert library.is_held(seen(world.inbox / "a.jpg"))
