"""A retraining that the page began: its process, and how far it is."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from photo_organizer.config import Configuration
from photo_organizer.files import private_file

PROCESS = "photo_organizer.learning.process"
_LOG = "training.log"

Tell = Callable[[dict[str, Any]], None]


class TrainingRun:
    """One run, in a process of its own at low priority. It leaves a whole new model or nothing.

    Args:
        configuration: which library, which models.
        tell: hears how far it is, from another thread.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(self, configuration: Configuration, tell: Tell) -> None:
        self._log = configuration.state_directory / _LOG
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
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._thread.join()

    def _listen(self) -> None:
        outcome: dict[str, Any] = {}
        for line in self._process.stdout or ():
            try:
                event = json.loads(line)
            except ValueError:  # a library's own chatter
                continue
            if not isinstance(event, dict):
                continue
            if event.get("event") == "progress":
                progress = {key: event.get(key) or empty for key, empty in _PROGRESS.items()}
                self._tell({"running": True, **progress})
            elif event.get("event") == "outcome":
                outcome = event
        code = self._process.wait()
        self._tell({"running": False, **self._ended(code, outcome)})

    def _ended(self, code: int, outcome: dict[str, Any]) -> dict[str, Any]:
        reason = str(outcome.get("reason") or "")
        if code != 0:
            return {"failed": True, "text": reason or f"the training process ended; see {self._log}"}
        return {"failed": False, "promoted": bool(outcome.get("promoted")), "text": reason}


_PROGRESS: dict[str, object] = {"stage": "", "done": 0, "total": 0, "text": ""}
