"""The inboxes as one source of photos: what is complete is offered, once, and then is in somebody's hands."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from photo_organizer.companions.kinds import Kind, kind_of
from photo_organizer.companions.late import LateCompanion
from photo_organizer.companions.names import may_accompany
from photo_organizer.errors import printable
from photo_organizer.inbox.collection import Collection, InboxCounts
from photo_organizer.inbox.folder_state import Folder, Root, Waiting
from photo_organizer.inbox.grouping_state import Gathering
from photo_organizer.inbox.ignore_rules import Ignored
from photo_organizer.inbox.mounts import file_system_of, is_remote
from photo_organizer.inbox.readiness import RESTLESS_CHANGES, Offering
from photo_organizer.inbox.scanner import Scanner
from photo_organizer.inbox.skip_cache import NOT_AN_IMAGE, OFFERED_LATE, TRY_AGAIN, Fact, Memory
from photo_organizer.inbox.stability import Moment, Observation
from photo_organizer.inbox.watcher import Hints, InotifyWatcher
from photo_organizer.photo import AssetGroup, Photo

logger = logging.getLogger(__name__)

_LOOKING_SECONDS = 0.1
"""How long one `collect` may look into folders before it hands out what it has."""

_LATE_AT_ONCE = 64
_LATE_VIDEO_SECONDS = 10.0


class WatchSettings(Protocol):
    """The `watch` section of the config."""

    @property
    def mode(self) -> str: ...
    @property
    def settle_seconds(self) -> float: ...
    @property
    def rescan_seconds(self) -> float: ...
    @property
    def recursive(self) -> bool: ...
    @property
    def ignore(self) -> Sequence[str]: ...


class Inbox:
    """Watches folders and offers complete photos with their companions.

    Args:
        inboxes: the folders, absolute. One that is missing is awaited, never made.
        watch: how to watch.
        library: never looked into.
        is_held: whether the library wants a photo left alone (put back by undo). Asked once per offer.
        videos: whether videos alone are offered too.
        available_extras: the optional formats that can be decoded ("heif", "raw", "jxl").

    All methods belong to one thread. Only the `wake` given to `start` is called from others.
    """

    def __init__(
        self,
        inboxes: Sequence[Path],
        watch: WatchSettings,
        *,
        library: Path,
        is_held: Callable[[Photo], bool],
        videos: bool = False,
        available_extras: frozenset[str] = frozenset(),
    ) -> None:
        self._memory = Memory()
        self._hints: Hints | None = None
        self._paused = False
        self._late: list[LateCompanion] = []
        self._in_flight: dict[Path, tuple[Folder, tuple[str, ...]]] = {}
        self._mode = watch.mode
        self._offering = Offering(
            self._memory,
            settle_seconds=watch.settle_seconds,
            is_held=is_held,
            available_extras=available_extras,
        )
        self._scanner = Scanner(
            [self._root(path, watch) for path in inboxes],
            self._memory,
            library=os.fspath(library),
            ignored=Ignored(watch.ignore),
            settle_seconds=watch.settle_seconds,
            rescan_seconds=watch.rescan_seconds,
            recursive=watch.recursive,
            gathering=Gathering(
                settle_seconds=watch.settle_seconds,
                videos=videos,
                available_extras=available_extras,
                on_orphan=self._offer_late,
            ),
        )

    @staticmethod
    def _root(path: Path, watch: WatchSettings) -> Root:
        file_system = file_system_of(os.fspath(path))
        remote = is_remote(file_system)
        polled = watch.mode == "polling" or (watch.mode == "auto" and remote)
        if polled and watch.mode == "auto":
            logger.info(
                "%s: on a network share (%s); looking every few seconds", printable(path), file_system
            )
        return Root(path, trust_clock=not remote and watch.mode != "polling", polled=polled)

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to watch. `wake` is called from another thread when `collect` has something to look at."""
        if all(root.polled for root in self._scanner.roots):
            return
        self._scanner.hints = self._hints = Hints(wake)
        try:
            self._scanner.watcher = InotifyWatcher(self._hints)
        except (OSError, ImportError) as error:
            for root in self._scanner.roots:
                root.polled = True
            remedy = (
                "raise fs.inotify.max_user_instances"
                if isinstance(error, OSError) and error.errno == errno.EMFILE
                else "polling is all that can be done here"
            )
            logger.warning(
                "The kernel reports no changes (%s): looking every few seconds instead; %s", error, remedy
            )

    def stop(self) -> None:
        """End watching. Nothing is collected any more."""
        if self._hints is not None:
            self._hints.mute()
        if self._scanner.watcher is not None:
            self._scanner.watcher.close()
            self._scanner.watcher = None
        self._paused = True

    def collect(self, limit: int) -> Collection:
        """Look at what is due and hand out up to `limit` groups that are complete; each is in flight then."""
        if self._paused or limit <= 0:
            return Collection()
        self._take_hints()
        self._scanner.work(until=time.monotonic() + _LOOKING_SECONDS)
        groups = self._hand_out(limit)
        late, self._late = tuple(self._late[:_LATE_AT_ONCE]), self._late[_LATE_AT_ONCE:]
        due = self.next_due()
        return Collection(tuple(groups), due is not None and due <= time.monotonic(), late)

    def next_due(self) -> float | None:
        """When `collect` has something to do even if nothing wakes it (monotonic seconds), or None."""
        if self._paused:
            return None
        return 0.0 if self._late else self._scanner.next_due()

    def done(self, group: AssetGroup) -> None:
        """The group has left the inbox."""
        if self._land(group) is not None:
            self._offering.forget(group)

    def retry(self, group: AssetGroup, after_seconds: float) -> None:
        """Offer the group again after `after_seconds`, and after twice as long each further time."""
        folder = self._land(group)
        if folder is not None:
            self._scanner.plan(folder, self._offering.postpone(group, after_seconds, Moment.now()))

    def leave(self, group: AssetGroup, reason: str) -> None:
        """The group stays where it is, and is not offered again until a member changes.

        Its content decides how it is counted: no image, or waiting for an extra; else by `reason`.
        """
        folder = self._land(group)
        if folder is not None:
            fact = self._offering.reason_to_leave(group, reason)
            self._offering.note(group, fact)
            folder.left[fact.label] += 1

    def pause(self) -> None:
        """Hand out nothing and look at nothing until `resume`: what arrives meanwhile stays where it is."""
        self._paused = True

    def resume(self) -> None:
        """Go on; what happened meanwhile is seen by the next `collect`."""
        self._paused = False

    @property
    def counts(self) -> InboxCounts:
        """What lies in the inboxes, as far as it has been looked at."""
        now = time.monotonic()
        waiting = list(self._scanner.groups)
        settling = [group for group in waiting if group.due > now]
        folders = self._scanner.folders.values()
        left: Counter[tuple[str, str | None]] = Counter()
        for folder in folders:
            left.update(folder.left)
        del left[OFFERED_LATE, None]
        not_images, retrying = left.pop((NOT_AN_IMAGE, None), 0), left.pop((TRY_AGAIN, None), 0)
        return InboxCounts(
            ready=len(waiting) - len(settling) + sum(folder.beyond for folder in folders),
            settling=len(settling),
            unsettled=sum(
                any(group.folder.seen[name].changes >= RESTLESS_CHANGES for name in group.names)
                for group in settling
            ),
            in_flight=len(self._in_flight),
            retrying=retrying,
            not_images=not_images,
            orphans=sum(folder.orphans for folder in folders),
            videos=sum(folder.videos for folder in folders),
            waiting_for_extra={extra: number for (_, extra), number in left.items() if extra is not None},
            left={reason: number for (reason, extra), number in left.items() if extra is None},
            missing=tuple(root.path for root in self._scanner.roots if root.missing),
        )

    def _take_hints(self) -> None:
        if self._hints is None:
            return
        hint, now = self._hints.take(), time.monotonic()
        if hint.everything:
            logger.info(
                "More happened in the inboxes than the kernel could report: looking through all of them"
            )
            for root in self._scanner.roots:
                self._scanner.sweep(root, now)
        for path in hint.folders:
            self._scanner.hint(path, now)

    def _hand_out(self, limit: int) -> list[AssetGroup]:
        groups: list[AssetGroup] = []
        now = Moment.now()
        while len(groups) < limit and (waiting := self._scanner.pop_group(now.monotonic)) is not None:
            offer = self._offering.consider(waiting, now)
            if offer.again_at is not None:
                self._scanner.groups.plan(waiting, offer.again_at)
                continue
            folder = waiting.folder
            del folder.groups[waiting.names[0]]
            for name in waiting.names:
                folder.seen.pop(name, None)
            if offer.group is None or self._may_be_late(folder, waiting, offer.group):
                self._scanner.plan(folder, now.monotonic)
                continue
            folder.busy.update(waiting.names)
            self._in_flight[offer.group.photo.path] = (folder, waiting.names)
            groups.append(offer.group)
        return groups

    def _may_be_late(self, folder: Folder, waiting: Waiting, group: AssetGroup) -> bool:
        """A phone's video alone is offered as a late companion first, and as a video if nobody takes it."""
        name, path = waiting.names[0], os.fspath(group.photo.path)
        if kind_of(name) is not Kind.VIDEO or not may_accompany(name):
            return False
        known = self._memory.recall(path, group.photo.identity)
        if known is not None and known.reason == OFFERED_LATE:
            return False
        again_at = time.monotonic() + _LATE_VIDEO_SECONDS
        self._late.append(LateCompanion(group.photo, folder.root.path))
        self._offering.note(group, Fact(OFFERED_LATE, due=again_at))
        self._scanner.plan(folder, again_at)
        return True

    def _offer_late(self, folder: Folder, name: str, stray: Observation) -> None:
        companion = Photo(Path(folder.path_of(name)), stray.identity)
        self._late.append(LateCompanion(companion, folder.root.path))
        self._memory.note(folder.path_of(name), stray.identity, Fact(OFFERED_LATE))

    def _land(self, group: AssetGroup) -> Folder | None:
        """The group is in flight no longer. None when it never was (another Inbox handed it out)."""
        folder, names = self._in_flight.pop(group.photo.path, (None, ()))
        if folder is None:
            return None
        folder.busy.difference_update(names)
        if folder.expected:
            self._scanner.plan(folder, time.monotonic())
        return folder
