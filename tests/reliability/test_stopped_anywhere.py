"""Killed at any step of anything, nothing is lost, nothing is twice, and nothing half done remains."""

from __future__ import annotations

from pathlib import Path

import pytest
from fault_scenarios import ACROSS_DEVICES, SCENARIOS, Scenario
from stops import check_stop, steps_of, stops_of


@pytest.mark.parametrize("scenario", (*SCENARIOS, ACROSS_DEVICES), ids=str)
def test_killed_at_each_step(scenario: Scenario, near: Path, far: Path) -> None:
    stops = stops_of(steps_of(scenario, near, far))
    assert len(stops) >= 5
    for stop in stops:
        check_stop(scenario, stop, near, far)
