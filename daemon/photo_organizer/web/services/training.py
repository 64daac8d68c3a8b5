"""A retraining that the page began: its process, and how far it is."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from photo_organizer.config import Configuration
from photo_organizer.files import private_file
from photo_organizer.learning.events import LOG, PROCESS, Progress, TrainingOutcome, parse_event

Tell = Callable[[dict[str, Any]], None]


class TrainingRun:
    """One retraining in its own low-priority process. It leaves a complete new model or nothing.

    Args:
        configuration: which library, which models.
        tell: hears how far it is, from another thread.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(self, configuration: Configuration, tell: Tell) -> None:
        self._log = configuration.state_directory / LOG
        self._tell = tell
        with private_file(self._log) as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", PROCESS, "--config", str(configuration.path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        tell({"running": True, "stage": "starting", "done": 0, "total": 0, "text": ""})
        self._thread = threading.Thread(target=self._listen, name="training", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Return whether it has not ended yet."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._thread.join()

    def _listen(self) -> None:
        outcome: TrainingOutcome | None = None
        for line in self._process.stdout or ():
            match parse_event(line):
                case Progress() as progress:
                    self._tell({"running": True, **asdict(progress)})
                case TrainingOutcome() as said:
                    outcome = said
                case None:
                    pass
        code = self._process.wait()
        self._tell({"running": False, **self._ended(code, outcome)})

    def _ended(self, code: int, outcome: TrainingOutcome | None) -> dict[str, Any]:
        reason = outcome.reason if outcome else ""
        if code != 0:
            return {"failed": True, "text": reason or f"the training process ended; see {self._log}"}
        return {"failed": False, "promoted": outcome is not None and outcome.promoted, "text": reason}
