"""Noticing corrections and retraining: when each is due, its process, and what came of it.

The training process is another program at the lowest priority. It leaves a complete new model or nothing, so
it is killed without harm whenever we stop; a run that was cut off so is caught up after the next start.
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
_FAILED_LOOK_SECONDS = 3600.0
_LOOK_SHARE = 0.02  # of the time may go to looks
_QUIET = timedelta(minutes=5)  # the owner is still at it: what comes next is learned in the same run
_LONGEST_WAIT = timedelta(minutes=30)
_AFTER_FAILURE = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How a retraining ended: one sentence, whether there is a new model to serve, and whether it failed."""

    text: str
    promoted: bool
    failed: bool = False


class Training:
    """Starts the training process when its time has come and nothing speaks against it.

    Args:
        configuration: the schedule and its conditions.
        persisted: when a retraining was last considered, from run to run.
        clock: the wall clock, aware.
        command: the program to run; the real one by default.
        grace_seconds: how long a start of the daemon (and of the machine) is left in peace.
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
        self._look: TrainingProcess | None = None
        self._look_began = 0.0
        self._not_before = self._next_look = time.monotonic() + grace_seconds
        self._changes = LibraryChanges(configuration)
        self._waiting = _WaitingLabels(configuration.retraining.min_new_labels)
        self.blocked_reason: str | None = None
        self.last_result: str | None = None
        if persisted.retraining_considered is None:
            persisted.consider_retraining(clock())
        self._remember_library()

    def configure(self, configuration: Configuration) -> None:
        """Take over a changed schedule; a run under way goes on."""
        self._configuration = configuration
        self._changes = LibraryChanges(configuration)
        self._waiting.wanted = configuration.retraining.min_new_labels
        self._remember_library()

    @property
    def running(self) -> bool:
        """Whether a retraining is under way."""
        return self._training is not None

    @property
    def progress(self) -> str | None:
        """How far the retraining is; None when there is none."""
        return self._training.heard.progress if self._training is not None else None

    @property
    def labels(self) -> LabelCounts:
        """What waits for the next retraining, as of the last look."""
        return self._waiting.counts

    @property
    def next_time(self) -> datetime | None:
        """When the next retraining is due, which may lie in the past when it is being caught up.

        None when retraining is off, and when it waits for corrections.
        """
        settings, considered = self._configuration.retraining, self._persisted.retraining_considered
        if not settings.enabled or considered is None:
            return None
        if settings.schedule == AFTER_CORRECTIONS:
            return self._waiting.due
        return next_run(settings.schedule, considered)

    def fileno(self) -> int | None:
        """Return what becomes readable when a process reports or ends; None without one."""
        process = self._training or self._look
        return process.fileno() if process is not None else None

    def next_due(self) -> float | None:
        """When `step` has something to do even if nothing happens, in `time.monotonic()`.

        The wall clock may be set, and stands for monotonic time while the machine sleeps: whoever wakes up
        for another reason should call `step` too.
        """
        if self._training is not None or self._look is not None:
            return None
        moment = self.next_time
        if moment is None:
            return self._next_look
        due = time.monotonic() + (moment - self._clock()).total_seconds()
        return min(max(due, self._not_before), self._next_look)

    def step(self) -> TrainingResult | None:
        """Start what is due, hear what a process says, and return what came of a retraining once it ended."""
        if self._training is not None:
            return self._listen_to_training(self._training)
        if self._look is not None:
            self._listen_to_look(self._look)
            return None
        now = time.monotonic()
        moment = self.next_time
        if moment is not None and moment <= self._clock() and now >= self._not_before:
            self._begin_training()
        elif now >= self._next_look:
            self._begin_look()
        return None

    def stop(self) -> None:
        """End the process; a retraining is caught up after the next start."""
        for process in (self._training, self._look):
            if process is not None:
                process.stop()
        self._training = self._look = None

    # looks
    # ---------------------------------------------------------------------------------------------------

    def _begin_look(self) -> None:
        has_changed = self._changes.found()
        self._next_look = time.monotonic() + self._changes.seconds_between_looks
        if not has_changed:
            return
        try:
            self._look = self._start("--notice")
            self._look_began = time.monotonic()
        except OSError as error:
            log.warning("corrections are not looked for: %s", error.strerror)

    def _listen_to_look(self, process: TrainingProcess) -> None:
        code = process.listen()
        if code is None:
            return
        self._look = None
        now = time.monotonic()
        between = max(self._changes.seconds_between_looks, (now - self._look_began) / _LOOK_SHARE)
        if code != 0:
            log.warning("corrections cannot be looked for: %s", failure(code, process.heard.outcome))
            between = _FAILED_LOOK_SECONDS
        self._next_look = now + between
        self._remember_library()

    def _remember_library(self) -> None:
        try:
            self._waiting.update(self._changes.remember(), self._clock())
        except OrganizerError as error:
            log.warning("corrections are not looked for: %s", error)
            self._next_look = time.monotonic() + _FAILED_LOOK_SECONDS

    # retrainings
    # ---------------------------------------------------------------------------------------------------

    def _begin_training(self) -> None:
        self.blocked_reason = blocked_reason(self._configuration)
        if self.blocked_reason is not None:
            self._not_before = time.monotonic() + _POSTPONED_SECONDS
            log.info("retraining postponed: %s", self.blocked_reason)
            return
        try:
            self._training = self._start("--scheduled")
        except OSError as error:  # no memory or disk left for it: photos are filed all the same
            self._not_before = time.monotonic() + _POSTPONED_SECONDS
            log.warning("retraining postponed: it cannot be started (%s)", error.strerror)
            return
        log.info("retraining begins (%s)", self._configuration.retraining.mode)

    def _listen_to_training(self, process: TrainingProcess) -> TrainingResult | None:
        code = process.listen()
        if code is None:
            return None
        self._training = None
        result = self._result(code, process)
        self._remember_library()
        self._waiting.postpone(self._clock() + (_QUIET if code == 0 else _AFTER_FAILURE))
        try:
            self._persisted.consider_retraining(self._clock())
        except OSError as error:
            self._not_before = time.monotonic() + _POSTPONED_SECONDS
            log.warning("that the retraining is over cannot be written down (%s)", error.strerror)
        self.last_result = result.text
        return result

    def _result(self, code: int, process: TrainingProcess) -> TrainingResult:
        outcome = process.heard.outcome
        if code != 0:
            reason = failure(code, outcome)
            where = self._configuration.state_directory / LOG
            log.error("retraining failed: %s; details in %s", reason, where)
            return TrainingResult(f"failed: {reason}", promoted=False, failed=True)
        promoted = outcome is not None and outcome.promoted
        reason = outcome.reason if outcome else ""
        text = f"{'promoted' if promoted else 'not promoted'}: {reason}"
        log.info("retraining ended, %s", text)
        return TrainingResult(text, promoted)

    def _start(self, purpose: str) -> TrainingProcess:
        name = LOG if purpose == "--scheduled" else "corrections.log"
        command = [*self._command, "--config", str(self._configuration.path), purpose]
        return TrainingProcess(command, self._configuration.state_directory / name)


class _WaitingLabels:
    """When enough labels have come for a retraining, and their owner has stopped for a while.

    Args:
        wanted: how many are enough.
    """

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.counts = LabelCounts()
        self._grown_at: datetime | None = None
        self._enough_since: datetime | None = None
        self._not_before: datetime | None = None

    @property
    def due(self) -> datetime | None:
        """When a retraining is due; None while there are too few."""
        if self._enough_since is None or self._grown_at is None:
            return None
        due = min(self._grown_at + _QUIET, self._enough_since + _LONGEST_WAIT)
        return due if self._not_before is None else max(due, self._not_before)

    def update(self, counts: LabelCounts, now: datetime) -> None:
        """Take over what the last scan has counted."""
        if counts.total > self.counts.total:
            self._grown_at = now
        self.counts = counts
        if counts.total < self.wanted:
            self._enough_since = None
        elif self._enough_since is None:
            self._enough_since = now

    def postpone(self, moment: datetime) -> None:
        """Let no retraining begin before `moment`: one has just ended."""
        self._not_before = moment
