"""A journal that is damaged or gone: noticed, kept, and restored from its copy and the ledger."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from photo_organizer.library import Library
from photo_organizer.library.record.journal_health import COPIES, journal_fault
from support.faults.photo_world import World, seen


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "near", tmp_path / "there")
    for number in range(6):
        world.drop(f"{number}.jpg", b"photo %d" % number)
    with world.open() as library:
        world.file_all(library)
        library.undo(photo(world, library, 5))
    return world


def photo(world: World, library: Library, number: int) -> object:
    from photo_organizer.library import Selection

    place = next(event.destination for event in library.events() if event.source.name == f"{number}.jpg")
    return Selection(photo=place)


def journal(world: World) -> Path:
    return world.state / "journal.sqlite"


def overwritten(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)


def changed(statement: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(statement)
        connection.commit()
        connection.close()

    return change


def another_database(path: Path) -> None:
    path.unlink()
    changed("CREATE TABLE tracks (id INTEGER)")(path)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("no database" * 1000),
    "its head": lambda path: overwritten(path, 0, b"\xff" * 200),
    "a page in the middle": lambda path: overwritten(path, 4096 * 2, b"\xff" * 4096),
    "its end": lambda path: overwritten(path, path.stat().st_size - 4096, b"\xff" * 4096),
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2),
    "another database": another_database,
    "a table is missing": changed("DROP TABLE held"),
    "moves are missing": changed("DELETE FROM moves"),
    "a state that is none": changed("UPDATE operations SET state = 9"),
    "no token": changed("DELETE FROM facts WHERE key = 'token'"),
    "a size that is none": changed("UPDATE facts SET value = 'x' WHERE key = 'ledger_size'"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("has_copy", [False, True])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_journal_is_kept_aside_and_restored(world: World, damage: str, has_copy: bool) -> None:  # noqa: FBT001
    if has_copy:
        with world.open() as library:
            library.keep_daily_copy()
    with world.open() as library:
        totals = library.totals()
    before = world.settings.ledger.read_bytes()
    DAMAGE[damage](journal(world))
    assert journal_fault(journal(world))
    with world.open() as library:
        assert "the journal was damaged" in library.restored
        assert list(world.state.glob("journal.sqlite.damaged-*"))
        assert journal_fault(journal(world)) is None
        library.recover()
        check = library.verify_ledger()
        assert check.problems == ()
        assert world.settings.ledger.read_bytes() == before
        assert library.totals() == totals
        assert library.is_held(seen(world.inbox / "5.jpg"))
        assert len(library.undo().undone) == 5
        assert len(list(world.inbox.glob("*.jpg"))) == 6
    with world.open() as library:
        assert library.restored == ""


def test_a_journal_that_is_gone_is_rebuilt_from_the_ledger(world: World) -> None:
    for path in world.state.glob("journal.sqlite*"):
        path.unlink()
    Library.open(world.settings).close()  # another command was first, and has made an empty one
    with world.open() as library:
        assert "6 photos" in library.restored or "7 photos" in library.restored
        assert library.verify_ledger().problems == ()
        assert len(library.undo().undone) == 5


@pytest.mark.parametrize("loss", [Path.unlink, lambda path: os.truncate(path, 0)], ids=["gone", "empty"])
def test_a_log_that_outlived_its_journal_does_not_damage_the_copy(
    world: World, loss: Callable[[Path], object]
) -> None:
    """SQLite writes any log that it finds beside a database into it, of whatever database it was."""
    with world.open() as library:
        library.keep_daily_copy()
    for first, last in ((6, 206), (206, 210)):  # more pages than the copy has; then a log of the last of them
        for number in range(first, last):
            world.drop(f"{number}.jpg", b"photo %d" % number)
        with world.open() as library:
            world.file_all(library)
            at_power_cut = shutil.copytree(world.state, world.state.with_name(f"state-{last}"))
    shutil.rmtree(world.state)
    at_power_cut.rename(world.state)
    log = journal(world).with_name("journal.sqlite-wal")
    assert log.stat().st_size
    loss(journal(world))
    with world.open() as library:
        assert "its last copy is in its place; 205 photos are taken over" in library.restored
        assert library.verify_ledger().problems == ()
    assert journal_fault(journal(world)) is None


def test_what_was_filed_since_the_copy_is_taken_over(world: World) -> None:
    with world.open() as library:
        library.keep_daily_copy()
        world.drop("late.jpg", b"late")
        library.file([world.filing(world.inbox / "late.jpg")])
    journal(world).write_bytes(b"damaged" * 1000)
    with world.open() as library:
        assert "1 photos are taken over" in library.restored
        assert library.verify_ledger().problems == ()
        assert [step.destination.name for step in library.undo().undone] == ["late.jpg"]


def test_a_copy_that_is_damaged_itself_is_passed_over(world: World) -> None:
    with world.open() as library:
        library.keep_daily_copy()
    (copy,) = (world.state / COPIES).iterdir()
    older = copy.with_name(f"journal-{date(2020, 1, 1)}.sqlite")
    shutil.copy(copy, older)
    copy.write_bytes(b"damaged" * 1000)
    journal(world).write_bytes(b"damaged" * 1000)
    with world.open() as library:
        assert "the copy of 2020-01-01" in library.restored
        assert library.verify_ledger().problems == ()


def test_one_copy_a_day_and_a_week_of_them(world: World) -> None:
    with world.open() as library:
        for _ in range(10):
            library.keep_daily_copy()
            library.keep_daily_copy()
            world.clock.now += timedelta(days=1)
    copies = sorted((world.state / COPIES).iterdir())
    assert len(copies) == 7
    assert all(journal_fault(copy) is None and copy.stat().st_mode & 0o777 == 0o600 for copy in copies)


def test_a_sound_journal_is_left_alone(world: World) -> None:
    assert journal_fault(journal(world)) is None
    with world.open() as library:
        assert library.restored == ""
    assert journal_fault(world.state / "none") is None
