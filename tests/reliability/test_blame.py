"""A failing inbox sets its photo aside, a failing library pauses; neither is taken for the other."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from support.faults.errors_injected import Failure, check_failure
from support.faults.fault_scenarios import BY_NAME, make_world
from support.faults.fault_steps import NEVER_FAIL, Step
from support.faults.stops import begun

BOTH_SIDES = {"rename_without_replacing", "link", "commit"}


def sides(name: str, near: Path, far: Path) -> list[tuple[Step, str]]:
    """Each step that works on one side alone, with that side: `inbox` or `library` (or our own files)."""
    scenario = BY_NAME[name]
    world = make_world(scenario, near, far)
    found: list[tuple[Step, str]] = []

    def look(step: Step) -> None:
        if step.name in NEVER_FAIL | BOTH_SIDES:
            return
        first, *others = step.arguments
        if step.name == "open_root":
            path = Path(os.fsdecode(first))
        else:
            by_name = isinstance(first, bytes) or step.name == "copy_attributes"
            path = Path("/proc/self/fd", str(others[0] if by_name else first)).readlink()
        found.append((step, "inbox" if path.is_relative_to(world.inbox) else "library"))

    with begun(scenario, world) as (library, operations):
        operations.before = look
        scenario.act(world, library)
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are looked up in /proc")
@pytest.mark.parametrize("name", ["a photo", "a group across devices"])
def test_each_side_is_blamed_for_its_own(name: str, near: Path, far: Path, *, exhaustive: bool) -> None:
    seen = set()
    codes = (errno.EIO, errno.EROFS, errno.EACCES)
    pairs = sides(name, near, far)
    for number, (step, side, code) in enumerate((*pair, code) for pair in pairs for code in codes):
        if not exhaustive and number % 4:  # each error by turns
            continue
        report: Any = check_failure(BY_NAME[name], Failure(step.number, code), near, far, starts_again=False)
        where = f"{errno.errorcode[code]} at step {step.number}, {step.name}: {report}"
        if side == "inbox":
            assert report.pause is None, where
            assert report.set_aside or report.filed, where
        else:  # or it went on all the same, by another way
            assert report.pause or report.filed, where
            assert not report.set_aside, where
        seen.add(side)
    assert seen == {"inbox", "library"}


@pytest.mark.parametrize("name", ["a photo", "a group across devices"])
def test_without_descriptors_it_pauses(name: str, near: Path, far: Path) -> None:
    for step, _ in sides(name, near, far)[::4]:
        report: Any = check_failure(
            BY_NAME[name], Failure(step.number, errno.EMFILE), near, far, starts_again=False
        )
        assert not report.set_aside, step
