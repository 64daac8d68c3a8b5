"""Each step may fail with each error: nothing is lost, the right side is blamed, and it all goes on by
itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.faults.errors_injected import check_failure, failures_of
from support.faults.fault_scenarios import SCENARIOS, Scenario
from support.faults.stops import steps_of


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_errors_at_each_step(scenario: Scenario, near: Path, far: Path, *, exhaustive: bool) -> None:
    for failure in failures_of(steps_of(scenario, near, far), exhaustive=exhaustive):
        try:
            # what a new start adds to going on is tried by turns; it takes half of the time
            check_failure(scenario, failure, near, far, starts_again=exhaustive or failure.number % 4 == 0)
        except AssertionError as error:
            pytest.fail(f"{failure}: {error!r}")
