"""What the inbox knows of each folder it looks into, and of each inbox."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from photo_organizer.inbox.ignore_rules import Ignored
from photo_organizer.inbox.readiness.stability import Observation


@dataclass(slots=True, eq=False)
class PendingGroup:
    """A group that waits for its time: to have settled, or to be collected.

    `names` begin with the photo's; all lie in `folder`. `lacks_rest`: a part of its video is still to come.
    """

    folder: Folder
    names: tuple[str, ...]
    due: float = inf
    lacks_rest: bool = False


@dataclass(slots=True, eq=False)
class Folder:
    """A folder in an inbox. Plain data; `Inbox` and its parts work on it.

    Attributes:
        inode: as its parent lists it, to notice another folder in its place.
        due: when to look into it again, kept by the agenda.
        earliest: not before this, in proportion to what the last look cost.
        deep: whether the next look goes on into the known folders below.
        sweeping: whether a sweep of the inbox still waits for it.
        hinted: whether something happened there since the last look.
        wants_more: whether photos were left unread for want of room.
        expected: whether a companion waits for a photo that is in flight.
        unreadable: why it, or what lies in it, cannot be looked at; "" when it can.
        seen: the members of the groups that wait.
        groups: these groups by their photo's name.
        strays: companions without a photo that are not offered yet.
        busy: names in flight.
        marker: the patterns of its `.nophotos`, at the last look.
        ignored: what is left alone in it; None before the first look.
        skipped: folders in it that are left alone, hidden ones aside.
        left, orphans, videos, beyond: counts of the last look.
    """

    path: str
    root: Root
    relative: str = ""
    inode: int = 0
    due: float = inf
    earliest: float = 0.0
    deep: bool = True
    sweeping: bool = False
    hinted: bool = False
    wants_more: bool = False
    expected: bool = False
    unreadable: str = ""
    children: dict[str, Folder] = field(default_factory=dict)
    seen: dict[str, Observation] = field(default_factory=dict)
    groups: dict[str, PendingGroup] = field(default_factory=dict)
    strays: dict[str, Observation] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    marker: tuple[str, ...] = ()
    ignored: Ignored | None = None
    skipped: tuple[str, ...] = ()
    left: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    orphans: int = 0
    videos: int = 0
    beyond: int = 0

    def path_of(self, name: str) -> str:
        """The absolute path of a file in this folder."""
        return f"{self.path}/{name}"


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """An inbox as its owner wants it.

    Attributes:
        path: absolute.
        ignore: names to leave alone, see `Patterns`.
        recursive: whether to take photos from the folders in it.
        keeps_originals: whether its photos are copied or linked, and so stay.
    """

    path: Path
    ignore: tuple[str, ...] = ()
    recursive: bool = True
    keeps_originals: bool = False


@dataclass(slots=True, eq=False)
class Root:
    """An inbox.

    Attributes:
        path: as configured, absolute.
        recursive, keeps_originals: see `WatchedFolder`.
        ignored: what is left alone in it.
        trust_clock: whether its files are stamped by this machine's clock.
        polled: whether the kernel does not report all that happens there.
        missing: why it cannot be watched, or "".
        read_only: why nothing can be moved out of it, or "".
        place: device and inode of the folder that was watched last.
        mounted: whether it was a mount point then.
        sweeping: how many folders the running sweep waits for.
        next_sweep: when the next one begins (monotonic).
    """

    path: Path
    trust_clock: bool
    polled: bool
    recursive: bool = True
    keeps_originals: bool = False
    ignored: Ignored = field(default_factory=Ignored)
    missing: str = ""
    read_only: str = ""
    place: tuple[int, int] | None = None
    mounted: bool = False
    sweeping: int = 0
    swept: bool = False
    sweep_began: float = 0.0
    sweep_cost: float = 0.0
    next_sweep: float = 0.0

    def look(self) -> tuple[str, tuple[int, int] | None]:
        """Return why the inbox cannot be watched ("" when it can), and which folder is in its place.

        A mount point whose file system is gone is an empty folder to the eye: it counts as missing, so that
        nothing is made of its emptiness. With something in it, it is a folder that the owner uses instead.
        """
        try:
            status = self.path.stat()
            above = self.path.parent.stat()
            with os.scandir(self.path) as entries:
                empty = next(entries, None) is None
        except OSError as error:
            return (error.strerror or str(error)).lower(), None
        if self.mounted and empty and status.st_dev == above.st_dev:
            return "not mounted", None
        self.mounted = status.st_dev != above.st_dev
        self.read_only = self._why_read_only()
        return "", (status.st_dev, status.st_ino)

    def _why_read_only(self) -> str:
        """Return why nothing can be moved out of it; "" when it can, need not, or when it cannot be told."""
        if self.keeps_originals:
            return ""
        try:
            if os.statvfs(self.path).f_flag & os.ST_RDONLY:
                return "its disk is read-only"
        except OSError:
            return ""
        return "" if os.access(self.path, os.W_OK | os.X_OK) else "the folder is read-only"
