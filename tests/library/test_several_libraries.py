"""Several libraries with one state: where photos go, what counts as a duplicate, who waits for whom."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from photo_organizer.library import (
    Correction,
    Filing,
    Library,
    LibrarySettings,
    OwnerMove,
    Selection,
    TransferMode,
)
from photo_organizer.photo import Action, AssetGroup
from support.faults.photo_world import World, seen, sha256


@pytest.fixture
def family(world: World) -> Path:
    folder = world.library.parent / "family"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(world: World, family: Path) -> LibrarySettings:
    return replace(world.settings, others=(family,))


@pytest.fixture
def both(world: World, settings: LibrarySettings) -> Iterator[Library]:
    with Library.open(settings, owner=True, clock=world.clock) as library:
        yield library


def to_family(world: World, family: Path, path: Path, **changes: object) -> Filing:
    return replace(world.filing(path), library=family, **changes)  # type: ignore[arg-type]


def test_each_library_has_its_own_photos_and_duplicates(world: World, both: Library, family: Path) -> None:
    first = both.file([world.filing(world.drop("a.jpg", b"a photo"))]).filed[0]
    second = both.file([to_family(world, family, world.drop("a.jpg", b"a photo"))]).filed[0]
    third = both.file([to_family(world, family, world.drop("b.jpg", b"a photo"))]).filed[0]
    kept = both.file([to_family(world, family, world.drop("c.jpg", b"a photo"), duplicates="keep")]).filed[0]
    assert (first.action, first.destination) == (Action.FILED, world.library / "Pets/a.jpg")
    assert (second.action, second.destination) == (Action.FILED, family / "Pets/a.jpg")
    assert (third.action, third.destination) == (Action.DUPLICATE, family / "Duplicates/b.jpg")
    assert third.original == family / "Pets/a.jpg"
    assert (kept.action, kept.destination) == (Action.FILED, family / "Pets/c.jpg")


def test_a_plan_is_what_is_done(world: World, both: Library, family: Path) -> None:
    filings = [
        to_family(world, family, world.drop("a.jpg", b"a photo")),
        world.filing(world.drop("b.jpg", b"a photo")),
        to_family(world, family, world.drop("c.jpg", b"a photo")),
        world.filing(world.drop("d.jpg", b"other"), "Food"),
    ]
    planned = [(placed.action, placed.destination) for placed in both.plan(filings).filed]
    done = [(placed.action, placed.destination) for placed in both.file(filings).filed]
    assert planned == done
    assert {action for action, _ in done} == {Action.FILED, Action.DUPLICATE}


@pytest.mark.parametrize("transfer_mode", [TransferMode.MOVE, TransferMode.COPY, TransferMode.LINK])
def test_undo_covers_all_libraries(
    world: World, both: Library, family: Path, transfer_mode: TransferMode
) -> None:
    paths = [world.drop("a.jpg", b"photo a", "a.xmp"), world.drop("b.jpg", b"photo b")]
    filings = [
        replace(to_family(world, family, paths[0]), transfer_mode=transfer_mode),
        replace(world.filing(paths[1]), transfer_mode=transfer_mode),
    ]
    assert len(both.file(filings).filed) == 2
    assert len(both.undo().undone) == 2
    assert all(path.exists() for path in paths)
    assert all(both.is_held(seen(path)) for path in paths)
    assert not [path for path in family.rglob("*") if path.is_file() and not path.name.startswith(".")]


def test_only_the_photos_of_a_library_that_is_not_there_wait(
    world: World, both: Library, family: Path
) -> None:
    filings = [
        to_family(world, family, world.drop("a.jpg", b"photo a")),
        world.filing(world.drop("b.jpg", b"photo b")),
    ]
    shutil.rmtree(family)
    report = both.file(filings)
    assert report.pause is None
    assert [placed.destination for placed in report.filed] == [world.library / "Pets/b.jpg"]
    ((group, trouble),) = report.set_aside
    assert group.photo.path.name == "a.jpg"
    assert str(family) in str(trouble)
    family.mkdir()
    assert both.file(filings[:1]).filed


def test_a_photo_for_a_library_that_is_not_configured_any_more_is_offered_again(
    world: World, library: Library, family: Path
) -> None:
    filings = [
        to_family(world, family, world.drop("a.jpg", b"photo a")),
        world.filing(world.drop("b.jpg", b"photo b")),
    ]
    report = library.file(filings)
    assert [placed.destination.name for placed in report.filed] == ["b.jpg"]
    assert [group.photo.path.name for group, _ in report.set_aside] == ["a.jpg"]
    assert report.pause is None


def test_a_move_and_a_correction_stay_in_their_library(world: World, both: Library, family: Path) -> None:
    (placed,) = both.file([to_family(world, family, world.drop("a.jpg", b"photo a"))]).filed
    group = AssetGroup(family, seen(placed.destination))
    (moved,) = both.move([OwnerMove(group, "Food", "Food", library=family)]).moved
    assert moved.destination == family / "Food/a.jpg"
    by_hand = family / "Travel/a.jpg"
    by_hand.parent.mkdir()
    moved.destination.rename(by_hand)
    assert both.correct([Correction(sha256(b"photo a"), moved.destination, by_hand, "Travel")]) == 1
    assert both.undo(Selection(photo=by_hand)).undone
    assert placed.destination.exists()
    assert both.undo(Selection(photo=placed.destination)).undone
    assert (world.inbox / "a.jpg").exists()


def test_after_the_loss_of_the_journal_originals_are_known(
    world: World, settings: LibrarySettings, family: Path
) -> None:
    copied, linked = world.drop("a.jpg", b"photo a"), world.drop("b.jpg", b"photo b")
    with Library.open(settings, owner=True, clock=world.clock) as library:
        filings = [
            to_family(world, family, copied, transfer_mode=TransferMode.COPY),
            to_family(world, family, linked, transfer_mode=TransferMode.LINK),
        ]
        assert len(library.file(filings).filed) == 2
    for path in world.state.glob("journal*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with Library.open(settings, owner=True, clock=world.clock) as library:
        assert all(library.is_kept_original(seen(path)) for path in (copied, linked))
        assert len(library.undo(Selection(photo=linked)).undone) == 1
    assert copied.read_bytes() == b"photo a"
    assert linked.read_bytes() == b"photo b"
    assert not (family / "Pets/b.jpg").exists()
