"""Schedule the search for corrections and retraining, and run their process.

Training runs in a separate process at the lowest priority. It produces a complete new model or nothing, so it
is simply killed when the daemon stops; an interrupted run is repeated after the next start.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from photo_organizer.config import Configuration
from photo_organizer.config.schedule_expression import AFTER_CORRECTIONS
from photo_organizer.errors import OrganizerError
from photo_organizer.learning.events import LOG, PROCESS
from photo_organizer.learning.labels.corrections import LabelCounts
from photo_organizer.learning.retraining_schedule import blocked_reason, next_run
from photo_organizer.service.library_changes import LibraryChanges
from photo_organizer.service.persisted_state import PersistedState
from photo_organizer.service.training_process import TrainingProcess, failure

log = logging.getLogger(__name__)

_GRACE_AFTER_START_SECONDS = 60.0
_POSTPONED_SECONDS = 900.0
_FAILED_SCAN_SECONDS = 3600.0
_SCAN_SHARE = 0.02  # of the time may be spent on scans
_QUIET = timedelta(minutes=5)  # the owner may still be moving photos: learn them in the same run
_LONGEST_WAIT = timedelta(minutes=30)
_AFTER_FAILURE = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How a retraining ended: one sentence, whether there is a new model to use, and whether it failed."""

    text: str
    promoted: bool
    failed: bool = False


class Training:
    """Starts the training process when it is due and nothing prevents it.

    Args:
        configuration: the schedule and its conditions.
        persisted: the time of the last retraining, kept across restarts.
        clock: the wall clock; aware times.
        command: the program to run; the real one by default.
        grace_seconds: delay after the start of the daemon, which is often the start of the machine.
    """

    def __init__(
        self,
        configuration: Configuration,
        persisted: PersistedState,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        command: Sequence[str] = (sys.executable, "-m", PROCESS),
        grace_seconds: float = _GRACE_AFTER_START_SECONDS,
    ) -> None:
        self._configuration = configuration
        self._persisted = persisted
        self._clock = clock
        self._command = command
        self._training: TrainingProcess | None = None
        self._scan: TrainingProcess | None = None
        self._scan_began = 0.0
        self._not_before = self._next_scan = time.monotonic() + grace_seconds
        self._changes = LibraryChanges(configuration)
        self._waiting = _WaitingLabels(configuration.retraining.min_new_labels)
        self.blocked_reason: str | None = None
        self.last_result: str | None = None
        if persisted.retraining_considered is None:
            persisted.consider_retraining(clock())
        self._update_labels()

    def configure(self, configuration: Configuration) -> None:
        """Apply a changed configuration; a retraining that is running continues."""
        self._configuration = configuration
        self._changes = LibraryChanges(configuration)
        self._waiting.wanted = configuration.retraining.min_new_labels
        self._update_labels()

    @property
    def running(self) -> bool:
        """Return whether a retraining is running."""
        return self._training is not None

    @property
    def progress(self) -> str | None:
        """Return the progress of the retraining; None when none is running."""
        return self._training.report.progress if self._training is not None else None

    @property
    def labels(self) -> LabelCounts:
        """Return the labels for the next retraining, as of the last scan."""
        return self._waiting.counts

    @property
    def next_time(self) -> datetime | None:
        """Return when the next retraining is due; in the past if one was missed.

        None when retraining is disabled or waits for corrections.
        """
        settings, considered = self._configuration.retraining, self._persisted.retraining_considered
        if not settings.enabled or considered is None:
            return None
        if settings.schedule == AFTER_CORRECTIONS:
            return self._waiting.due
        return next_run(settings.schedule, considered)

    def fileno(self) -> int | None:
        """Return what becomes readable when a process reports or ends; None without one."""
        process = self._training or self._scan
        return process.fileno() if process is not None else None

    def next_due(self) -> float | None:
        """Return when `step` is due even if nothing happens, in `time.monotonic()`.

        The wall clock may be set, and monotonic time stands still while the machine is suspended: call `step`
        after waking up for any other reason, too.
        """
        if self._training is not None or self._scan is not None:
            return None
        moment = self.next_time
        if moment is None:
            return self._next_scan
        due = time.monotonic() + (moment - self._clock()).total_seconds()
        return min(max(due, self._not_before), self._next_scan)

    def step(self) -> TrainingResult | None:
        """Start what is due, read what a process reports, and return the result of a finished retraining."""
        if self._training is not None:
            return self._listen_to_training(self._training)
        if self._scan is not None:
            self._listen_to_scan(self._scan)
            return None
        now = time.monotonic()
        moment = self.next_time
        if moment is not None and moment <= self._clock() and now >= self._not_before:
            self._begin_training()
        elif now >= self._next_scan:
            self._begin_scan()
        return None

    def stop(self) -> None:
        """Stop the process; an interrupted retraining is repeated after the next start."""
        for process in (self._training, self._scan):
            if process is not None:
                process.stop()
        self._training = self._scan = None

    # scans for corrections

    def _begin_scan(self) -> None:
        has_changed = self._changes.has_changed()
        self._next_scan = time.monotonic() + self._changes.seconds_between_checks
        if not has_changed:
            return
        try:
            self._scan = self._start("--notice")
            self._scan_began = time.monotonic()
        except OSError as error:
            log.warning("could not look for corrections: %s", error.strerror)

    def _listen_to_scan(self, process: TrainingProcess) -> None:
        code = process.listen()
        if code is None:
            return
        self._scan = None
        now = time.monotonic()
        between = max(self._changes.seconds_between_checks, (now - self._scan_began) / _SCAN_SHARE)
        if code != 0:
            log.warning("could not look for corrections: %s", failure(code, process.report.outcome))
            between = _FAILED_SCAN_SECONDS
        self._next_scan = now + between
        self._update_labels()

    def _update_labels(self) -> None:
        try:
            self._waiting.update(self._changes.remember(), self._clock())
        except OrganizerError as error:
            log.warning("could not look for corrections: %s", error)
            self._next_scan = time.monotonic() + _FAILED_SCAN_SECONDS

    # retraining

    def _begin_training(self) -> None:
        self.blocked_reason = blocked_reason(self._configuration)
        if self.blocked_reason is not None:
            self._not_before = time.monotonic() + _POSTPONED_SECONDS
            log.info("retraining postponed: %s", self.blocked_reason)
            return
        try:
            self._training = self._start("--scheduled")
        except OSError as error:  # out of memory or disk space: photos are still filed
            self._not_before = time.monotonic() + _POSTPONED_SECONDS
            log.warning("retraining postponed: could not start it (%s)", error.strerror)
            return
        log.info("retraining started (%s)", self._configuration.retraining.mode)

    def _listen_to_training(self, process: TrainingProcess) -> TrainingResult | None:
        code = process.listen()
        if code is None:
            return None
        self._training = None
        result = self._result(code, process)
        self._update_labels()
        self._waiting.postpone(self._clock() + (_QUIET if code == 0 else _AFTER_FAILURE))
        try:
            self._persisted.consider_retraining(self._clock())
        except OSError as error:
            self._not_before = time.monotonic() + _POSTPONED_SECONDS
            log.warning("could not record the end of the retraining (%s)", error.strerror)
        self.last_result = result.text
        return result

    def _result(self, code: int, process: TrainingProcess) -> TrainingResult:
        outcome = process.report.outcome
        if code != 0:
            reason = failure(code, outcome)
            where = self._configuration.state_directory / LOG
            log.error("retraining failed: %s; details in %s", reason, where)
            return TrainingResult(f"failed: {reason}", promoted=False, failed=True)
        promoted = outcome is not None and outcome.promoted
        reason = outcome.reason if outcome else ""
        text = f"{'promoted' if promoted else 'not promoted'}: {reason}"
        log.info("retraining finished, %s", text)
        return TrainingResult(text, promoted)

    def _start(self, purpose: str) -> TrainingProcess:
        name = LOG if purpose == "--scheduled" else "corrections.log"
        command = [*self._command, "--config", str(self._configuration.path), purpose]
        return TrainingProcess(command, self._configuration.state_directory / name)


class _WaitingLabels:
    """Decides when there are enough new labels for a retraining, and their owner has stopped adding more.

    Args:
        wanted: the number of labels that is enough.
    """

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.counts = LabelCounts()
        self._grown_at: datetime | None = None
        self._enough_since: datetime | None = None
        self._not_before: datetime | None = None

    @property
    def due(self) -> datetime | None:
        """Return when a retraining is due; None while there are too few labels."""
        if self._enough_since is None or self._grown_at is None:
            return None
        due = min(self._grown_at + _QUIET, self._enough_since + _LONGEST_WAIT)
        return due if self._not_before is None else max(due, self._not_before)

    def update(self, counts: LabelCounts, now: datetime) -> None:
        """Update the counts with those of the last scan."""
        if counts.total > self.counts.total:
            self._grown_at = now
        self.counts = counts
        if counts.total < self.wanted:
            self._enough_since = None
        elif self._enough_since is None:
            self._enough_since = now

    def postpone(self, moment: datetime) -> None:
        """Delay the next retraining until `moment`, because one has just ended."""
        self._not_before = moment
