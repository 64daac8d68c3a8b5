"""The ledger follows from the journal: whatever happens to the file, each row is there once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photo_organizer.library import Library
from photo_organizer.library.record.ledger_text import HEADER, cell, escape, line, unescape
from support.faults.photo_world import World


def fill(world: World, library: Library, photos: int = 5) -> None:
    for number in range(photos):
        library.file([world.filing(world.drop(f"{number}.jpg", b"photo %d" % number))])


def start_again(world: World) -> int:
    with world.open() as library:
        added = library.recover().ledger_rows
        assert library.verify_ledger().is_equal
        assert library.recover().ledger_rows == 0
        return added


@pytest.fixture
def ledger(world: World) -> Path:
    with world.open() as library:
        fill(world, library)
    return world.settings.ledger


def test_lines_end_as_the_standard_says(ledger: Path) -> None:
    assert ledger.read_bytes().startswith(HEADER)
    assert ledger.read_bytes().count(b"\r\n") == ledger.read_bytes().count(b"\n") == 6


@pytest.mark.parametrize("cut", [1, 2, 3, 50, 200, 400])
def test_a_torn_end_is_repaired(world: World, ledger: Path, cut: int) -> None:
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:-cut])
    _touch_journal(world)
    assert ledger.read_bytes().startswith(whole)
    assert not ledger.with_name(ledger.name + ".torn").exists()


def _touch_journal(world: World) -> None:
    """The next batch notices; so does a start."""
    with world.open() as library:
        library.file([world.filing(world.drop("next.jpg", b"next"))])
        assert library.verify_ledger().is_equal


def test_a_removed_ledger_is_written_again(world: World, ledger: Path) -> None:
    whole = ledger.read_bytes()
    ledger.unlink()
    start_again(world)
    assert ledger.read_bytes() == whole


def test_a_removed_row_is_added_once(world: World, ledger: Path) -> None:
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:2] + lines[3:]))
    assert start_again(world) == 1


def test_a_spreadsheet_may_write_numbers_its_own_way(world: World, ledger: Path) -> None:
    ledger.write_bytes(ledger.read_bytes().replace(b"0.5000", b"0.5").replace(b"\r\n", b"\n"))
    with world.open() as library:
        assert library.recover().ledger_rows == 0
        assert library.verify_ledger().count == 5
        assert library.rebuild_ledger() == 5
        assert library.verify_ledger().is_equal
    kept = ledger.with_name(ledger.name + ".before-rebuild")
    assert b"0.5," in kept.read_bytes()


def test_foreign_ends_are_kept_aside(world: World, ledger: Path) -> None:
    whole = ledger.read_bytes()
    ledger.write_bytes(whole + b'"half a line of mine')
    start_again(world)
    assert ledger.read_bytes() == whole
    assert b"half a line of mine" in ledger.with_name(ledger.name + ".torn").read_bytes()


def test_zeros_after_a_power_cut_are_cleared(world: World, ledger: Path) -> None:
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:-30] + b"\0" * 30)
    start_again(world)
    assert ledger.read_bytes() == whole


def test_a_lost_journal_does_not_destroy_the_ledger(world: World, ledger: Path) -> None:
    whole = ledger.read_bytes()
    for path in world.state.glob("journal.sqlite*"):
        path.unlink()
    with world.open() as library:
        library.file([world.filing(world.drop("new.jpg", b"new"))])
    assert ledger.read_bytes().startswith(whole)
    assert ledger.read_bytes().count(b"\r\n") == 7


def test_arbitrary_damage_is_survived(world: World, ledger: Path) -> None:
    whole = ledger.read_bytes()
    chance = random.Random(6)
    for _ in range(20):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        ledger.write_bytes(bytes(damaged))
        with world.open() as library:
            library.recover()
            library.verify_ledger()
            library.rebuild_ledger()
            assert library.verify_ledger().is_equal
        assert ledger.read_bytes() == whole


@given(st.text(max_size=60))
def test_any_text_comes_back(text: str) -> None:
    assert unescape(escape(text)) == text
    assert len(line((cell(text),)).splitlines()) == 1


@given(st.binary(max_size=60))
def test_any_name_comes_back(name: bytes) -> None:
    text = name.decode("utf-8", "surrogateescape")
    assert unescape(escape(text)) == text
    escape(text).encode("utf-8")
