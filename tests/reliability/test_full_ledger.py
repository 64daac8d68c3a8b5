"""What the journal says is done is told as done, although the ledger cannot have its rows yet."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from photo_organizer.fsops import FileOperations
from photo_organizer.library import DestinationError
from support.faults.photo_world import World


class FullLedger(FileOperations):
    """The disk of the ledger takes nothing while `is_full`."""

    def __init__(self) -> None:
        self.is_full = False
        self._ledgers: set[int] = set()

    def open_ledger(self, name: bytes, folder: int) -> int:
        descriptor = super().open_ledger(name, folder)
        self._ledgers.add(descriptor)
        return descriptor

    def close(self, descriptor: int) -> None:
        self._ledgers.discard(descriptor)
        super().close(descriptor)

    def write(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        if self.is_full and descriptor in self._ledgers:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(descriptor, data, offset)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "near", tmp_path / "there")


def test_filed_photos_are_told_as_filed_and_the_rest_waits(world: World) -> None:
    for number in range(5):
        world.drop(f"{number}.jpg", b"photo %d" % number)
    before = world.contents()
    disk = FullLedger()
    with world.open(disk) as library:
        library.recover()  # the header is there
        disk.is_full = True
        report = world.file_all(library)
        assert len(report.filed) == 5
        assert isinstance(report.pause, DestinationError)
        assert list(world.waiting()) == []
        world.drop("late.jpg", b"late")
        report = world.file_all(library)
        assert report.filed == ()
        assert isinstance(report.pause, DestinationError)
        assert (world.inbox / "late.jpg").exists()
        disk.is_full = False
        assert len(world.file_all(library).filed) == 1
        world.check_journal(library)
    assert sum((world.contents() & before).values()) == 5


def test_a_duplicate_that_is_left_is_told_as_left(tmp_path: Path) -> None:
    world = World(tmp_path / "near", tmp_path / "there", duplicates="skip")
    world.drop("a.jpg", b"photo")
    disk = FullLedger()
    with world.open(disk) as library:
        world.file_all(library)
        world.drop("again.jpg", b"photo")
        disk.is_full = True
        report = world.file_all(library)
        assert len(report.left) == 1
        assert isinstance(report.pause, DestinationError)


@pytest.mark.parametrize("photos", [8, 70])
def test_photos_that_were_taken_back_are_told_as_taken_back(world: World, photos: int) -> None:
    """More than a portion: the second one is not begun before the ledger has the rows of the first."""
    for number in range(photos):
        world.drop(f"{number}.jpg", b"photo %d" % number)
    disk = FullLedger()
    with world.open(disk) as library:
        world.file_all(library)
        disk.is_full = True
        report = library.undo()
        assert len(report.undone) == len(list(world.inbox.iterdir())) == min(photos, 64)
        assert len(report.refused) == photos - min(photos, 64)
        assert isinstance(report.row_trouble, DestinationError)
        disk.is_full = False
        assert library.recover().ledger_rows == min(photos, 64)
        world.check_journal(library)
