"""A photo that comes again is recognised by its content, wherever its owner has put the first one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from photo_organizer.library import Library, LibrarySettings, TransferMode
from photo_organizer.library.plan.library_files import LibraryFiles
from photo_organizer.photo import Action
from support.faults.photo_world import World, seen

PHOTO = bytes(range(256)) * 300


def file(
    world: World,
    library: Library,
    name: str,
    content: bytes = PHOTO,
    transfer_mode: TransferMode = TransferMode.MOVE,
) -> Path:
    path = world.inbox / name
    if not path.exists():
        world.drop(name, content)
    report = library.file([replace(world.filing(path), transfer_mode=transfer_mode)])
    (placed,) = report.filed or report.known
    return placed.destination


def to_another_category(world: World, place: Path) -> Path:
    (world.library / "Food").mkdir()
    return place.rename(world.library / "Food" / place.name)


def renamed(_: World, place: Path) -> Path:
    return place.rename(place.with_name("a better name.jpg"))


def deep_down(world: World, place: Path) -> Path:
    (world.library / "2024" / "by hand").mkdir(parents=True)
    return place.rename(world.library / "2024" / "by hand" / "x.jpeg")


def copied_back(_: World, place: Path) -> Path:
    data = place.read_bytes()
    place.unlink()
    place = place.with_name("restored from a backup.jpg")
    place.write_bytes(data)
    return place


MOVES = [to_another_category, renamed, deep_down, copied_back]


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("restart", [False, True], ids=["same run", "after a restart"])
def test_it_is_found_where_its_owner_moved_it(world: World, move: Callable[..., Path], restart: bool) -> None:  # noqa: FBT001
    with world.open() as library:
        place = move(world, file(world, library, "a.jpg"))
        if not restart:
            assert file(world, library, "b.jpg").parent.name == "Duplicates"
    with world.open() as library:
        report = library.file([world.filing(world.drop("c.jpg", PHOTO))])
    assert [placed.original for placed in report.filed] == [place]
    assert [placed.action for placed in report.filed] == [Action.DUPLICATE]


def test_it_is_found_when_the_library_was_moved_to_another_disk(world: World, tmp_path: Path) -> None:
    with world.open() as library:
        place = file(world, library, "a.jpg")
    elsewhere = tmp_path / "elsewhere"
    shutil.move(world.library, elsewhere)
    settings: LibrarySettings = replace(world.settings, library=elsewhere)
    with Library.open(settings, owner=True, clock=world.clock) as library:
        (placed,) = library.file([world.filing(world.drop("b.jpg", PHOTO))]).filed
    assert placed.action is Action.DUPLICATE
    assert placed.original == elsewhere / place.relative_to(world.library)


def test_one_that_its_owner_put_there_by_hand_is_recognised(world: World, library: Library) -> None:
    (world.library / "Food").mkdir()
    (world.library / "Food" / "mine.jpg").write_bytes(PHOTO)
    (placed,) = library.file([world.filing(world.drop("a.jpg", PHOTO))]).filed
    assert (placed.action, placed.original) == (Action.DUPLICATE, world.library / "Food" / "mine.jpg")


@pytest.mark.parametrize("byte", [0, 1 << 15, (1 << 16) + 1, len(PHOTO) - 1])
def test_a_damaged_copy_of_the_same_size_is_not_the_same(world: World, library: Library, byte: int) -> None:
    place = file(world, library, "a.jpg")
    status = place.stat()
    data = bytearray(PHOTO)
    data[byte] ^= 1
    place.write_bytes(bytes(data))
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
    (placed,) = library.file([world.filing(world.drop("a.jpg", PHOTO))]).filed
    assert placed.action is Action.FILED
    assert placed.destination.name == "a (2).jpg"
    assert placed.destination.read_bytes() == PHOTO


def test_a_hard_link_to_the_photo_itself_is_no_second_copy(world: World, library: Library) -> None:
    path = world.drop("a.jpg", PHOTO)
    (world.library / "Food").mkdir()
    (world.library / "Food" / "a.jpg").hardlink_to(path)
    assert file(world, library, "a.jpg").parent.name == "Pets"


def test_a_copy_that_its_owner_moved_is_not_made_again(world: World, library: Library) -> None:
    place = file(world, library, "a.jpg", transfer_mode=TransferMode.COPY)
    moved = to_another_category(world, place)
    photo = seen(world.inbox / "a.jpg")
    assert library.placed_before(photo, TransferMode.COPY) == moved
    assert file(world, library, "a.jpg", transfer_mode=TransferMode.COPY) == moved


def test_what_was_undone_is_not_a_duplicate_of_itself(world: World, library: Library) -> None:
    file(world, library, "a.jpg")
    library.undo()
    (world.inbox / "a.jpg").touch()
    assert file(world, library, "a.jpg").parent.name == "Pets"


def test_a_look_again_reads_only_the_folders_that_have_changed(tmp_path: Path) -> None:
    now = 0.0
    files = LibraryFiles(os.fsencode(tmp_path), clock=lambda: now)
    for folder in ("Pets", "Food/2024"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.jpg").write_bytes(b"12345")
    (tmp_path / "Pets" / ".hidden.jpg").write_bytes(b"12345")
    (tmp_path / "Pets" / "link.jpg").symlink_to(tmp_path / "Pets" / "a.jpg")
    long_ago = (10**18, 10**18)
    for folder in ("Pets", "Food/2024", "Food", "."):
        os.utime(tmp_path / folder, ns=long_ago)
    files.look(newer_than=now - 1)
    assert files.of_size(5) == [os.fsencode(tmp_path / name) for name in ("Food/2024/a.jpg", "Pets/a.jpg")]
    (tmp_path / "Pets" / "b.jpg").write_bytes(b"12345")
    os.utime(tmp_path / "Pets", ns=long_ago)
    now = 1.0
    files.look(newer_than=0.5)
    assert len(files.of_size(5)) == 2, "the folder does not seem to have changed"
    os.utime(tmp_path / "Pets")
    shutil.rmtree(tmp_path / "Food")
    now = 2.0
    files.look(newer_than=1.5)
    assert files.of_size(5) == [os.fsencode(tmp_path / "Pets" / name) for name in ("a.jpg", "b.jpg")]


def test_a_look_that_may_not_take_long_goes_on_the_next_time(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "a.jpg").write_bytes(b"12345")
    ticks = iter(range(100))
    files = LibraryFiles(os.fsencode(tmp_path), clock=lambda: float(next(ticks)))
    files.look(newer_than=-1.0, seconds=1.0)
    found = len(files.of_size(5))
    assert 0 < found + 1 < 5
    for _ in range(5):
        files.look(newer_than=-1.0, seconds=1.0)
    assert len(files.of_size(5)) == 5
