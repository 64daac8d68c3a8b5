"""When an action returns, all that it did is on the disk: names, bytes, ledger; after a crash as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.faults.fault_scenarios import BY_NAME, SCENARIOS, Scenario, limited, make_world
from support.faults.fault_steps import CHANGING, SteppedOperations
from support.faults.stops import Stop, begun, steps_of, stop_at
from support.faults.unsynced import Unsynced

RECOVERED = (
    "a photo", "a group with a collision", "a group across devices", "undo", "undo of a copied group",
    "a group by reservation", "quarantine",
)  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_an_action(scenario: Scenario, near: Path, far: Path) -> None:
    world = make_world(scenario, near, far)
    with begun(scenario, world) as (library, operations):
        unsynced = Unsynced(operations)
        scenario.act(world, library)
        assert unsynced.left == set()


@pytest.mark.parametrize("name", RECOVERED)
def test_recovery(name: str, near: Path, far: Path) -> None:
    scenario = BY_NAME[name]
    changing = [step.number for step in steps_of(scenario, near, far) if step.name in CHANGING]
    for number in changing[:: max(1, len(changing) // 8)]:
        world, _ = stop_at(scenario, Stop(number), near, far)
        operations = limited(SteppedOperations, scenario.limits)()
        unsynced = Unsynced(operations)
        with world.open(operations) as library:
            library.recover()
        assert unsynced.left == set(), f"stopped at step {number}"


def test_what_is_taken_back(near: Path, far: Path) -> None:
    """A group of which one file cannot be moved goes back, and is on the disk there."""
    scenario = BY_NAME["a group with a collision"]
    world = make_world(scenario, near, far)
    before = world.contents()
    with begun(scenario, world) as (library, operations):
        unsynced = Unsynced(operations)
        renamed: list[int] = []

        def fail(step: object) -> None:
            if step.name == "rename_without_replacing":  # type: ignore[attr-defined]
                renamed.append(1)
                if len(renamed) == 3:
                    raise OSError(5, "Input/output error")

        operations.before = fail
        world.file_all(library)
        operations.before = None
        assert world.contents() == before
        assert unsynced.left == set()
