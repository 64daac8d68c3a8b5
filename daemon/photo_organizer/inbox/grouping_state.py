"""From the names found in a folder to the groups that wait there."""

from __future__ import annotations

import os
from collections.abc import Callable

from photo_organizer.companions.grouping import NameGroup, bundle
from photo_organizer.companions.kinds import Kind, kind_of
from photo_organizer.formats import by_extension
from photo_organizer.inbox.directory_scan import DirectoryScan
from photo_organizer.inbox.due_queue import DueQueue
from photo_organizer.inbox.folder_state import Folder, PendingGroup
from photo_organizer.inbox.readiness.readiness_check import CHANGES_UNTIL_SLOW, settled_at
from photo_organizer.inbox.readiness.stability import Instant, Observation, observe, regular_file

_PATIENCE = 5.0
"""A companion is taken for one that comes late after this many times `settle_seconds` alone."""


class GroupingState:
    """Keeps the groups of each folder in step with what the last look found.

    Args:
        settle_seconds: how long all members of a group must have been still.
        videos: whether videos alone are wanted.
        available_extras: what can be decoded here; what can stands for its group.
        on_orphan: called with a companion that has been alone in its folder for long enough.
    """

    def __init__(
        self,
        *,
        settle_seconds: float,
        videos: bool,
        available_extras: frozenset[str],
        on_orphan: Callable[[Folder, str, Observation], None],
    ) -> None:
        self.groups: DueQueue[PendingGroup] = DueQueue()
        self.videos = videos
        self._settle_seconds = settle_seconds
        self._available_extras = available_extras
        self._on_orphan = on_orphan

    def may_be_photo(self, name: str) -> bool:
        """Whether a file of this name can stand for a group."""
        kind = kind_of(name)
        return kind in {Kind.PHOTO, Kind.UNKNOWN} or (self.videos and kind is Kind.VIDEO)

    def reload(self, folder: Folder, listing: DirectoryScan, now: Instant) -> float | None:
        """Make groups of what was found; those that are the same as before keep what is known of them.

        Returns:
            when the folder must be looked into again, even if nothing happens there (monotonic), or None.
        """
        photos = [*listing.photos, *listing.present]
        bundles, _ = bundle(photos, listing.companions, usable=self._usable)
        folder.seen = self._observe_all(folder, photos, listing, now)
        self._regroup(folder, bundles)
        folder.left, folder.beyond, folder.expected = listing.left, listing.beyond, listing.expected
        again = [] if listing.next_due is None else [listing.next_due]
        if not listing.truncated:
            folder.orphans, folder.videos = listing.orphans, listing.videos
            again += self._meet_strays(folder, listing.strays, now)
        return min(again, default=None)

    def _observe_all(
        self, folder: Folder, photos: list[str], listing: DirectoryScan, now: Instant
    ) -> dict[str, Observation]:
        statuses = listing.photos | listing.companions
        seen: dict[str, Observation] = {}
        for name in (*photos, *listing.companions):
            before = folder.seen.get(name)
            if name in statuses:
                seen[name] = observe(before, statuses[name], now, trust_clock=folder.root.trust_clock)
            elif before is not None:
                seen[name] = self._once_more(folder, name, before, now)
        return seen

    def _once_more(self, folder: Folder, name: str, before: Observation, now: Instant) -> Observation:
        """An awaited file is looked at when it is due, a restless one also whenever its folder is."""
        if before.changes < CHANGES_UNTIL_SLOW:
            return before
        try:
            status = regular_file(folder.path_of(name))
        except OSError:  # told when it is due
            return before
        if status is None:
            return before
        return observe(before, status, now, trust_clock=folder.root.trust_clock)

    def _regroup(self, folder: Folder, bundles: list[NameGroup]) -> None:
        before, folder.groups = folder.groups, {}
        for group in bundles:
            names = (group.photo, *group.companions)
            waiting = before.get(group.photo)
            if waiting is None or waiting.names != names:
                waiting = PendingGroup(folder, names)
            else:
                del before[group.photo]
            folder.groups[group.photo] = waiting
            due = settled_at((folder.seen[name] for name in names), self._settle_seconds)
            self.groups.plan(waiting, due)
        for gone in before.values():
            self.groups.drop(gone)

    def _meet_strays(self, folder: Folder, found: dict[str, os.stat_result], now: Instant) -> list[float]:
        """Companions without a photo: offered once they have been alone and still for long enough."""
        before, folder.strays = folder.strays, {}
        again = []
        for name, status in found.items():
            stray = observe(before.get(name), status, now, trust_clock=folder.root.trust_clock)
            due = stray.since + _PATIENCE * self._settle_seconds
            if due <= now.monotonic:
                self._on_orphan(folder, name, stray)
                due = now.monotonic  # there may be more of them
            else:
                folder.strays[name] = stray
            again.append(due)
        return again

    def _usable(self, name: str) -> bool:
        image_format = by_extension(name)
        extra = None if image_format is None else image_format.extra
        return extra is None or extra in self._available_extras
