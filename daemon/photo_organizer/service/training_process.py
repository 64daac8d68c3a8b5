"""The daemon's side of the training process: start it, read its reports, stop it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.files import private_file
from photo_organizer.learning.events import Progress, TrainingOutcome, parse_event

_LOWEST_PRIORITY = 19
_STOP_SECONDS = 2.0


@dataclass(slots=True)
class TrainingReport:
    """What the process has reported so far.

    Attributes:
        progress: the progress, for people.
        outcome: the result, once it has been reported.
    """

    progress: str = "starting"
    outcome: TrainingOutcome | None = None


class TrainingProcess:
    """A running training process.

    Args:
        command: the program with its arguments.
        errors: the file for its standard error.

    Raises:
        OSError: it cannot be started (out of memory or disk space).
    """

    def __init__(self, command: Sequence[str], errors: Path) -> None:
        self.report = TrainingReport()
        self._unread = b""
        with private_file(errors) as file:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file
            )
        assert self._process.stdout is not None  # noqa: S101 (a pipe was asked for)
        self._stream = self._process.stdout
        with contextlib.suppress(OSError):  # it may have ended already
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _LOWEST_PRIORITY)
        os.set_blocking(self._stream.fileno(), False)

    def fileno(self) -> int:
        """Return what becomes readable when the process reports or ends."""
        return self._stream.fileno()

    def listen(self) -> int | None:
        """Read its reports; return its exit code once it has ended."""
        while (chunk := self._stream.read()) is not None:
            if not chunk:
                self._stream.close()
                return self._process.wait()
            *lines, self._unread = (self._unread + chunk).split(b"\n")
            for line in lines:
                self._read(line)
        return None

    def stop(self) -> None:
        """Stop it; it leaves a complete new model or nothing."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stream.close()

    def _read(self, line: bytes) -> None:
        match parse_event(line):
            case Progress() as progress:
                self.report.progress = progress.text or progress.stage
            case TrainingOutcome() as outcome:
                self.report.outcome = outcome
            case None:
                pass


def failure(code: int, outcome: TrainingOutcome | None) -> str:
    """Return why a process failed: the reason that it reported, else its exit code or signal."""
    ended = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return outcome.reason if outcome and outcome.reason else ended
