"""The last resort: after a crash, another program's file has the name that was reserved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from photo_organizer.fsops import FileOperations
from support.faults.fault_scenarios import BY_NAME, limited
from support.faults.photo_world import World
from support.faults.stops import Stop, steps_of, stop_at, stops_of

SCENARIOS = ["a group by reservation", "a group copied by reservation"]
FOREIGN = b"of another program"


def replaced(path: Path) -> None:
    new = path.with_name("saving")
    new.write_bytes(FOREIGN)
    new.rename(path)


def removed_and_written(path: Path) -> None:  # often with the inode number of the file that is gone
    path.unlink()
    path.write_bytes(FOREIGN)


def written_in_place(path: Path) -> None:
    path.write_bytes(FOREIGN)


@pytest.mark.parametrize("act", [replaced, removed_and_written, written_in_place])
@pytest.mark.parametrize("name", SCENARIOS)
def test_recovery_removes_no_file_of_another_program(
    name: str, act: Callable[[Path], None], near: Path, far: Path
) -> None:
    scenario = BY_NAME[name]
    checked = 0
    for stop in part_filled(name, near, far):
        world, _ = stop_at(scenario, stop, near, far)
        for path in part_filled_names(world):
            act(path)
            checked += 1
            with world.open(limited(FileOperations, scenario.limits)()) as library:
                library.recover()
                world.file_all(library)
            assert path.read_bytes() == FOREIGN, stop
            break
    assert checked > 3


@pytest.mark.parametrize("name", SCENARIOS)
def test_recovery_removes_its_own_part_filled_file(name: str, near: Path, far: Path) -> None:
    scenario = BY_NAME[name]
    for stop in part_filled(name, near, far):
        world, _ = stop_at(scenario, stop, near, far)
        parts = part_filled_names(world)
        with world.open(limited(FileOperations, scenario.limits)()) as library:
            library.recover()
        assert [path for path in parts if path.exists() and not is_whole(world, path)] == [], stop


def part_filled(name: str, near: Path, far: Path) -> list[Stop]:
    """The places to stop at while names are reserved and filled."""
    return stops_of(steps_of(BY_NAME[name], near, far))


def part_filled_names(world: World) -> list[Path]:
    """Files under final names that are not whole."""
    return [
        path
        for path in world.library.rglob("*")
        if path.is_file() and not path.name.startswith(".") and not is_whole(world, path)
    ]


def is_whole(world: World, path: Path) -> bool:
    data = path.read_bytes()
    sources = [source.read_bytes() for source in world.inbox.rglob("*") if source.is_file()]
    return data in sources or not sources or not any(source.startswith(data) for source in sources)
