"""A `FileOperations` that tells of each step before and after it is made, so that a test can interfere
there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from photo_organizer.fsops import FileOperations

NEVER_FAIL = {"close", "hold_against_writers", "may_change", "is_being_written"}
"""By their contract."""

CHANGING = {
    "make_folder", "remove_folder", "create_file", "open_ledger", "write", "truncate", "sync",
    "copy_attributes",
    "rename_without_replacing", "rename_own", "link", "symlink", "unlink", "commit",
}  # fmt: skip
"""Steps that change what is on the disk; before any other step the disk is as before the one that follows."""


@dataclass(frozen=True)
class Step:
    number: int
    name: str
    arguments: tuple[Any, ...]


class SteppedOperations(FileOperations):
    """Calls `before` and `after` with each step, counted from 1."""

    def __init__(
        self, before: Callable[[Step], None] | None = None, after: Callable[[Step, Any], None] | None = None
    ) -> None:
        self.before = before
        self.after = after
        self.steps: list[Step] = []


def _stepped(name: str) -> Callable[..., Any]:
    def method(self: SteppedOperations, *arguments: Any) -> Any:
        step = Step(len(self.steps) + 1, name, arguments)
        self.steps.append(step)
        if self.before:
            self.before(step)
        # looked up at the call, so that a mutation of the real operations is seen here, too
        result = getattr(FileOperations, name)(self, *arguments)
        if self.after:
            self.after(step, result)
        return result

    return method


STEP_NAMES = tuple(name for name in vars(FileOperations) if not name.startswith("_"))
for _name in STEP_NAMES:
    setattr(SteppedOperations, _name, _stepped(_name))
