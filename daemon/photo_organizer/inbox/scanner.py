"""Looks into folders when they are due and keeps the groups found there. One thread only; see `Inbox`."""

from __future__ import annotations

import errno
import logging
import os
import stat
import time
from collections import deque
from collections.abc import Collection
from math import inf
from pathlib import Path

from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import printable
from photo_organizer.formats import recognise
from photo_organizer.inbox.directory_scan import DirectoryScan, Question, look
from photo_organizer.inbox.due_queue import DueQueue
from photo_organizer.inbox.folder_state import Folder, PendingGroup, Root
from photo_organizer.inbox.grouping_state import GroupingState
from photo_organizer.inbox.ignore_rules import Ignored, belongs_to_a_program, marker_patterns
from photo_organizer.inbox.readiness.content_type import read_head
from photo_organizer.inbox.readiness.stability import Instant
from photo_organizer.inbox.skip_cache import NOT_AN_IMAGE, SkipCache, SkipReason
from photo_organizer.inbox.watcher import Hints, InotifyWatcher
from photo_organizer.photo import FileIdentity

logger = logging.getLogger(__name__)

WINDOW = 4096
"""Groups that wait at a time; the others wait in their folder."""

_REST = 8.0
"""A folder rests this many times as long as the last look into it took."""

_POLLING_REST = 50.0
_MISSING_SECONDS = 2.0
_SHORTEST_POLL, _LONGEST_POLL = 0.05, 2.0


class Scanner:
    """The folders of all inboxes, what waits in them, and when to look again.

    Args:
        roots: the inboxes.
        skip_cache: reasons why files stay.
        libraries: never entered.
        grouping_state: makes groups of what a look finds.

    Attributes:
        groups: the groups that wait, by their time.
        folders: every known folder, by its path.
        watcher: asked to watch each folder before it is listed; None when nothing is watched.
        hints: told before each look; None when nothing is watched.
        crash_log: where the details of an error go that nobody foresaw; None to have it raised.
    """

    def __init__(
        self,
        roots: list[Root],
        skip_cache: SkipCache,
        *,
        libraries: Collection[str],
        settle_seconds: float,
        rescan_seconds: float,
        grouping_state: GroupingState,
    ) -> None:
        self.roots = roots
        self.hints: Hints | None = None
        self.watcher: InotifyWatcher | None = None
        self.crash_log: CrashLog | None = None
        self.groups = grouping_state.groups
        self._grouping = grouping_state
        self.folders: dict[str, Folder] = {}
        self._looks: DueQueue[Folder] = DueQueue()
        self._wanting_more: deque[Folder] = deque()
        self._skip_cache = skip_cache
        self._libraries = libraries
        self._settle_seconds = settle_seconds
        self._rescan_seconds = rescan_seconds
        for root in roots:
            self.folders[str(root.path)] = Folder(str(root.path), root)

    def hint(self, path: str, now: float) -> None:
        """Something happened in a folder. What follows within a moment is seen in the same look."""
        folder = self.folders.get(path)
        if folder is not None:
            folder.hinted = True
            self.plan(folder, now + min(0.2, self._settle_seconds / 2))

    def plan(self, folder: Folder, at: float) -> None:
        """Look into `folder` at `at`, or sooner when that is planned, but not before it has rested."""
        at = max(at, folder.earliest)
        if at < folder.due and folder.path in self.folders:
            self._looks.plan(folder, at)

    def sweep(self, root: Root, now: float) -> None:
        """Look into every folder of an inbox."""
        folder = self.folders[str(root.path)]
        root.sweep_began, root.sweep_cost = now, 0.0
        root.next_sweep = inf
        self._join_sweep(folder)
        self.plan(folder, now)

    def remount(self, root: Root, below: str, now: float) -> None:
        """A file system was mounted or unmounted: look anew at an inbox, or at a folder in it.

        Args:
            root: the inbox.
            below: the folder, relative to the inbox; "" when the inbox itself may be another folder now.
            now: monotonic seconds.
        """
        if not below:
            self.sweep(root, now)
            return
        path = f"{root.path}/{below}"
        folder = self.folders.get(path)
        if folder is not None:
            self.drop(folder)
        above = self.folders.get(os.path.dirname(path))
        if above is not None:
            self.plan(above, now)

    def pop_group(self, now: float) -> PendingGroup | None:
        """A group that is due, or None; it waits no longer. What just came to its folder is met first."""
        while (waiting := self.groups.pop(now)) is not None:
            folder = waiting.folder
            if not folder.hinted or folder.earliest > now:
                return waiting
            self.groups.plan(waiting, now)
            self._looks.drop(folder)
            self._look_into(folder)
        return None

    def next_due(self) -> float | None:
        """When something is due (monotonic): a look, a sweep, or a group."""
        times = [root.next_sweep for root in self.roots]
        times += [due for due in (self._looks.next_due(), self.groups.next_due()) if due is not None]
        if self._wanting_more and len(self.groups) <= WINDOW // 2:
            return 0.0
        return min(times, default=None)

    def work(self, until: float) -> None:
        """Do the looks that are due, until the given monotonic time (the last one may overrun it)."""
        now = time.monotonic()
        for root in self.roots:
            if root.next_sweep <= now:
                self.sweep(root, now)
        while (now := time.monotonic()) < until:
            folder = self._looks.pop(now)
            if folder is None and self._wanting_more and len(self.groups) <= WINDOW // 2:
                folder = self._wanting_more[0]
                self._looks.drop(folder)
            if folder is None:
                return
            self._look_into(folder)

    def _look_into(self, folder: Folder) -> None:
        """Look into a folder; an error that nobody foresaw has its photos wait, and no others."""
        try:
            self._look_through(folder)
        except Exception as error:
            if self.crash_log is None:
                raise
            self._cannot_look(folder, OSError(errno.EIO, self.crash_log.describe(error, folder.path)))

    def _look_through(self, folder: Folder) -> None:
        began = time.monotonic()
        folder.hinted = False
        if folder.wants_more:
            folder.wants_more = False
            self._wanting_more.remove(folder)
        if folder.relative == "" and not self._is_there(folder, began):
            return
        try:
            if folder.relative and not stat.S_ISDIR(Path(folder.path).lstat().st_mode):
                raise NotADirectoryError(errno.ENOTDIR, "a folder no more")
            if self.hints is not None:
                self.hints.listen(folder.path)
            self._watch(folder)
            listing = look(self._question(folder, began))
        except OSError as error:
            self._cannot_look(folder, error)
            return
        folder.unreadable = (
            f"{listing.unreachable:,} photos in it are out of reach" if listing.unreachable else ""
        )
        folder.skipped = tuple(listing.skipped)
        self._visit_children(folder, listing)
        look_again = self._grouping.reload(folder, listing, Instant.now())
        ended = time.monotonic()
        folder.earliest = ended + _REST * (ended - began)
        folder.root.sweep_cost += ended - began
        if look_again is not None:
            self.plan(folder, look_again)
        if listing.truncated:
            folder.wants_more = True
            self._wanting_more.append(folder)
        else:
            self._leave_sweep(folder)

    def _rules_of(self, folder: Folder) -> Ignored:
        """What is left alone in a folder: as in the one above it, and as its own `.nophotos` says.

        The folders in it are looked into again when that has changed.
        """
        marker = marker_patterns(folder.path)
        above = self.folders.get(os.path.dirname(folder.path)) if folder.relative else None
        outer = folder.root.ignored if above is None or above.ignored is None else above.ignored
        ignored = outer.in_folder(marker, folder.relative)
        if folder.ignored is not None and ignored != folder.ignored:
            folder.deep = True
        folder.marker, folder.ignored = marker, ignored
        return ignored

    def _question(self, folder: Folder, now: float) -> Question:
        def recall(name: str, status: os.stat_result) -> SkipReason | None:
            return self._skip_cache.recall(folder.path_of(name), FileIdentity.of(status))

        def may_be_image(name: str, status: os.stat_result) -> bool:
            path = folder.path_of(name)
            try:
                found = recognise(read_head(path))
            except OSError:  # told when it is due
                return True
            if found is None:
                self._skip_cache.note(path, FileIdentity.of(status), SkipReason(NOT_AN_IMAGE))
            return found is not None

        return Question(
            folder=folder.path,
            ignored=self._rules_of(folder).within(folder.relative),
            awaited=frozenset(filter(self._grouping.may_be_photo, folder.seen)),
            busy=frozenset(folder.busy),
            room=max(0, WINDOW - len(self.groups)),
            recall=recall,
            may_be_image=may_be_image,
            now=now,
            videos=self._grouping.videos,
        )

    def _watch(self, folder: Folder) -> None:
        """Have the kernel report on a folder before it is listed, so that nothing slips between."""
        if self.watcher is None or self.watcher.is_watched(folder.path):
            return
        try:
            self.watcher.watch(folder.path)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.ENOMEM}:
                raise
            if not folder.root.polled:
                folder.root.polled = True
                logger.warning(
                    "%s: the kernel watches no more folders (%s); looking every few seconds instead",
                    printable(folder.root.path),
                    "raise fs.inotify.max_user_watches",
                )

    def _cannot_look(self, folder: Folder, error: OSError) -> None:
        if error.errno in {errno.ENOENT, errno.ENOTDIR} and folder.relative:
            self.drop(folder)
            return
        if not folder.unreadable:
            folder.unreadable = (error.strerror or str(error)).lower()
            logger.warning("%s: cannot look into this folder: %s", printable(folder.path), error.strerror)
        self._leave_sweep(folder)

    def _visit_children(self, folder: Folder, listing: DirectoryScan) -> None:
        """Look into folders that are new here, or, in a sweep, into all."""
        found = dict(listing.folders) if folder.root.recursive else {}
        for name, child in list(folder.children.items()):
            if found.get(name) != child.inode:
                self.drop(child)
        now = time.monotonic()
        for name, inode in found.items():
            path = folder.path_of(name)
            if path in self._libraries:
                continue
            if belongs_to_a_program(path):
                folder.skipped = (*folder.skipped, name)
                continue
            known = folder.children.get(name)
            if known is None:
                relative = f"{folder.relative}/{name}" if folder.relative else name
                known = folder.children[name] = self.folders[path] = Folder(
                    path, folder.root, relative, inode
                )
            elif not folder.deep:
                continue
            known.deep = True
            if folder.sweeping:
                self._join_sweep(known)
            self.plan(known, now)
        folder.deep = False

    def _is_there(self, folder: Folder, now: float) -> bool:
        root = folder.root
        why, place = root.look()
        if why or place != root.place:
            for child in list(folder.children.values()):
                self.drop(child)
            if self.watcher is not None:
                self.watcher.forget(folder.path)
        if why:
            if not root.missing:
                logger.warning("%s: the inbox is missing (%s); waiting for it", printable(root.path), why)
            root.missing = why
            self._empty(folder)
            self._leave_sweep(folder)
            root.next_sweep = now + min(_MISSING_SECONDS, self._rescan_seconds)
            return False
        if root.missing:
            logger.info("%s: the inbox is there again", printable(root.path))
        if root.missing or place != root.place:
            folder.deep = True
            root.missing, root.place = "", place
            self._join_sweep(folder)
        return True

    def drop(self, folder: Folder) -> None:
        """A folder is gone, and all below it: await nothing there any more."""
        above = self.folders.get(os.path.dirname(folder.path))
        if above is not None:
            above.children.pop(os.path.basename(folder.path), None)
        gone = [folder]
        while gone:
            folder = gone.pop()
            gone.extend(folder.children.values())
            folder.children.clear()
            self.folders.pop(folder.path, None)
            self._looks.drop(folder)
            self._empty(folder)
            self._leave_sweep(folder)
            if self.hints is not None:
                self.hints.listen(folder.path)
            if self.watcher is not None:
                self.watcher.forget(folder.path)

    def _empty(self, folder: Folder) -> None:
        for waiting in folder.groups.values():
            self.groups.drop(waiting)
        folder.groups, folder.seen, folder.strays = {}, {}, {}
        folder.left.clear()
        folder.skipped = ()
        folder.orphans = folder.videos = folder.beyond = 0
        if folder.wants_more:
            folder.wants_more = False
            self._wanting_more.remove(folder)

    def _join_sweep(self, folder: Folder) -> None:
        folder.deep = True
        if not folder.sweeping:
            folder.sweeping = True
            folder.root.sweeping += 1

    def _leave_sweep(self, folder: Folder) -> None:
        """The sweep waits for this folder no longer; after the last one the next sweep is planned."""
        if not folder.sweeping:
            return
        folder.sweeping = False
        root = folder.root
        root.sweeping -= 1
        if root.sweeping:
            return
        root.swept = True
        now = time.monotonic()
        root.next_sweep = max(root.sweep_began + self._rescan_seconds, now + _REST * root.sweep_cost)
        if root.polled:
            pause = min(max(self._settle_seconds, _SHORTEST_POLL), _LONGEST_POLL)
            root.next_sweep = min(root.next_sweep, now + max(pause, _POLLING_REST * root.sweep_cost))
        if all(inbox.swept or inbox.missing for inbox in self.roots):
            self._skip_cache.end_sweep()
            for inbox in self.roots:
                inbox.swept = False
