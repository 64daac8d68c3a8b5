"""How a photo is processed: source, vision, library, one step at a time, without ever blocking.

The vision process is kept full, so that it reads, decodes and classifies photos while earlier results are
filed here. There are two batch sizes, for different reasons:

- `batch.size` is how many photos the network classifies together.
- `FILED_TOGETHER` is how many results are filed in one transaction of the journal, with one fsync per folder.
  A single photo is filed at once; while more are in progress, results wait at most `batch.max_wait_seconds`.

Photos in progress are not modified, so nothing is lost when this process is killed.

An unexpected error while a photo is handled counts as an error of that photo: the photo is set aside with the
reason, the traceback is written to the crash log, and the other photos continue.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.inbox import LateCompanion
from photo_organizer.library import Filing
from photo_organizer.photo import AssetGroup, Photo
from photo_organizer.service.interfaces import Destination, Reporter, Source, Vision
from photo_organizer.service.placement import Placement
from photo_organizer.vision.outcome import Classified, Outcome, Rejected, RejectionKind

log = logging.getLogger(__name__)

FILED_TOGETHER = 64
KNOWN = "filed before"
"""The reason for leaving a photo that was copied or linked to the library before."""
_BYTES_TOGETHER = 512 * 1024 * 1024  # limits the time of a batch that is copied to another disk
_LATE_AT_MOST = 1024
_RETRY_CHANGED_SECONDS = 2.0
_RETRY_SOURCE_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Why filing is paused, and when it is retried (by the pipeline's clock)."""

    reason: str
    retry_at: float
    by_vision: bool


class Pipeline:
    """Moves photos from source to vision to destination. Call `step()` whenever something may be due.

    Args:
        source: where photos come from.
        vision: what classifies them.
        destination: what files them.
        placement: which folder a classified photo belongs in.
        reporter: is told the result for each photo.
        crash_log: receives the details of unexpected errors.
        linger: seconds that a result waits for others to be filed with while more are in progress.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        source: Source,
        vision: Vision,
        destination: Destination,
        placement: Placement,
        reporter: Reporter,
        *,
        crash_log: CrashLog,
        linger: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source = source
        self.vision = vision
        self.destination = destination
        self.placement = placement
        self.linger = linger
        self._reporter = reporter
        self._crash_log = crash_log
        self._clock = clock
        self._being_classified: dict[Path, AssetGroup] = {}
        self._ready: list[Filing] = []
        self._oldest_ready = 0.0
        self._pause: Pause | None = None
        self._delay = 0.0
        self._late: list[LateCompanion] = []
        self._batch: str | None = None
        self._more = False
        self._trying_vision = False
        self._filed_alone = 0
        self.is_held = False
        """Whether the owner has paused filing: photos in progress are finished, and no new ones are taken."""

    @property
    def pause(self) -> Pause | None:
        """Return why filing is paused, or None."""
        return self._pause

    @property
    def in_progress(self) -> int:
        """Return the number of photos taken from the source and not yet filed."""
        return len(self._being_classified) + len(self._ready)

    def step(self) -> None:
        """Process classified photos, keep vision full, and file what is due, without blocking."""
        self._process_results()
        if self._pause is not None:
            if self._clock() < self._pause.retry_at:
                return
            self._retry(self._pause)
        self._fill()
        due = self._filing_due()
        if due is not None and due <= self._clock():
            self._file()
        if self._late and not self.is_held and (self.in_progress == 0 or len(self._late) >= _LATE_AT_MOST):
            self._join()

    def next_due(self) -> float | None:
        """Return when `step` is due even if nothing happens; None when never."""
        if self._pause is not None:
            return self._pause.retry_at
        if self._more and self.wants_more:
            return self._clock()
        moments = (self._filing_due(), self.vision.next_due())
        return min((moment for moment in moments if moment is not None), default=None)

    def expect_photos(self) -> None:
        """Load the model, because photos are about to be offered; do nothing while filing is paused."""
        if self._pause is not None or self.is_held:
            return
        try:
            self.vision.warm_up()
        except OrganizerError as error:
            self._pause_filing(str(error), by_vision=True)

    def give_back(self) -> None:
        """Return the photos being classified to the source, because source or vision is being replaced.

        They are still in the inbox and are offered again; results that still arrive are ignored. Photos that
        are already classified will be filed.
        """
        for group in self._being_classified.values():
            self._tell(group.photo.path, self.source.retry, group, 0.0)
        self._being_classified.clear()

    @property
    def batch(self) -> str | None:
        """Return the id of the current batch; None before its first photo."""
        return self._batch

    def end_batch(self) -> None:
        """Start a new batch, as `undo` understands it, with the next photo."""
        self._batch = None

    def _process_results(self) -> None:
        try:
            with self._expected_errors("classifying photos"):
                outcomes = self.vision.poll(0)
        except OrganizerError as error:
            self._pause_filing(str(error), by_vision=True)
            self.give_back()
            return
        if outcomes and self._trying_vision:
            self._resume()
        for outcome in outcomes:
            group = self._being_classified.pop(outcome.photo.path, None)
            if group is None:
                continue
            try:
                with self._expected_errors(group.photo.path):
                    self._decide(group, outcome)
            except OrganizerError as error:
                self._set_aside(group, str(error))

    def _decide(self, group: AssetGroup, outcome: Outcome) -> None:
        if outcome.photo != group.photo:
            self.source.retry(group, _RETRY_CHANGED_SECONDS)
        elif self._waits_for_rest(group, outcome):
            self._reporter.incomplete(group)
        elif isinstance(outcome, Classified):
            self._make_ready(self.placement.of_classified(group, outcome.prediction))
        else:
            self._handle_rejected(group, outcome)

    def _waits_for_rest(self, group: AssetGroup, outcome: Classified | Rejected) -> bool:
        """Return whether the source keeps waiting for the rest of an incomplete file."""
        is_unreadable = isinstance(outcome, Rejected) and outcome.kind is RejectionKind.UNREADABLE
        if not (outcome.ends_early or is_unreadable):
            return False
        return self.source.wait_for_rest(group, ends_early=outcome.ends_early)

    def _handle_rejected(self, group: AssetGroup, outcome: Rejected) -> None:
        """Handle a photo that could not be classified."""
        match outcome.kind:
            case RejectionKind.UNREADABLE:
                self._make_ready(self.placement.of_unreadable(group, outcome.reason))
            case RejectionKind.NOT_AN_IMAGE | RejectionKind.UNSUPPORTED | RejectionKind.NEEDS_EXTRA:
                self._leave(group, outcome.reason)
            case RejectionKind.GONE:
                self.source.done(group)
            case RejectionKind.CHANGED:
                self.source.retry(group, _RETRY_CHANGED_SECONDS)
            case RejectionKind.SOURCE_ERROR:
                self._set_aside(group, outcome.reason)

    def _make_ready(self, filing: Filing) -> None:
        if not self._ready:
            self._oldest_ready = self._clock()
        self._ready.append(filing)

    @property
    def wants_more(self) -> bool:
        """Return whether the pipeline would take more photos from the source now.

        Vision is refilled by at least a quarter of its capacity, so that its batches are full under load.
        """
        free = self.vision.capacity - self.vision.in_flight
        min_refill = max(1, self.vision.capacity // 4) if self.vision.in_flight else 1
        is_blocked = self._pause is not None or self.is_held or len(self._ready) >= 2 * FILED_TOGETHER
        return free >= min_refill and not is_blocked

    def _fill(self) -> None:
        if not self.wants_more:
            return
        try:
            with self._expected_errors("looking for photos"):
                collection = self.source.collect(self.vision.capacity - self.vision.in_flight)
        except OrganizerError as error:
            self._pause_filing(str(error), by_vision=False)
            return
        self._more = collection.more
        self._late += collection.late
        known = {filing.group.photo.path for filing in self._ready} | self._being_classified.keys()
        fresh = [group for group in collection.groups if group.photo.path not in known]
        photos = [group.photo for group in fresh if self._must_be_classified(group)]
        if not photos:
            return
        try:
            self._submit(photos)
        except OrganizerError as error:
            self._pause_filing(str(error), by_vision=True)
            self.give_back()

    def _submit(self, photos: Sequence[Photo]) -> None:
        """Submit photos to vision; one by one after an unexpected error, to find the photo that causes it.

        Raises:
            OrganizerError: no photo can be classified now.
        """
        try:
            self.vision.submit(photos)
        except OrganizerError:
            raise
        except Exception as error:  # noqa: BLE001 (an error of the photo)
            if len(photos) == 1:
                reason = self._crash_log.describe(error, str(photos[0].path))
                self._set_aside(self._being_classified.pop(photos[0].path), reason)
                return
            for photo in photos:
                self._submit([photo])

    def _must_be_classified(self, group: AssetGroup) -> bool:
        """Return whether the photo must be classified; a video is not, and is made ready for filing."""
        try:
            with self._expected_errors(group.photo.path):
                if self.placement.is_video(group):
                    self._make_ready(self.placement.of_video(group))
                    return False
        except OrganizerError as error:
            self._set_aside(group, str(error))
            return False
        self._being_classified[group.photo.path] = group
        return True

    def _filing_due(self) -> float | None:
        if not self._ready:
            return None
        if len(self._ready) >= FILED_TOGETHER or not self._being_classified:
            return self._oldest_ready
        return self._oldest_ready + self.linger

    def _file(self) -> None:
        while self._ready and self._pause is None:
            batch = self._next_batch()
            by_path = {filing.group.photo.path: filing for filing in batch}
            try:
                with self._expected_errors(batch[0].group.photo.path if len(batch) == 1 else "filing photos"):
                    report = self.destination.file(batch, batch=self._batch)
            except OrganizerError as error:
                if len(batch) > 1:  # one by one, to find the photo that causes it
                    self._filed_alone = len(batch)
                    continue
                del self._ready[0]
                self._set_aside(batch[0].group, str(error))
                continue
            self._batch = report.batch or self._batch
            for placed in report.filed:
                path = placed.group.photo.path
                self._tell(path, self.source.done, placed.group)
                self._tell(path, self._reporter.placed, by_path.pop(path), placed)
            for placed in report.left:
                by_path.pop(placed.group.photo.path)
                self._leave(placed.group, f"the same as {printable(placed.original or placed.destination)}")
            for placed in report.known:
                by_path.pop(placed.group.photo.path)
                self._leave(placed.group, KNOWN)
            for group, reason in report.set_aside:
                by_path.pop(group.photo.path)
                self._set_aside(group, str(reason))
            self._ready[: len(batch)] = by_path.values()
            if report.pause is not None:
                self._pause_filing(str(report.pause), by_vision=False)
            if len(self._ready) < FILED_TOGETHER and not self._filed_alone:
                break

    def _join(self) -> None:
        """Move late companions to their photos, when no photo in progress could be theirs."""
        late, self._late = self._late, []
        for inbox in {companion.inbox for companion in late}:
            here = [companion for companion in late if companion.inbox == inbox]
            try:
                with self._expected_errors("joining companions"):
                    report = self.destination.join(here, inbox)
            except OrganizerError as error:
                log.error("could not move companions to their photos: %s", error)  # noqa: TRY400  for people
                continue
            for companion, path in report.joined:
                self._tell(companion.path, self._reporter.joined, companion, path)
            if report.pause is not None:
                done = {companion for companion, _ in report.joined}
                self._late += [companion for companion in here if companion.companion not in done]
                self._pause_filing(str(report.pause), by_vision=False)

    def _next_batch(self) -> list[Filing]:
        if self._filed_alone:
            self._filed_alone -= 1
            return self._ready[:1]
        size = 0
        for count, filing in enumerate(self._ready[:FILED_TOGETHER], start=1):
            size += filing.group.photo.identity.size
            if size >= _BYTES_TOGETHER:
                return self._ready[:count]
        return self._ready[:FILED_TOGETHER]

    def _leave(self, group: AssetGroup, reason: str) -> None:
        self._tell(group.photo.path, self.source.leave, group, reason)
        self._tell(group.photo.path, self._reporter.left, group, reason)

    def _set_aside(self, group: AssetGroup, reason: str) -> None:
        self._tell(group.photo.path, self.source.retry, group, _RETRY_SOURCE_SECONDS, reason)
        self._tell(group.photo.path, self._reporter.set_aside, group, reason)

    @contextmanager
    def _expected_errors(self, during: object) -> Iterator[None]:
        """Turn any error into an `OrganizerError`; details of unexpected ones go to the crash log."""
        try:
            yield
        except OrganizerError:
            raise
        except Exception as error:
            raise OrganizerError(self._crash_log.describe(error, str(during))) from error

    def _tell(self, photo: Path, receiver: Callable[..., None], *arguments: object) -> None:
        """Tell the source or the reporter about a photo; log their errors, which must not stop the others."""
        try:
            with self._expected_errors(photo):
                receiver(*arguments)
        except OrganizerError as error:
            log.error("%s: %s", printable(photo), error)  # noqa: TRY400  for people

    def _pause_filing(self, reason: str, *, by_vision: bool) -> None:
        """Pause filing and retry later, with increasing delays."""
        first = self._delay == 0.0
        self._delay = min(max(_FIRST_PAUSE_SECONDS, 2 * self._delay), _LONGEST_PAUSE_SECONDS)
        self._pause = Pause(reason, self._clock() + self._delay, by_vision)
        self.source.pause()
        if first:
            self._reporter.paused(reason)

    def _retry(self, pause: Pause) -> None:
        self._pause = None
        if pause.by_vision:
            self._trying_vision = True  # until the first outcome shows that it works
            self.source.resume()
            return
        self._file()
        if self._pause is None:
            self._resume()

    def _resume(self) -> None:
        self._pause = None
        self._delay = 0.0
        self._trying_vision = False
        self.source.resume()
        self._reporter.resumed()
