"""Other programs work on the same files at the same time, between any two steps of ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from fault_scenarios import BY_NAME
from races import RACES, Race, check_races


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
@pytest.mark.parametrize("name", ["a photo", "a group across devices", "a group by links"])
def test_another_program_between_any_two_steps(
    race: Race, name: str, near: Path, far: Path, *, exhaustive: bool
) -> None:
    assert check_races(BY_NAME[name], race, near, far, exhaustive=exhaustive) > 10
