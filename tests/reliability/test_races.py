"""Other programs work on the same files at the same time, between any two steps of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.faults.fault_scenarios import BY_NAME, UNDO_OF_A_COPY
from support.faults.other_programs import RACES, Race, check_races, rewrites_the_source


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
@pytest.mark.parametrize("name", ["a photo", "a group across devices", "a group by links"])
def test_another_program_between_any_two_steps(
    race: Race, name: str, near: Path, far: Path, *, exhaustive: bool
) -> None:
    assert check_races(BY_NAME[name], race, near, far, exhaustive=exhaustive) > 10


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
def test_and_while_photos_are_copied(race: Race, near: Path, far: Path, *, exhaustive: bool) -> None:
    assert check_races(BY_NAME["a group copied"], race, near, far, exhaustive=exhaustive) > 10


# not in place: while a copy is removed, a lease keeps those who write to its original waiting, as it would us
@pytest.mark.parametrize(
    "race", [race for race in RACES if race is not rewrites_the_source], ids=lambda race: race.__name__
)
def test_and_while_a_copy_is_taken_back(race: Race, near: Path, far: Path, *, exhaustive: bool) -> None:
    assert check_races(UNDO_OF_A_COPY, race, near, far, exhaustive=exhaustive) > 10
