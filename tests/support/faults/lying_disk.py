"""A disk that stores other bytes than it was given, as failing memory and cables make them."""

from __future__ import annotations

from pathlib import Path

from photo_organizer.fsops import FileOperations
from support.faults.fault_scenarios import BY_NAME, limited, make_world


class LyingOperations(limited(FileOperations, ("across",))):  # type: ignore[misc]
    """Flips a bit of every large write."""

    def write(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        if len(data) < 1000:
            return int(super().write(descriptor, data, offset))
        flipped = bytearray(data)
        flipped[500] ^= 1
        return int(super().write(descriptor, bytes(flipped), offset))


def check_lying_disk(near: Path) -> None:
    """The photo stays in the inbox, and the owner is told."""
    world = make_world(BY_NAME["a group across devices"], near, near)
    before = world.contents()
    with world.open(LyingOperations()) as library:
        report = world.file_all(library)
        world.check_instant(before)
        assert report.pause is not None
        assert "other bytes" in str(report.pause)
        world.check_recovered(before, library)
