"""An error that nobody foresaw, at any step: one photo is set aside with the reason, and the rest goes on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from photo_organizer.errors import OrganizerError
from photo_organizer.library import FilingReport
from support.faults.fault_scenarios import BY_NAME, Scenario, make_world
from support.faults.fault_steps import NEVER_FAIL, Step
from support.faults.stops import begun, steps_of

KINDS = (
    OverflowError("Python int too large to convert to SQLite INTEGER"),
    ValueError("year -9608 is out of range"),
    UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed"),
    sqlite3.DataError("string or blob too big"),
    RecursionError("maximum recursion depth exceeded"),
    MemoryError(),
    KeyError("taken"),
    AttributeError("'NoneType' object has no attribute 'st_size'"),
)
SCENARIOS = [
    BY_NAME[name]
    for name in (
        "a batch with a duplicate",
        "quarantine",
        "undo",
        "a late companion",
        "a group across devices",
        "a group copied",
    )
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_at_each_step(scenario: Scenario, near: Path, far: Path, *, exhaustive: bool) -> None:
    for step in steps_of(scenario, near, far):
        if step.name in NEVER_FAIL:
            continue
        for error in KINDS if exhaustive else (KINDS[step.number % len(KINDS)],):
            check_unforeseen(scenario, step, error, near, far)


def check_unforeseen(scenario: Scenario, at: Step, error: Exception, near: Path, far: Path) -> None:
    world = make_world(scenario, near, far)
    before = world.contents()

    def fail(step: Step) -> None:
        if step.number == at.number:
            raise error

    where = f"{type(error).__name__} at step {at.number}, {at.name}"
    with begun(scenario, world) as (library, operations):
        operations.before = fail
        try:
            report = scenario.act(world, library)
        except OrganizerError:
            report = None  # `undo`, which has nothing to set aside, says so
        operations.before = None
        world.check_instant(before)
        if isinstance(report, FilingReport) and report.set_aside:
            (*_, (_, trouble)) = report.set_aside
            crash_log = world.state / "crash.log"
            assert (
                f"unexpected error ({type(error).__name__}" in trouble.what or "no longer" in trouble.what
            ), where
            assert type(error).__name__ in crash_log.read_text(), where
        scenario.repeat(world, library)
        library.recover()
        world.check_recovered(before, library)
        again = world.file_all(library)
        assert not again.set_aside, (where, again.set_aside)
        assert not again.pause, where
        world.check_recovered(before, library)
