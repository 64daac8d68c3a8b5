"""A small loop that drives an Inbox as the daemon does: it waits for a wake-up or for the next due time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from photo_organizer.formats import by_extension
from photo_organizer.inbox import Inbox, LateCompanion
from photo_organizer.photo import AssetGroup, Photo

SETTLE = 0.1
LONG_SETTLE = 1.0
"""For tests that act before a file has settled: long enough that a busy machine cannot make them late."""
JPEG_HEAD = b"\xff\xd8\xff\xe0\0\x10JFIF\0"


class Start(Protocol):
    """Starts an inbox on the test's folder; keyword arguments are those of `Watch` and of `Inbox`."""

    def __call__(
        self,
        *,
        is_held: Callable[[Photo], bool] = ...,
        videos: bool = ...,
        available_extras: frozenset[str] = ...,
        library: Path | None = ...,
        is_kept_original: Callable[[Photo], bool] | None = ...,
        **watch: object,
    ) -> Driver: ...


@dataclass(frozen=True)
class Watch:
    mode: str = "auto"
    settle_seconds: float = SETTLE
    rescan_seconds: float = 300.0
    incomplete_minutes: float = 10.0
    recursive: bool = True
    remove_empty_folders: bool = False
    ignore: tuple[str, ...] = ()


@dataclass
class Driver:
    """Runs an inbox. What it hands out stays in flight unless a test says otherwise."""

    inbox: Inbox
    folder: Path
    groups: list[AssetGroup] = field(default_factory=list)
    late: list[LateCompanion] = field(default_factory=list)
    wakes: int = 0
    awake: threading.Event = field(default_factory=threading.Event)

    def wake(self) -> None:
        self.wakes += 1
        self.awake.set()

    def step(self, deadline: float, limit: int = 256) -> None:
        due = self.inbox.next_due()
        until = deadline if due is None else min(due, deadline)
        self.awake.wait(max(0.0, until - time.monotonic()))
        self.awake.clear()
        collection = self.inbox.collect(limit)
        self.groups += collection.groups
        self.late += collection.late

    def run_until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds} s; so far {sorted(self.names)[:40]}"
            self.step(deadline)

    def run_for(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.step(deadline)

    def take(self, number: int) -> list[AssetGroup]:
        """Run until `number` groups came in all."""
        self.run_until(lambda: len(self.groups) >= number)
        return self.groups

    def settle_all(self) -> None:
        """Run until all that was written so far has been looked at: a photo written last has been offered."""
        last = self.folder / "zz-written-last.jpg"
        last.write_bytes(b"photo")
        self.run_until(lambda: any(group.photo.path == last for group in self.groups))
        (group,) = (group for group in self.groups if group.photo.path == last)
        self.groups.remove(group)
        last.unlink()
        self.inbox.done(group)
        self.run_until(lambda: (self.inbox.next_due() or 0) > time.monotonic() + 20)

    def move_away(self, group: AssetGroup, where: Path) -> None:
        for member in (group.photo, *group.companions):
            member.path.rename(where / member.path.name)
        self.inbox.done(group)

    @property
    def names(self) -> set[str]:
        """The photos offered, by their path in the inbox."""
        return {os.path.relpath(group.photo.path, self.folder) for group in self.groups}


def write_many(folder: Path, names: list[str]) -> None:
    """Small files; those named as an image begin as a JPEG does."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((JPEG_HEAD if by_extension(name) else b"") + b"content of " + os.fsencode(name))
