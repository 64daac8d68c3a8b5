"""One line of the doctor's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a check ended."""

    OK = "ok"
    HINT = "hint"
    """It works without."""
    FIX = "fix"


@dataclass(frozen=True, slots=True)
class Check:
    """What was found, and what to do about it.

    Attributes:
        name: the subject.
        mark: how it ended.
        found: as a clause.
        remedy: what to do; "" when nothing.
    """

    name: str
    mark: Mark
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Check:
    """Return that all is well with `name`."""
    return Check(name, Mark.OK, found)


def hint(name: str, found: str, remedy: str = "") -> Check:
    """Return something that would be better otherwise."""
    return Check(name, Mark.HINT, found, remedy)


def fix(name: str, found: str, remedy: str) -> Check:
    """Return something that has to be mended."""
    return Check(name, Mark.FIX, found, remedy)
