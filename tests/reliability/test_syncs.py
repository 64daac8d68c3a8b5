"""Nothing is called done in the journal before it is on the disk: not after moves, taking back, or recovery."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

import pytest

from photo_organizer.errors import OrganizerError
from support.faults.fault_scenarios import SCENARIOS, Scenario, limited, make_world
from support.faults.fault_steps import CHANGING, Step, SteppedOperations
from support.faults.stops import Stop, begun, stop_at
from support.faults.unsynced import Unsynced


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_all_is_synced_when_it_is_done(scenario: Scenario, near: Path, far: Path) -> None:
    unsynced = Unsynced()
    world = make_world(scenario, near, far)
    with begun(scenario, world) as (library, operations):
        operations.after = unsynced.after
        with unsynced.checked():
            scenario.act(world, library)
            steps = list(operations.steps)
            library.recover()
        unsynced.check("it is over")
    changing = [step.number for step in steps if step.name in CHANGING - {"sync", "commit"}]
    for number in changing[:: max(1, len(changing) // 3)]:
        _recover_after(scenario, number, near, far)
        _take_back_after(scenario, number, near, far)


def _recover_after(scenario: Scenario, number: int, near: Path, far: Path) -> None:
    """Kill it before a step, and recover."""
    world, _ = stop_at(scenario, Stop(number), near, far)
    unsynced = Unsynced()
    operations = limited(SteppedOperations, scenario.limits)()
    with world.open(operations) as library:
        operations.after = unsynced.after
        with unsynced.checked():
            library.recover()


def _take_back_after(scenario: Scenario, number: int, near: Path, far: Path) -> None:
    """Let a step fail, so that what was moved before it is taken back."""
    world = make_world(scenario, near, far)
    unsynced = Unsynced()

    def fail(step: Step) -> None:
        if step.number == number:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    with begun(scenario, world) as (library, operations):
        operations.before, operations.after = fail, unsynced.after
        with unsynced.checked():
            with suppress(OrganizerError):
                scenario.act(world, library)
            library.recover()
