"""What was changed and is not synced when the journal says that it is done."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from photo_organizer.library.record.journal import Journal
from support.faults.fault_steps import Step
from support.faults.photo_world import BrokenPromiseError

Key = tuple[int, int]
_CHANGES_FOLDERS = {
    "rename_without_replacing": (1, 3), "rename_own": (1, 3), "link": (3,), "symlink": (2,), "unlink": (1,),
    "create_file": (1,), "make_folder": (1,),
}  # fmt: skip
"""Which arguments of a step are folders whose names it changes."""
_CHANGES_FILES = {"write": 0, "truncate": 0, "copy_attributes": 1}


class Unsynced:
    """Follows the steps: `after` is to be called behind each of them."""

    def __init__(self) -> None:
        self._folders: dict[Key, str] = {}
        self._files: dict[Key, int] = {}
        """A descriptor of each file that was written to; it neither reads nor writes (O_PATH)."""
        self.checks = 0

    def after(self, step: Step, _: Any) -> None:
        for at in _CHANGES_FOLDERS.get(step.name, ()):
            self._folders[_key(step.arguments[at])] = f"{step.name} {step.arguments[0]!r}"
        if (at := _CHANGES_FILES.get(step.name, -1)) >= 0 and _key(step.arguments[at]) not in self._files:
            descriptor = os.open(f"/proc/self/fd/{step.arguments[at]}", os.O_PATH)
            self._files[_key(descriptor)] = descriptor
        if step.name == "sync":
            self._folders.pop(_key(step.arguments[0]), None)
            self._forget(_key(step.arguments[0]))

    def _forget(self, key: Key) -> None:
        if key in self._files:
            os.close(self._files.pop(key))

    def check(self, what: str) -> None:
        """Raise unless everything is synced; a file that has no name any more need not be.

        Raises:
            BrokenPromiseError: something is not.
        """
        self.checks += 1
        for key in [key for key, descriptor in self._files.items() if os.fstat(descriptor).st_nlink == 0]:
            self._forget(key)
        files = [os.readlink(f"/proc/self/fd/{descriptor}") for descriptor in self._files.values()]
        if self._folders or files:
            raise BrokenPromiseError(f"not synced when {what}: {sorted(self._folders.values())} {files}")

    @contextmanager
    def checked(self) -> Iterator[None]:
        """Check whenever the journal is told that operations are done, abandoned or in the ledger."""
        finish, record = Journal.finish, Journal.record

        def checked_finish(
            journal: Journal, done: Sequence[Any], abandoned: Sequence[Any], landed: Mapping[int, Any]
        ) -> None:
            self.check("the journal says how it ended")
            finish(journal, done, abandoned, landed)

        def checked_record(journal: Journal, recorded: Sequence[int], ledger_size: int) -> None:
            self.check("the journal says that it is in the ledger")
            record(journal, recorded, ledger_size)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Journal, "finish", checked_finish)
            patch.setattr(Journal, "record", checked_record)
            yield


def _key(descriptor: int) -> Key:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
