"""Stop the world before a given step, or in the middle of a write.

Every fifth stop is a real process killed by SIGKILL. At the others the run ends in this process, which takes
a fifth of the time: from the stop on every step raises `DiedError`, so that nothing that cleans up can change
the disk, and SQLite rolls back what was not committed, as it does for a process that is gone. With
`EXHAUSTIVE=1` every stop is a real one.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photo_organizer.fsops import FileOperations
from photo_organizer.library import Library
from support.faults.fault_scenarios import Scenario, limited, make_world
from support.faults.fault_steps import CHANGING, Step, SteppedOperations
from support.faults.photo_world import BrokenPromiseError, World

_REAL_EVERY = 1 if os.environ.get("EXHAUSTIVE") else 5
_DONE = 0
_FAILED = 70


class DiedError(BaseException):
    """Takes the place of SIGKILL."""


@dataclass(frozen=True)
class Stop:
    """Before step `number`; `torn`: after half of the bytes that the step was to write."""

    number: int
    torn: bool = False

    def kill(self, step: Step) -> None:
        """End this process at the step."""
        if step.number == self.number:
            self._tear(step)
            os.kill(os.getpid(), signal.SIGKILL)

    def die(self, step: Step) -> None:
        """Let this step and each after it raise, but for those that close a descriptor."""
        if step.number == self.number:
            self._tear(step)
        if step.number >= self.number and step.name != "close":
            raise DiedError

    def _tear(self, step: Step) -> None:
        if self.torn:
            assert step.name == "write", step
            descriptor, data, offset = step.arguments
            FileOperations().write(descriptor, bytes(data)[: len(data) // 2], offset)

    def run(self, act: Callable[[Callable[[Step], None]], object]) -> bool:
        """Run `act`, which is given what to call before each step, and return whether it was stopped.

        Raises:
            BrokenPromiseError: it failed otherwise.
        """
        if self.number % _REAL_EVERY:
            try:
                act(self.die)
            except DiedError:
                return True
            return False
        code = in_process(lambda: act(self.kill))
        if code not in {-signal.SIGKILL, _DONE}:
            raise BrokenPromiseError(f"{self}: the process ended with {code}")
        return code != _DONE


def in_process(act: Any) -> int:
    """Runs `act` in a process of its own; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001 (the test's own process must not go on with the tests)
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(_FAILED)
        os._exit(_DONE)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def steps_of(scenario: Scenario, near: Path, far: Path) -> list[Step]:
    """The steps of an undisturbed run."""
    world = make_world(scenario, near, far)
    before = world.contents()
    with begun(scenario, world) as (library, operations):
        scenario.act(world, library)
        steps = list(operations.steps)
        world.check_instant(before)
        world.check_recovered(before, library)
    return steps


@contextmanager
def begun(scenario: Scenario, world: World) -> Iterator[tuple[Library, SteppedOperations]]:
    """The library, opened anew after the scenario's beginning; the steps are counted from here."""
    with world.open(limited(FileOperations, scenario.limits)()) as library:
        scenario.begin(world, library)
    operations = limited(SteppedOperations, scenario.limits)()
    with world.open(operations) as library:
        operations.steps.clear()
        yield library, operations


def stops_of(steps: list[Step]) -> list[Stop]:
    """Every place to stop at that leaves something else on the disk than the one before."""
    stops = []
    for step in steps:
        if step.name in CHANGING:
            stops.append(Stop(step.number))
        if step.name == "write" and len(step.arguments[1]) > 1:
            stops.append(Stop(step.number, torn=True))
    return stops


def stop_at(scenario: Scenario, stop: Stop, near: Path, far: Path) -> tuple[World, Counter[str]]:
    """A world in which the scenario was killed at `stop`, and what was in it before."""
    world = make_world(scenario, near, far)
    before = world.contents()

    def act(before_step: Callable[[Step], None]) -> None:
        with begun(scenario, world) as (library, operations):
            operations.before = before_step
            scenario.act(world, library)

    stop.run(act)
    return world, before


def kill_recovery(scenario: Scenario, world: World, stop: Stop) -> bool:
    """Starts again and is killed at `stop` of that; False when it was over before."""

    def act() -> None:
        operations = limited(SteppedOperations, scenario.limits)()
        operations.before = stop.kill
        with world.open(operations) as library:
            library.recover()

    # a real process: half-opened libraries hold locks that only its end releases
    return in_process(act) == -signal.SIGKILL


def check_stop(
    scenario: Scenario, stop: Stop, near: Path, far: Path, *, in_recovery: Sequence[Stop] = ()
) -> None:
    """Kills the scenario at `stop`, and each recovery at one of `in_recovery`; starts again, and checks.

    Raises:
        BrokenPromiseError: something that must hold does not.
    """
    world, before = stop_at(scenario, stop, near, far)
    for second in in_recovery:
        kill_recovery(scenario, world, second)
    if scenario.is_last_resort:
        if missing := before - world.contents():
            raise BrokenPromiseError(f"{scenario} at {stop}: not under a complete name: {missing}")
    else:
        world.check_instant(before)
    world.recovered(before, limited(FileOperations, scenario.limits)(), scenario.repeat)
