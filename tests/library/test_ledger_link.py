"""The ledger as a symbolic link: its owner keeps it elsewhere, or somebody else put the link there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from photo_organizer.library import DestinationError
from support.faults.photo_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "near", tmp_path / "there")
    world.drop("a.jpg", b"photo")
    return world


def ledger(world: World) -> Path:
    world.state.mkdir(exist_ok=True)
    return world.state / "predictions.csv"


def test_a_link_of_the_owners_is_followed(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "Documents"
    elsewhere.mkdir()
    ledger(world).symlink_to(elsewhere / "photos.csv")
    with world.open() as library:
        assert len(world.file_all(library).filed) == 1
        assert library.verify_ledger().is_equal
        world.drop("b.jpg", b"another")
        assert len(world.file_all(library).filed) == 1
    with world.open() as library:  # again, with a ledger that is there
        assert library.verify_ledger().rows == 2
        assert library.rebuild_ledger() == 2
    assert ledger(world).is_symlink()
    assert len((elsewhere / "photos.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("kind", ["another file", "a folder", "a pipe", "nowhere", "itself"])
def test_a_link_to_anything_else_pauses_with_the_right_advice_and_is_left_alone(
    world: World, tmp_path: Path, kind: str
) -> None:
    target = tmp_path / "target"
    match kind:
        case "another file":
            target.write_text("export PATH=/bin\n")
        case "a folder":
            target.mkdir()
        case "a pipe":
            os.mkfifo(target)
        case "nowhere":
            target = tmp_path / "no" / "such"
        case _:
            target = ledger(world)
    ledger(world).symlink_to(target)
    with world.open() as library:
        report = world.file_all(library)
        assert isinstance(report.pause, DestinationError)
        assert "remove the link" in report.pause.remedy
        assert (world.inbox / "a.jpg").exists()
        if kind == "another file":
            assert target.read_text() == "export PATH=/bin\n"
        ledger(world).unlink()
        assert len(world.file_all(library).filed) == 1
