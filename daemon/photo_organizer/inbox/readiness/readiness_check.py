"""The last look at a group before it is offered: is it still what it was, and a photo that is wanted?"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.companions.kinds import Kind, kind_of
from photo_organizer.errors import printable
from photo_organizer.inbox.folder_state import Folder, PendingGroup
from photo_organizer.inbox.readiness.content_type import blocked_reason, is_being_written
from photo_organizer.inbox.readiness.stability import Instant, Observation, observe, regular_file
from photo_organizer.inbox.readiness.transfers import is_being_transferred
from photo_organizer.inbox.readiness.video_structure import video_ends_early
from photo_organizer.inbox.skip_cache import (
    HELD,
    INCOMPLETE,
    KEPT_ORIGINAL,
    TRY_AGAIN,
    SkipCache,
    SkipReason,
)
from photo_organizer.photo import AssetGroup, FileIdentity, Photo

logger = logging.getLogger(__name__)

CHANGES_UNTIL_SLOW = 5
_LONGEST_BACK_OFF = 30.0
_UNREADABLE_SECONDS = 5.0
_LONGEST_RETRY = 3600.0
_MOST_TROUBLES = 64
"""Photos that are remembered by name for being tried again; the others are only counted."""

_TRANSFER_SECONDS = 60.0
"""How often a photo is looked at again while an unfinished file lies beside it."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What happens to a group that was due.

    Attributes:
        group: to hand out; None when it is not ready.
        again_at: monotonic time at which to look at the same group again; None when not at all.
        look_again: whether its folder has to be looked at anew, because the group is another one now.
    """

    group: AssetGroup | None = None
    again_at: float | None = None
    look_again: bool = False


def settled_at(observations: Iterable[Observation], settle_seconds: float) -> float:
    """Return when all will have been unchanged for `settle_seconds`, if nothing changes (monotonic)."""
    return max(observation.since for observation in observations) + settle_seconds


def _back_off(changes: int, settle_seconds: float) -> float:
    """Return how many extra seconds to wait before a file that keeps changing is looked at again.

    An event in its folder has it looked at immediately all the same.
    """
    if changes < CHANGES_UNTIL_SLOW:
        return 0.0
    return min(max(settle_seconds, 0.1) * 2.0 ** min(changes - CHANGES_UNTIL_SLOW, 16), _LONGEST_BACK_OFF)


class ReadinessCheck:
    """Decides on groups that are due.

    Args:
        skip_cache: where reasons to stay are noted.
        settle_seconds: how long all members must have been still.
        incomplete_seconds: how long a file that is not whole waits for the rest.
        is_held: whether the library wants the photo left alone.
        is_kept_original: whether the library has a copy of the file, or a link to it.
        available_extras: what can be decoded here.
    """

    def __init__(
        self,
        skip_cache: SkipCache,
        *,
        settle_seconds: float,
        incomplete_seconds: float,
        is_held: Callable[[Photo], bool],
        is_kept_original: Callable[[Photo], bool],
        available_extras: frozenset[str],
    ) -> None:
        self._skip_cache = skip_cache
        self._settle_seconds = settle_seconds
        self._incomplete_seconds = incomplete_seconds
        # not in memory, which forgets what waits and is in flight while sweeps go by
        self._incomplete: dict[str, tuple[FileIdentity, float]] = {}
        self._troubles: dict[str, str] = {}
        self._is_held = is_held
        self._is_kept_original = is_kept_original
        self._available_extras = available_extras

    def consider(self, waiting: PendingGroup, now: Instant) -> Readiness:
        """Look at every member of a group that is due, and hand it out if it may go."""
        folder = waiting.folder
        try:
            statuses = {name: regular_file(folder.path_of(name)) for name in waiting.names}
        except OSError as error:
            logger.debug("%s cannot be asked about: %s", printable(folder.path), error)
            return Readiness(again_at=now.monotonic + _UNREADABLE_SECONDS)
        if None in statuses.values():
            return Readiness(look_again=True)
        observations = []
        for name, status in statuses.items():
            assert status is not None  # noqa: S101 - for the type checker; told two lines above
            folder.seen[name] = observe(
                folder.seen.get(name), status, now, trust_clock=folder.root.trust_clock
            )
            observations.append(folder.seen[name])
        due = settled_at(observations, self._settle_seconds)
        if due <= now.monotonic and folder.root.trust_clock:
            for name in waiting.names:
                if is_being_written(folder.path_of(name)):
                    folder.seen[name] = restless = folder.seen[name].restless()
                    observations.append(restless)
                    due = now.monotonic + max(self._settle_seconds, 0.1)
        if due > now.monotonic:
            changes = max(observation.changes for observation in observations)
            return Readiness(again_at=due + _back_off(changes, self._settle_seconds))
        photo, *companions = (
            Photo(Path(folder.path_of(name)), folder.seen[name].identity) for name in waiting.names
        )
        group = AssetGroup(folder.root.path, photo, tuple(companions))
        self._troubles.pop(os.fspath(photo.path), None)
        rest_due = due - self._settle_seconds + self._incomplete_seconds
        waiting.lacks_rest = rest_due > now.monotonic and self._holds_half_a_video(waiting.names, folder)
        if waiting.lacks_rest:
            return Readiness(again_at=rest_due)
        return Readiness(look_again=True) if self._stays(group, folder, now) else Readiness(group=group)

    def _holds_half_a_video(self, names: Sequence[str], folder: Folder) -> bool:
        """Whether the rest of a video is still to come; an empty one only counts when it is alone."""
        videos = [name for name in names if kind_of(name) is Kind.VIDEO]
        return any(
            video_ends_early(folder.path_of(name))
            for name in videos
            if len(names) == 1 or folder.seen[name].identity.size
        )

    def _stays(self, group: AssetGroup, folder: Folder, now: Instant) -> bool:
        """Whether there is a reason not to offer the group; it is noted then."""
        photo = os.fspath(group.photo.path)
        if folder.root.keeps_originals and self._is_kept_original(group.photo):
            self.note_kept(group)
            return True
        try:
            fact = blocked_reason(photo, self._available_extras)
        except OSError as error:
            fact = self._next_attempt(photo, group.photo.identity, now, _UNREADABLE_SECONDS)
            self._note_trouble(photo, (error.strerror or str(error)).lower())
            if fact.attempts == 1:
                logger.warning("%s cannot be read yet: %s; trying again", printable(photo), error.strerror)
        if fact is None and self._is_held(group.photo):
            fact = SkipReason(HELD)
        if fact is None:
            return False
        self.note(group, fact)
        return True

    def note(self, group: AssetGroup, fact: SkipReason) -> None:
        """Remember `fact` of the whole group, so that no member is taken for a photo by itself."""
        for member in (group.photo, *group.companions):
            self._skip_cache.note(os.fspath(member.path), member.identity, fact)

    def note_kept(self, group: AssetGroup) -> None:
        """Remember that the library has the photo and its companions; a companion that it has not is new."""
        for member in (group.photo, *group.companions):
            if member is group.photo or self._is_kept_original(member):
                self._skip_cache.note(os.fspath(member.path), member.identity, SkipReason(KEPT_ORIGINAL))

    def postpone(self, group: AssetGroup, after_seconds: float, now: Instant, reason: str = "") -> float:
        """Offer the group again later, ever later each time. Returns when (monotonic)."""
        if reason:
            self._note_trouble(os.fspath(group.photo.path), reason)
        fact = self._next_attempt(os.fspath(group.photo.path), group.photo.identity, now, after_seconds)
        self.note(group, fact)
        return fact.due

    def wait_for_rest(self, group: AssetGroup, now: Instant, *, ends_early: bool, trust_clock: bool) -> bool:
        """Whether the group waits for the rest of its photo's file, which is not whole yet.

        It waits until the file has been as it is for long enough, and longer while an unfinished file lies
        beside it.
        """
        path, identity = os.fspath(group.photo.path), group.photo.identity
        known = self._incomplete.pop(path, None)
        if not ends_early:
            due = now.monotonic
        elif known is not None and known[0] == identity:
            due = known[1]
        else:
            status = regular_file(path)
            if status is None or FileIdentity.of(status) != identity:
                return False  # it is another file by now, and the library will say so
            due = observe(None, status, now, trust_clock=trust_clock).since + self._incomplete_seconds
        if due <= now.monotonic:
            if not is_being_transferred(path):
                return False
            due = now.monotonic + max(self._incomplete_seconds, _TRANSFER_SECONDS)
        self._incomplete[path] = identity, due
        self.note(group, SkipReason(INCOMPLETE, due=due))
        return True

    def forget(self, group: AssetGroup) -> None:
        """The group is gone: nothing is to be remembered of it."""
        self._incomplete.pop(os.fspath(group.photo.path), None)
        self._troubles.pop(os.fspath(group.photo.path), None)
        for member in (group.photo, *group.companions):
            self._skip_cache.forget(os.fspath(member.path), member.identity)

    def troubles(self, most: int) -> Iterator[tuple[str, str]]:
        """Yield the paths of up to `most` photos that are tried again later, and why; those still there."""
        for path, reason in list(self._troubles.items()):
            if most <= 0:
                return
            if os.path.lexists(path):
                most -= 1
                yield path, reason
            else:
                del self._troubles[path]

    def _note_trouble(self, photo: str, reason: str) -> None:
        if len(self._troubles) < _MOST_TROUBLES:
            self._troubles[photo] = reason

    def reason_to_leave(self, group: AssetGroup, reason: str) -> SkipReason:
        """The fact that fits a group which the caller leaves: by content if that tells, else in its words."""
        try:
            told = blocked_reason(os.fspath(group.photo.path), self._available_extras, always_read=True)
        except OSError:
            told = None
        return told or SkipReason(reason)

    def _next_attempt(
        self, path: str, identity: FileIdentity, now: Instant, after_seconds: float
    ) -> SkipReason:
        before = self._skip_cache.recall(path, identity)
        attempts = before.attempts if before is not None and before.reason == TRY_AGAIN else 0
        delay = min(after_seconds * 2.0 ** min(attempts, 16), max(after_seconds, _LONGEST_RETRY))
        return SkipReason(TRY_AGAIN, due=now.monotonic + delay, attempts=attempts + (after_seconds > 0))
