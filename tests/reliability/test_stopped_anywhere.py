"""Killed at any step of anything, nothing is lost, nothing is twice, and nothing half done remains."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.faults.fault_scenarios import ACROSS_DEVICES, BY_NAME, SCENARIOS, Scenario, limited
from support.faults.fault_steps import SteppedOperations
from support.faults.stops import Stop, check_stop, steps_of, stop_at, stops_of


@pytest.mark.parametrize("scenario", (*SCENARIOS, ACROSS_DEVICES), ids=str)
def test_killed_at_each_step(scenario: Scenario, near: Path, far: Path) -> None:
    stops = stops_of(steps_of(scenario, near, far))
    assert len(stops) >= 5
    for stop in stops:
        check_stop(scenario, stop, near, far)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "name",
    [
        "a group with a collision",
        "a group across devices",
        "a group by links",
        "undo",
        "quarantine",
        "a group linked",
        "undo of a copied group",
    ],
)
def test_killed_in_the_recovery_too(name: str, near: Path, far: Path, *, exhaustive: bool) -> None:
    """Also the second start is killed, and the third; without `exhaustive` at two steps of each, by turns."""
    scenario = BY_NAME[name]
    killed = 0
    for stop in stops_of(steps_of(scenario, near, far)):
        steps = _steps_of_recovery(scenario, stop, near, far)
        turns = range(1, steps + 1) if exhaustive else (stop.number * 7 % max(steps, 1) + 1,)
        killed += len(turns)
        for number in turns:
            again = Stop((number * 3) % max(steps, 1) + 1)
            check_stop(scenario, stop, near, far, in_recovery=(Stop(number), again))
    assert killed > 10


def _steps_of_recovery(scenario: Scenario, stop: Stop, near: Path, far: Path) -> int:
    """How many steps a start makes after that stop."""
    world, _ = stop_at(scenario, stop, near, far)
    operations = limited(SteppedOperations, scenario.limits)()
    with world.open(operations) as library:
        library.recover()
        return len(operations.steps)
