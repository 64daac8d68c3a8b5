"""The inboxes as one source of photos: each complete photo is handed out once, with its companions."""

from __future__ import annotations

import errno
import logging
import os
import select
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

from photo_organizer.companions.late import LateCompanion
from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import printable
from photo_organizer.inbox.collection import Collection, InboxCounts, Trouble, TroubleKind
from photo_organizer.inbox.emptied_folders import EmptiedFolders
from photo_organizer.inbox.folder_state import Folder, PendingGroup, Root, WatchedFolder
from photo_organizer.inbox.grouping_state import GroupingState
from photo_organizer.inbox.ignore_rules import EVERYTHING, Ignored
from photo_organizer.inbox.mounts import MountWatch, file_system_of, is_at_or_below, is_remote, read_mounts
from photo_organizer.inbox.readiness.lone_video import seconds_to_wait
from photo_organizer.inbox.readiness.readiness_check import CHANGES_UNTIL_SLOW, Readiness, ReadinessCheck
from photo_organizer.inbox.readiness.stability import Instant, Observation
from photo_organizer.inbox.scanner import Scanner
from photo_organizer.inbox.skip_cache import (
    INCOMPLETE,
    KEPT_ORIGINAL,
    NOT_AN_IMAGE,
    OFFERED_LATE,
    TRY_AGAIN,
    SkipCache,
    SkipReason,
)
from photo_organizer.inbox.watcher import Hints, InotifyWatcher
from photo_organizer.photo import AssetGroup, Photo

logger = logging.getLogger(__name__)

_LOOKING_SECONDS = 0.1
"""How long one `collect` may look into folders before it hands out what it has."""

_UNFORESEEN_SECONDS = 30.0
_LATE_AT_ONCE = 64
_MOST_NAMED = 5


class WatchSettings(Protocol):
    """The `watch` section of the config."""

    @property
    def mode(self) -> str: ...
    @property
    def settle_seconds(self) -> float: ...
    @property
    def rescan_seconds(self) -> float: ...
    @property
    def incomplete_minutes(self) -> float: ...
    @property
    def remove_empty_folders(self) -> bool: ...


class Inbox:
    """Watches folders and offers complete photos with their companions.

    Args:
        inboxes: the folders. One that is missing is awaited, never made.
        watch: how to watch.
        libraries: never looked into.
        is_held: whether the library wants a photo left alone (put back by undo). Asked once per offer.
        is_kept_original: whether the library has a copy of a file, or a link to it; asked for inboxes whose
            originals stay.
        videos: whether videos alone are offered too.
        available_extras: the optional formats that can be decoded ("heif", "raw", "jxl").
        crash_log: where the details of an error go that nobody foresaw; None to have it raised.

    All methods belong to one thread. Only the `wake` given to `start` is called from others.
    """

    def __init__(
        self,
        inboxes: Sequence[WatchedFolder],
        watch: WatchSettings,
        *,
        libraries: Iterable[Path],
        is_held: Callable[[Photo], bool],
        is_kept_original: Callable[[Photo], bool],
        videos: bool = False,
        available_extras: frozenset[str] = frozenset(),
        crash_log: CrashLog | None = None,
    ) -> None:
        self._crash_log = crash_log
        self._last_unforeseen = ""
        self._skip_cache = SkipCache()
        self._hints: Hints | None = None
        self._paused = False
        self._late: list[LateCompanion] = []
        self._in_flight: dict[Path, tuple[Folder, tuple[str, ...]]] = {}
        self._incomplete_seconds = 60 * watch.incomplete_minutes
        self._mode = watch.mode
        self._cannot_watch = False
        self._emptied = EmptiedFolders() if watch.remove_empty_folders else None
        self._mount_watch: MountWatch | None = None
        self._mounts = frozenset(read_mounts())
        self._readiness_check = ReadinessCheck(
            self._skip_cache,
            settle_seconds=watch.settle_seconds,
            incomplete_seconds=self._incomplete_seconds,
            is_held=is_held,
            is_kept_original=is_kept_original,
            available_extras=available_extras,
        )
        self._scanner = Scanner(
            [self._root(inbox) for inbox in inboxes],
            self._skip_cache,
            libraries=frozenset(map(os.fspath, libraries)),
            settle_seconds=watch.settle_seconds,
            rescan_seconds=watch.rescan_seconds,
            grouping_state=GroupingState(
                settle_seconds=watch.settle_seconds,
                videos=videos,
                available_extras=available_extras,
                on_orphan=self._offer_late,
            ),
        )

        self._scanner.crash_log = crash_log

    def _root(self, inbox: WatchedFolder) -> Root:
        root = Root(
            inbox.path,
            trust_clock=False,
            polled=False,
            recursive=inbox.recursive,
            keeps_originals=inbox.keeps_originals,
            ignored=Ignored.by(inbox.ignore),
        )
        self._adapt_to_file_system(root)
        return root

    def _adapt_to_file_system(self, root: Root) -> None:
        """Poll an inbox on a network share, and do not hold its timestamps against this machine's clock."""
        file_system = file_system_of(os.fspath(root.path))
        remote, was_polled = is_remote(file_system), root.polled
        root.polled = self._cannot_watch or self._mode == "polling" or (self._mode == "auto" and remote)
        root.trust_clock = not remote and self._mode != "polling"
        if root.polled and not was_polled and self._mode == "auto":
            logger.info(
                "%s: on a network share (%s); looking every few seconds", printable(root.path), file_system
            )

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to watch. `wake` is called from another thread when `collect` has something to look at."""
        self._mount_watch = MountWatch()
        if all(root.polled for root in self._scanner.roots):
            self._cannot_watch = True
            return
        self._scanner.hints = self._hints = Hints(wake)
        try:
            self._scanner.watcher = InotifyWatcher(self._hints)
        except (OSError, ImportError) as error:
            self._cannot_watch = True
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
        if self._mount_watch is not None:
            self._mount_watch.close()
            self._mount_watch = None
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
        if self._mount_watch is not None and self._mount_watch.changed():
            self._notice_mounts()
        if self._emptied is not None:
            self._emptied.remove_due()
        self._take_hints()
        self._scanner.work(until=time.monotonic() + _LOOKING_SECONDS)
        groups = self._hand_out(limit)
        late, self._late = tuple(self._late[:_LATE_AT_ONCE]), self._late[_LATE_AT_ONCE:]
        if self._emptied is not None:
            for latecomer in late:
                self._emptied.add(latecomer.companion.path.parent, latecomer.inbox)
        due = self.next_due()
        return Collection(tuple(groups), due is not None and due <= time.monotonic(), late)

    def register(self, poll: select.poll) -> None:
        """Have `poll` return when a disk was mounted or unmounted, so that `collect` is called then."""
        if self._mount_watch is not None:
            self._mount_watch.register(poll)

    def next_due(self) -> float | None:
        """When `collect` has something to do even if nothing wakes it (monotonic seconds), or None."""
        if self._paused:
            return None
        if self._late:
            return 0.0
        emptied = None if self._emptied is None else self._emptied.next_due()
        return min((due for due in (self._scanner.next_due(), emptied) if due is not None), default=None)

    def done(self, group: AssetGroup) -> None:
        """The group has been filed: it has left the inbox, or its originals stay there and are known."""
        folder = self._land(group)
        if folder is not None:
            self._readiness_check.forget(group)
            if folder.root.keeps_originals:
                self._readiness_check.note_kept(group)
                folder.left[KEPT_ORIGINAL, None] += 1
            elif self._emptied is not None:
                self._emptied.add(group.photo.path.parent, group.inbox)

    def retry(self, group: AssetGroup, after_seconds: float, reason: str = "") -> None:
        """Offer the group again after `after_seconds`, and after twice as long each further time.

        `reason` is what its owner should know of; empty when it passes by itself.
        """
        folder = self._land(group)
        if folder is not None:
            self._scanner.plan(
                folder, self._readiness_check.postpone(group, after_seconds, Instant.now(), reason)
            )

    def wait_for_rest(self, group: AssetGroup, *, ends_early: bool) -> bool:
        """Keep a group whose photo's file is not whole, and offer it again at each change.

        Args:
            group: in flight.
            ends_early: whether the file is empty or ends before the picture does; if not, only an unfinished
                file beside it speaks for a rest.

        Returns:
            False when it has waited for long enough: it stays in flight, and no rest will come.
        """
        folder, _ = self._in_flight.get(group.photo.path, (None, ()))
        if folder is None:
            return False
        now, trust_clock = Instant.now(), folder.root.trust_clock
        if not self._readiness_check.wait_for_rest(
            group, now, ends_early=ends_early, trust_clock=trust_clock
        ):
            return False
        self._land(group)
        self._scanner.plan(folder, now.monotonic)
        return True

    def leave(self, group: AssetGroup, reason: str) -> None:
        """The group stays where it is, and is not offered again until a member changes.

        Its content decides how it is counted: no image, or waiting for an extra; else by `reason`.
        """
        folder = self._land(group)
        if folder is not None:
            fact = self._readiness_check.reason_to_leave(group, reason)
            self._readiness_check.note(group, fact)
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
        settling = [group for group in waiting if group.due > now and not group.lacks_rest]
        half_videos = sum(group.due > now and group.lacks_rest for group in waiting)
        folders = self._scanner.folders.values()
        left: Counter[tuple[str, str | None]] = Counter()
        for folder in folders:
            left.update(folder.left)
        del left[OFFERED_LATE, None]
        not_images, retrying = left.pop((NOT_AN_IMAGE, None), 0), left.pop((TRY_AGAIN, None), 0)
        incomplete, originals = left.pop((INCOMPLETE, None), 0), left.pop((KEPT_ORIGINAL, None), 0)
        return InboxCounts(
            ready=len(waiting) - len(settling) - half_videos + sum(folder.beyond for folder in folders),
            settling=len(settling),
            changing=sum(
                any(group.folder.seen[name].changes >= CHANGES_UNTIL_SLOW for name in group.names)
                for group in settling
            ),
            in_flight=len(self._in_flight),
            retrying=retrying,
            incomplete=incomplete + half_videos,
            originals=originals,
            not_images=not_images,
            orphans=sum(folder.orphans for folder in folders),
            videos=sum(folder.videos for folder in folders),
            waiting_for_extra={extra: number for (_, extra), number in left.items() if extra is not None},
            left={reason: number for (reason, extra), number in left.items() if extra is None},
            missing=tuple(root.path for root in self._scanner.roots if root.missing),
            troubled=tuple(self._unavailable()),
            unreadable_folders=sum(bool(folder.unreadable) for folder in folders),
            skipped_folders=tuple(islice(_skipped(folders), _MOST_NAMED)),
        )

    def _unavailable(self) -> Iterator[Trouble]:
        """Yield what nothing can be taken from, of each kind a few."""
        for root in self._scanner.roots:
            if why := root.missing or root.read_only:
                yield Trouble(TroubleKind.INBOX, root.path, why)
        unreadable = (folder for folder in self._scanner.folders.values() if folder.unreadable)
        for folder in islice(unreadable, _MOST_NAMED):
            yield Trouble(TroubleKind.FOLDER, Path(folder.path), folder.unreadable)
        for path, reason in self._readiness_check.troubles(_MOST_NAMED):
            yield Trouble(TroubleKind.PHOTO, Path(path), reason)

    def _notice_mounts(self) -> None:
        """Look anew at each inbox that a file system was mounted over or in, or taken away from."""
        before, self._mounts = self._mounts, frozenset(read_mounts())
        points, now = {mount.point for mount in before ^ self._mounts}, time.monotonic()
        for root in self._scanner.roots:
            real = os.path.realpath(root.path)
            if any(is_at_or_below(real, point) for point in points):
                self._adapt_to_file_system(root)
                self._scanner.remount(root, "", now)
                continue
            for point in points:
                if is_at_or_below(point, real):
                    self._scanner.remount(root, os.path.relpath(point, real), now)

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
        now = Instant.now()
        while len(groups) < limit and (waiting := self._scanner.pop_group(now.monotonic)) is not None:
            offer = self._consider(waiting, now)
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

    def _consider(self, waiting: PendingGroup, now: Instant) -> Readiness:
        """As `ReadinessCheck.consider`; an error that nobody foresaw has this group wait, and no other."""
        try:
            return self._readiness_check.consider(waiting, now)
        except Exception as error:
            if self._crash_log is None:
                raise
            photo = waiting.folder.path_of(waiting.names[0])
            reason = self._crash_log.describe(error, photo)
            if reason != self._last_unforeseen:  # not at each look
                self._last_unforeseen = reason
                logger.error("%s waits: %s", printable(photo), reason)  # noqa: TRY400  for people
            return Readiness(again_at=now.monotonic + _UNFORESEEN_SECONDS)

    def _may_be_late(self, folder: Folder, waiting: PendingGroup, group: AssetGroup) -> bool:
        """A phone's video alone waits for its picture, which may also have been filed before."""
        path = os.fspath(group.photo.path)
        known = self._skip_cache.recall(path, group.photo.identity)
        if known is not None and known.reason == OFFERED_LATE:
            return False
        seconds = seconds_to_wait(path, waiting.names[1:], at_most=self._incomplete_seconds)
        if not seconds:
            return False
        again_at = time.monotonic() + seconds
        self._late.append(LateCompanion(group.photo, folder.root.path))
        self._readiness_check.note(group, SkipReason(OFFERED_LATE, due=again_at))
        self._scanner.plan(folder, again_at)
        return True

    def _offer_late(self, folder: Folder, name: str, stray: Observation) -> None:
        companion = Photo(Path(folder.path_of(name)), stray.identity)
        self._late.append(LateCompanion(companion, folder.root.path))
        self._skip_cache.note(folder.path_of(name), stray.identity, SkipReason(OFFERED_LATE))

    def _land(self, group: AssetGroup) -> Folder | None:
        """The group is in flight no longer. None when it never was (another Inbox handed it out)."""
        folder, names = self._in_flight.pop(group.photo.path, (None, ()))
        if folder is None:
            return None
        folder.busy.difference_update(names)
        if folder.expected:
            self._scanner.plan(folder, time.monotonic())
        return folder


def _skipped(folders: Iterable[Folder]) -> Iterator[Path]:
    """Yield the folders that are left alone since they belong to another program, or their owner says so."""
    for folder in folders:
        if folder.marker == EVERYTHING:
            yield Path(folder.path)
        else:
            yield from (Path(folder.path_of(name)) for name in folder.skipped)
