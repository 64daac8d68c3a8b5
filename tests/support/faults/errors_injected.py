"""Lets one step fail with an error, before or after it has had its effect, and looks at who gets the
blame."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photo_organizer.errors import OrganizerError
from photo_organizer.fsops import FileOperations
from support.faults.fault_scenarios import Scenario, limited, make_world
from support.faults.fault_steps import CHANGING, NEVER_FAIL, Step
from support.faults.photo_world import BrokenPromiseError, World
from support.faults.stops import begun

ERRORS = tuple(
    getattr(errno, name)
    for name in (
        "ENOSPC", "EDQUOT", "EROFS", "EIO", "EACCES", "EPERM", "EXDEV", "EEXIST", "ENOENT", "ENAMETOOLONG",
        "EMFILE", "EINTR", "ESTALE",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """`late`: the error comes although the step was made, as it may over a network."""

    number: int
    code: int
    late: bool = False

    def __str__(self) -> str:
        return f"{errno.errorcode[self.code]} {'after' if self.late else 'at'} step {self.number}"

    def before(self, step: Step) -> None:
        if step.number == self.number and not self.late:
            raise OSError(self.code, os.strerror(self.code))

    def after(self, step: Step, _: Any) -> None:
        if step.number == self.number and self.late:
            raise OSError(self.code, os.strerror(self.code))


def failures_of(steps: list[Step], *, exhaustive: bool) -> list[Failure]:
    """Each error at each step, before and after it; or, without `exhaustive`, one a step, by turns."""
    failures = []
    for step in steps:
        if step.name in NEVER_FAIL:
            continue
        turn = step.number % len(ERRORS)
        can_be_late = step.name in CHANGING and step.name not in {"make_folder", "create_file", "open_ledger"}
        for code in ERRORS if exhaustive else (ERRORS[turn],):
            if (step.name, code) != ("status", errno.ENOENT):  # an answer and no failure: nothing is there
                failures.append(Failure(step.number, code))
        for code in ERRORS if exhaustive else (ERRORS[turn - 5],):
            if can_be_late:
                failures.append(Failure(step.number, code, late=True))
    return failures


def check_failure(
    scenario: Scenario, failure: Failure, near: Path, far: Path, *, starts_again: bool = True
) -> Any:
    """Lets the scenario fail there, checks what must hold at once, after the next batch, and after a new
    start.

    Returns:
        What the scenario returned, or the trouble that it raised.

    Raises:
        BrokenPromiseError: it does not hold.
    """
    world = make_world(scenario, near, far)
    before = world.contents()
    with begun(scenario, world) as (library, operations):
        operations.before, operations.after = failure.before, failure.after
        answer = _answer(scenario, world, library, failure)
        operations.before = operations.after = None
        world.check_instant(before)
        scenario.repeat(world, library)
        library.recover()
        world.check_recovered(before, library)
        world.file_all(library)
        world.check_recovered(before, library)
    if starts_again:
        world.recovered(before, limited(FileOperations, scenario.limits)())
    return answer


def _answer(scenario: Scenario, world: World, library: Any, failure: Failure) -> Any:
    try:
        return scenario.act(world, library)
    except OrganizerError as trouble:
        return trouble
    except OSError as error:
        raise BrokenPromiseError(f"{scenario}, {failure}: {error!r} instead of a clear trouble") from error


def is_folder(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)
