"""What was changed on the disk and not synced since: a loss of power could undo it."""

from __future__ import annotations

import os
from typing import Any

from support.faults.fault_steps import Step, SteppedOperations
from support.faults.photo_world import HIDDEN

_NEW_NAME = {"rename_without_replacing": (2, 3), "rename_own": (2, 3), "link": (2, 3), "symlink": (1, 2),
             "make_folder": (0, 1), "create_file": (0, 1)}  # fmt: skip
_OLD_NAME = {"rename_without_replacing": (0, 1), "rename_own": (0, 1), "unlink": (0, 1)}
_WRITTEN = ("write", "truncate")


class Unsynced:
    """Listens to operations; `left` is what is not synced. Hidden names of ours may get lost: they are not
    counted.
    """

    def __init__(self, operations: SteppedOperations) -> None:
        self._dirty: dict[tuple[int, int], set[str]] = {}
        operations.after = self._heard

    @property
    def left(self) -> set[str]:
        """What a loss of power could undo, in words."""
        return {what for changes in self._dirty.values() for what in changes}

    def _heard(self, step: Step, result: Any) -> None:
        if step.name == "sync":
            self._dirty.pop(_file(step.arguments[0]), None)
        elif step.name in _WRITTEN:
            self._dirty.setdefault(_file(step.arguments[0]), set()).add("bytes of a file")
        elif step.name == "open_ledger" and os.fstat(result).st_size == 0:
            self._note_name(step, 0, 1)
        for names in (_NEW_NAME, _OLD_NAME):
            if step.name in names:
                self._note_name(step, *names[step.name])

    def _note_name(self, step: Step, name: int, folder: int) -> None:
        plain = step.arguments[name]
        if not os.fsdecode(plain).startswith(HIDDEN):
            text = f"the name {os.fsdecode(plain)} ({step.name})"
            self._dirty.setdefault(_file(step.arguments[folder]), set()).add(text)


def _file(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
