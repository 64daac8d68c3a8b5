"""Without power, only what was synced is certain: it must be enough at every moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.faults.fault_scenarios import SCENARIOS, Scenario
from support.faults.power_cuts import check_power_cuts

# the owner's own move in a correction is not recorded; the last resort is said to be weaker
RECORDED = [
    scenario for scenario in SCENARIOS if scenario.name != "a correction" and not scenario.is_last_resort
]


@pytest.mark.parametrize("scenario", RECORDED, ids=str)
def test_power_cut_after_each_step(scenario: Scenario, near: Path, far: Path) -> None:
    assert check_power_cuts(scenario, near, far) >= 3
