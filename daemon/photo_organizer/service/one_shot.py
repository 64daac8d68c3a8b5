"""File a list of photos once, as `sort` does, with the same pipeline as the daemon."""

from __future__ import annotations

import heapq
import itertools
import os
import select
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from photo_organizer.errors import OrganizerError
from photo_organizer.inbox import Collection, is_being_transferred
from photo_organizer.photo import AssetGroup
from photo_organizer.service.interfaces import watch_vision
from photo_organizer.service.pipeline import Pipeline

_TRIES = 3
_LONGEST_WAIT_SECONDS = 0.5  # so that a request to stop is seen soon


@dataclass(frozen=True, slots=True, order=True)
class _Later:
    """A photo to retry, ordered by time."""

    due: float
    number: int
    group: AssetGroup


class ListedPhotos:
    """A source that offers each group once, and retries failed ones up to three times in all.

    Args:
        groups: read lazily, as vision has capacity.
        clock: monotonic seconds.
    """

    def __init__(self, groups: Iterator[AssetGroup], clock: Callable[[], float] = time.monotonic) -> None:
        self._groups = groups
        self._clock = clock
        self._later: list[_Later] = []
        self._numbers = itertools.count()
        self._tries: dict[AssetGroup, int] = {}
        self._paused = False
        self._all_seen = False
        self.failed: list[AssetGroup] = []
        self.left: list[AssetGroup] = []

    @property
    def exhausted(self) -> bool:
        """Return whether there is nothing left to offer."""
        return self._all_seen and not self._later

    def collect(self, limit: int) -> Collection:
        """Return up to `limit` groups, those that are due for a retry first."""
        if self._paused:
            return Collection(more=not self.exhausted)
        groups: list[AssetGroup] = []
        while self._later and len(groups) < limit and self._later[0].due <= self._clock():
            groups.append(heapq.heappop(self._later).group)
        fresh = list(itertools.islice(self._groups, limit - len(groups)))
        self._all_seen = self._all_seen or len(groups) + len(fresh) < limit
        return Collection((*groups, *fresh), more=not self.exhausted)

    def next_due(self) -> float | None:
        return self._later[0].due if self._later else None

    def done(self, group: AssetGroup) -> None:
        self._tries.pop(group, None)

    def leave(self, group: AssetGroup, reason: str) -> None:
        self._tries.pop(group, None)
        self.left.append(group)

    def wait_for_rest(self, group: AssetGroup, *, ends_early: bool) -> bool:
        """Give up a group if an unfinished file next to it may become its photo: `sort` does not wait."""
        if not is_being_transferred(os.fspath(group.photo.path)):
            return False
        self.failed.append(group)
        return True

    def retry(self, group: AssetGroup, after_seconds: float, reason: str = "") -> None:
        """Offer `group` again, unless it has failed three times; 0 seconds does not count as a failure."""
        if after_seconds > 0:
            self._tries[group] = self._tries.get(group, 0) + 1
        if self._tries.get(group, 0) >= _TRIES:
            self._tries.pop(group)
            self.failed.append(group)
            return
        due = self._clock() + min(after_seconds, 2.0)
        heapq.heappush(self._later, _Later(due, next(self._numbers), group))

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False


class FilingStoppedError(OrganizerError):
    """The remaining photos could not be filed because of an error of the destination or the model."""


def run_to_end(pipeline: Pipeline, source: ListedPhotos, stop: Callable[[], bool]) -> None:
    """File everything that `source` offers.

    Args:
        pipeline: created with `source`.
        source: the photos.
        stop: called between photos; once it returns True, the remaining photos stay where they are.

    Raises:
        FilingStoppedError: the destination is full or read-only, or the model cannot be used.
    """
    while not stop():
        pipeline.step()
        if pipeline.pause is not None:
            raise FilingStoppedError(pipeline.pause.reason)
        if source.exhausted and pipeline.in_progress == 0:
            return
        _wait(pipeline, source)


def _wait(pipeline: Pipeline, source: ListedPhotos) -> None:
    """Wait until the vision process has sent something, or something is due."""
    moments = [moment for moment in (pipeline.next_due(), source.next_due()) if moment is not None]
    seconds = min([_LONGEST_WAIT_SECONDS, *(moment - time.monotonic() for moment in moments)])
    poll = select.poll()
    watch_vision(pipeline.vision, poll)
    poll.poll(max(0.0, seconds) * 1000)
