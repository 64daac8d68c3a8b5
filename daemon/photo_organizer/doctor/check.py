"""The result of a check of `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """The result of a check."""

    OK = "ok"
    HINT = "hint"
    """Everything works without it."""
    FIX = "fix"


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found, and what to do about it.

    Attributes:
        name: what was checked.
        mark: the result.
        found: the finding, as a clause.
        remedy: what to do; empty if nothing.
    """

    name: str
    mark: Mark
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Check:
    """Return a check without findings."""
    return Check(name, Mark.OK, found)


def hint(name: str, found: str, remedy: str = "") -> Check:
    """Return a check with something to improve."""
    return Check(name, Mark.HINT, found, remedy)


def fix(name: str, found: str, remedy: str) -> Check:
    """Return a check with something to fix."""
    return Check(name, Mark.FIX, found, remedy)
