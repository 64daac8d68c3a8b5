"""The way of a photo: source -> vision -> library, one step at a time, never waiting.

The vision process is kept fed up to its capacity, so that it reads, decodes and computes while the results
before are being filed here. Two sizes of batch exist, on purpose:

- `batch.size` is the classifier's: how many photos go through the network together.
- `FILED_TOGETHER` is the journal's: what has come back is filed in one transaction with one fsync a folder. A
lone
  photo is filed at once; while more are coming, results wait at most `batch.max_wait_seconds` for company.

A photo on its way here is only remembered, never touched: whoever ends this process loses nothing but the
work.

An error that nobody foresaw while one photo is handled is that photo's: it is set aside with the reason, its
traceback goes to the crash log, and the others go on.
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
"""Why a photo is left that was copied or linked to the library from its place before."""
_BYTES_TOGETHER = (
    512 * 1024 * 1024
)  # so that a batch that must be copied to another disk ends in foreseeable time
_LATE_AT_MOST = 1024
_RETRY_CHANGED_SECONDS = 2.0
_RETRY_SOURCE_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Why nothing is filed at present, and when it is tried again (by the pipeline's clock)."""

    reason: str
    retry_at: float
    by_vision: bool


class Pipeline:
    """The three rooms in a row. Its owner calls `step()` whenever something may have happened.

    Args:
        source: where photos come from.
        vision: what classifies them.
        destination: what files them.
        placement: which folder a classified photo belongs in.
        reporter: who hears what became of each photo.
        crash_log: where the details of an unforeseen error go.
        linger: seconds that a result waits for others to be filed with, while others are on their way.
        clock: seconds that only grow.
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
        """The owner's pause: what is under way is finished, and nothing new is taken."""

    @property
    def pause(self) -> Pause | None:
        """Why filing rests, or None."""
        return self._pause

    @property
    def under_way(self) -> int:
        """Photos that were taken from the source and are not filed yet."""
        return len(self._being_classified) + len(self._ready)

    def step(self) -> None:
        """Takes in what was classified, keeps vision fed, and files what is due. Waits for nothing."""
        self._take_in()
        if self._pause is not None:
            if self._clock() < self._pause.retry_at:
                return
            self._try_again(self._pause)
        self._feed()
        due = self._filing_due()
        if due is not None and due <= self._clock():
            self._file()
        if self._late and not self.is_held and (self.under_way == 0 or len(self._late) >= _LATE_AT_MOST):
            self._join()

    def next_due(self) -> float | None:
        """When `step` has something to do even if nothing happens; None when never."""
        if self._pause is not None:
            return self._pause.retry_at
        if self._more and self.is_hungry:
            return self._clock()
        moments = (self._filing_due(), self.vision.next_due())
        return min((moment for moment in moments if moment is not None), default=None)

    def expect_photos(self) -> None:
        """Photos are about to be offered: vision loads its model meanwhile. Nothing when it has one, or
        rests.
        """
        if self._pause is not None or self.is_held:
            return
        try:
            self.vision.warm_up()
        except OrganizerError as error:
            self._rest(str(error), by_vision=True)

    def give_back(self) -> None:
        """Forgets the photos that are being classified, for a source or a vision process that is replaced.

        They never left the inbox and are offered again; results that still arrive find no one waiting. Photos
        that are already classified stay to be filed.
        """
        for group in self._being_classified.values():
            self._tell(group.photo.path, self.source.retry, group, 0.0)
        self._being_classified.clear()

    @property
    def batch(self) -> str | None:
        """The id of the batch that photos are filed in; None before the first of them."""
        return self._batch

    def end_batch(self) -> None:
        """What is filed from now on is another batch for `undo`: the photos before came together, and are
        done.
        """
        self._batch = None

    def _take_in(self) -> None:
        try:
            with self._foreseen("classifying photos"):
                outcomes = self.vision.poll(0)
        except OrganizerError as error:
            self._rest(str(error), by_vision=True)
            self.give_back()
            return
        if outcomes and self._trying_vision:
            self._go_on()
        for outcome in outcomes:
            group = self._being_classified.pop(outcome.photo.path, None)
            if group is None:
                continue
            try:
                with self._foreseen(group.photo.path):
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
            self._turn_away(group, outcome)

    def _waits_for_rest(self, group: AssetGroup, outcome: Classified | Rejected) -> bool:
        """Whether the source keeps a photo whose file is not whole, as one that is being transferred."""
        is_unreadable = isinstance(outcome, Rejected) and outcome.kind is RejectionKind.UNREADABLE
        if not (outcome.ends_early or is_unreadable):
            return False
        return self.source.wait_for_rest(group, ends_early=outcome.ends_early)

    def _turn_away(self, group: AssetGroup, outcome: Rejected) -> None:
        """What becomes of a photo that has no prediction."""
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
    def is_hungry(self) -> bool:
        """Whether more photos would be taken from the source now.

        Vision is fed in spoons of at least a quarter of what it holds, so that its batches are full under
        load.
        """
        room = self.vision.capacity - self.vision.in_flight
        spoon = max(1, self.vision.capacity // 4) if self.vision.in_flight else 1
        filing_stuck = self._pause is not None or self.is_held or len(self._ready) >= 2 * FILED_TOGETHER
        return room >= spoon and not filing_stuck

    def _feed(self) -> None:
        if not self.is_hungry:
            return
        try:
            with self._foreseen("looking for photos"):
                collection = self.source.collect(self.vision.capacity - self.vision.in_flight)
        except OrganizerError as error:
            self._rest(str(error), by_vision=False)
            return
        self._more = collection.more
        self._late += collection.late
        known = {filing.group.photo.path for filing in self._ready} | self._being_classified.keys()
        fresh = [group for group in collection.groups if group.photo.path not in known]
        photos = [group.photo for group in fresh if self._has_to_be_classified(group)]
        if not photos:
            return
        try:
            self._submit(photos)
        except OrganizerError as error:
            self._rest(str(error), by_vision=True)
            self.give_back()

    def _submit(self, photos: Sequence[Photo]) -> None:
        """Have photos classified; one by one when something unforeseen prevents that, to find the one it is.

        Raises:
            OrganizerError: nothing can be classified now.
        """
        try:
            self.vision.submit(photos)
        except OrganizerError:
            raise
        except Exception as error:  # noqa: BLE001 (the photo's, whatever it is)
            if len(photos) == 1:
                reason = self._crash_log.describe(error, str(photos[0].path))
                self._set_aside(self._being_classified.pop(photos[0].path), reason)
                return
            for photo in photos:
                self._submit([photo])

    def _has_to_be_classified(self, group: AssetGroup) -> bool:
        """Whether the network has to look at it: not at a video, which has a folder of its own."""
        try:
            with self._foreseen(group.photo.path):
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
                with self._foreseen(batch[0].group.photo.path if len(batch) == 1 else "filing photos"):
                    report = self.destination.file(batch, batch=self._batch)
            except OrganizerError as error:
                if len(batch) > 1:  # one by one, to find the photo that it is
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
            for group, trouble in report.set_aside:
                by_path.pop(group.photo.path)
                self._set_aside(group, str(trouble))
            self._ready[: len(batch)] = by_path.values()
            if report.pause is not None:
                self._rest(str(report.pause), by_vision=False)
            if len(self._ready) < FILED_TOGETHER and not self._filed_alone:
                break

    def _join(self) -> None:
        """Brings companions that came late to their photos, once no photo is under way that could be
        theirs.
        """
        late, self._late = self._late, []
        for inbox in {companion.inbox for companion in late}:
            here = [companion for companion in late if companion.inbox == inbox]
            try:
                with self._foreseen("joining companions"):
                    report = self.destination.join(here, inbox)
            except OrganizerError as error:
                log.error("companions cannot be joined: %s", error)  # noqa: TRY400  for people
                continue
            for companion, path in report.joined:
                self._tell(companion.path, self._reporter.joined, companion, path)
            if report.pause is not None:
                done = {companion for companion, _ in report.joined}
                self._late += [companion for companion in here if companion.companion not in done]
                self._rest(str(report.pause), by_vision=False)

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
    def _foreseen(self, during: object) -> Iterator[None]:
        """Make any error an `OrganizerError`; the details of one that nobody foresaw go to the crash log."""
        try:
            yield
        except OrganizerError:
            raise
        except Exception as error:
            raise OrganizerError(self._crash_log.describe(error, str(during))) from error

    def _tell(self, photo: Path, hear: Callable[..., None], *what: object) -> None:
        """Tell source or reporter about a photo; what happened has happened, whatever they make of it."""
        try:
            with self._foreseen(photo):
                hear(*what)
        except OrganizerError as error:
            log.error("%s: %s", printable(photo), error)  # noqa: TRY400  for people

    def _rest(self, reason: str, *, by_vision: bool) -> None:
        """Stops taking photos and tries again later, each time later than before."""
        first = self._delay == 0.0
        self._delay = min(max(_FIRST_PAUSE_SECONDS, 2 * self._delay), _LONGEST_PAUSE_SECONDS)
        self._pause = Pause(reason, self._clock() + self._delay, by_vision)
        self.source.pause()
        if first:
            self._reporter.paused(reason)

    def _try_again(self, pause: Pause) -> None:
        self._pause = None
        if pause.by_vision:
            self._trying_vision = True  # whether it works is known when the first outcome comes
            self.source.resume()
            return
        self._file()
        if self._pause is None:
            self._go_on()

    def _go_on(self) -> None:
        self._pause = None
        self._delay = 0.0
        self._trying_vision = False
        self.source.resume()
        self._reporter.resumed()
