"""Errors in a configuration: all problems at once, one line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from photo_organizer.errors import OrganizerError, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem in a configuration.

    Args:
        what: what is wrong, with the value where there is one ("'fast' is not a number").
        line: line in the file, from 1; 0 when it is about the whole file.
        key: dotted key ("watch.settle_seconds"); empty when it is not about a key.
        remedy: what to write instead; empty when it is obvious.
    """

    what: str
    line: int = 0
    key: str = ""
    remedy: str = ""

    def describe(self, path: Path | str) -> str:
        """Return the problem on one line: file, line, key, what is wrong, and what to write instead."""
        where = f"{path}:{self.line}" if self.line else f"{path}"
        parts = [where, self.key, self.what] if self.key else [where, self.what]
        line = ": ".join(parts) + (f"; {self.remedy}" if self.remedy else "")
        return printable(line)


class ConfigurationError(OrganizerError):
    """The configuration is invalid; `str()` has one line for each of `problems`."""

    exit_code = 2

    def __init__(self, path: Path | str, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.key)))
        super().__init__(self.problems[0].what, where=path)

    def __str__(self) -> str:
        return "\n".join(problem.describe(self.path) for problem in self.problems)
