"""Retraining by schedule: when it is due, its process, and what came of it.

The training process is another program at the lowest priority. It leaves a complete new model or nothing, so
it is killed without harm whenever we stop; a run that was cut off so is caught up after the next start.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from photo_organizer.config import Configuration
from photo_organizer.files import private_file
from photo_organizer.learning.retraining_schedule import hindrance, next_run
from photo_organizer.service.persisted_state import Remembered

log = logging.getLogger(__name__)

_GRACE_AFTER_START_SECONDS = 60.0
_POSTPONED_SECONDS = 900.0
_LOWEST_PRIORITY = 19
_PATIENCE_AT_STOP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How a retraining ended: one sentence, and whether there is a new model to serve."""

    text: str
    promoted: bool


class Training:
    """Starts the training process when its time has come and nothing speaks against it.

    Args:
        configuration: the schedule and its conditions.
        remembered: when a retraining was last considered, from run to run.
        clock: the wall clock, aware.
        command: the program to run; the real one by default.
        grace_seconds: how long a start of the daemon (and of the machine) is left in peace.
    """

    def __init__(
        self,
        configuration: Configuration,
        remembered: Remembered,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        command: Sequence[str] = (sys.executable, "-m", "photo_organizer.learning.process"),
        grace_seconds: float = _GRACE_AFTER_START_SECONDS,
    ) -> None:
        self._configuration = configuration
        self._remembered = remembered
        self._clock = clock
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._outcome: dict[str, object] = {}
        self._not_before = time.monotonic() + grace_seconds
        self.progress: str | None = None
        self.hindrance: str | None = None
        self.last_result: str | None = None
        if remembered.retraining_considered is None:
            remembered.consider_retraining(clock())

    def configure(self, configuration: Configuration) -> None:
        """Takes over a changed schedule; a run under way goes on."""
        self._configuration = configuration

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def next_time(self) -> datetime | None:
        """The next retraining by schedule, which may lie in the past when it is being caught up; None when
        off.
        """
        considered = self._remembered.retraining_considered
        if not self._configuration.retraining.enabled or considered is None:
            return None
        return next_run(self._configuration.retraining.schedule, considered)

    def fileno(self) -> int | None:
        """What becomes readable when the process reports or ends; None without a process."""
        if self._process is None or self._process.stdout is None:
            return None
        return self._process.stdout.fileno()

    def next_due(self) -> float | None:
        """When `step` has something to do even if nothing happens, in `time.monotonic()`.

        The wall clock may be set, and stands for monotonic time while the machine sleeps: whoever wakes up
        for another reason should call `step` too.
        """
        moment = self.next_time
        if moment is None or self.running:
            return None
        return max(time.monotonic() + (moment - self._clock()).total_seconds(), self._not_before)

    def step(self) -> TrainingResult | None:
        """Starts what is due, reads what the process says, and returns what came of it once it has ended."""
        if self._process is not None:
            return self._listen(self._process)
        moment = self.next_time
        if moment is None or moment > self._clock() or time.monotonic() < self._not_before:
            return None
        self.hindrance = hindrance(self._configuration)
        if self.hindrance is not None:
            self._not_before = time.monotonic() + _POSTPONED_SECONDS
            log.info("retraining postponed: %s", self.hindrance)
            return None
        try:
            self._start()
        except OSError as error:  # no memory or disk left for it: photos are filed all the same
            self._not_before = time.monotonic() + _POSTPONED_SECONDS
            log.warning("retraining postponed: it cannot be started (%s)", error.strerror)
        return None

    def stop(self) -> None:
        """Ends the process; it is caught up after the next start."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_PATIENCE_AT_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _start(self) -> None:
        log.info("retraining begins (%s)", self._configuration.retraining.mode)
        self._outcome, self._unread, self.progress = {}, b"", "starting"
        with private_file(self._configuration.state_directory / "training.log") as errors:
            self._process = subprocess.Popen(
                [*self._command, "--config", str(self._configuration.path), "--scheduled"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        with contextlib.suppress(OSError):  # it may have ended already
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _LOWEST_PRIORITY)
        os.set_blocking(self._process.stdout.fileno(), False)  # type: ignore[union-attr]  # it is a pipe

    def _listen(self, process: subprocess.Popen[bytes]) -> TrainingResult | None:
        stream = process.stdout
        if stream is None:
            return None
        while (chunk := stream.read()) is not None:
            if not chunk:
                stream.close()
                return self._ended(process.wait())
            *lines, self._unread = (self._unread + chunk).split(b"\n")
            for line in lines:
                self._hear(line)
        return None

    def _hear(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return  # a library's own chatter
        if not isinstance(event, dict):
            return
        if event.get("event") == "progress":
            self.progress = str(event.get("text") or event.get("stage") or "")
        elif event.get("event") == "outcome":
            self._outcome = event

    def _ended(self, code: int) -> TrainingResult:
        self._process = None
        self.progress = None
        result = self._result(code)
        try:
            self._remembered.consider_retraining(self._clock())
        except OSError as error:
            self._not_before = time.monotonic() + _POSTPONED_SECONDS
            log.warning("that the retraining is over cannot be written down (%s)", error.strerror)
        self.last_result = result.text
        return result

    def _result(self, code: int) -> TrainingResult:
        if code != 0:
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            reason = str(self._outcome.get("reason") or name)
            where = self._configuration.state_directory / "training.log"
            log.error("retraining failed: %s; details in %s", reason, where)
            return TrainingResult(f"failed: {reason}", promoted=False)
        promoted = bool(self._outcome.get("promoted"))
        text = f"{'promoted' if promoted else 'not promoted'}: {self._outcome.get('reason', '')}"
        log.info("retraining ended, %s", text)
        return TrainingResult(text, promoted)
