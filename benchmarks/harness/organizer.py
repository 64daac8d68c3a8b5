"""A real daemon in a home of its own, as the benchmarks drive it: started as by a user, seen from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from photo_organizer.config import Configuration, load_configuration
from photo_organizer.models.store import Registry

_TICK = 0.002  # how often something awaited is looked at: far finer than what is measured
CHECKOUT = Path(__file__).resolve().parents[2]
STARTER = CHECKOUT / "models" / "starter"


class Organizer:
    """A daemon with an inbox, a library and a state directory below `home`, all on one file system.

    Args:
        home: an empty folder (made when it is not there).
        model: the model folder to serve; the checkout's starter when None.
        settings: sections of the configuration that differ from the benchmark's own, as in the YAML.
    """

    def __init__(
        self,
        home: Path,
        model: Path | None = None,
        settings: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
    ) -> None:
        self.home = home
        self.inbox = home / "inbox"
        self.library = home / "library"
        for folder in (self.inbox, self.library):
            folder.mkdir(parents=True)
        description = json.loads(((model or STARTER) / "model.json").read_text(encoding="utf-8"))
        config: dict[str, Any] = {
            "inboxes": [str(self.inbox)],
            "library": str(self.library),
            "categories": description["categories"],
            "state": {"directory": str(home / "state")},
            "model": {"directory": str(home / "models")},
            "retraining": {"enabled": False},
        }
        for section, values in settings.items():
            config[section] = {**config.get(section, {}), **values}
        path = home / "organizer.yaml"
        path.write_text(json.dumps(config, indent=1), encoding="utf-8")  # JSON is YAML
        self.configuration: Configuration = load_configuration(path)
        self.model = install(model, self.configuration)
        self.log = home / "daemon.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._ledger_read = 0
        self._ledger_rows = -1  # the header is not a row

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the daemon and waits until it works or waits for photos."""
        command = [sys.executable, "-m", "photo_organizer", "run", "--config", str(self.configuration.path)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self.wait(lambda: self.status().get("state") in {"idle", "working"}, 60, "the daemon is ready")

    def stop(self) -> None:
        """Ends the daemon as systemd would."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise
        finally:
            self._process = None

    @property
    def pid(self) -> int:
        """Of the daemon itself."""
        if self._process is None:
            raise RuntimeError("the daemon is not running")
        return self._process.pid

    def status(self) -> dict[str, Any]:
        """What its status file says; empty when there is none of this daemon."""
        try:
            status: dict[str, Any] = json.loads(
                (self.configuration.state_directory / "status.json").read_text()
            )
        except FileNotFoundError:
            return {}
        return status if status.get("pid") == self.pid else {}

    def rows(self) -> int:
        """Rows in the ledger. Each is there when the photo is filed for good."""
        try:
            with self.configuration.ledger_path.open("rb") as ledger:
                ledger.seek(self._ledger_read)
                added = ledger.read()
        except FileNotFoundError:
            return 0
        self._ledger_read += len(added)
        self._ledger_rows += added.count(b"\n")
        return max(0, self._ledger_rows)

    def wait_for_rows(self, count: int, timeout: float) -> None:
        """Waits until the ledger has `count` rows."""
        self.wait(
            lambda: self.rows() >= count, timeout, f"{count} photos are filed ({self.rows()} were at first)"
        )

    def wait(self, condition: Callable[[], bool], timeout: float, meaning: str) -> None:
        """Waits until `condition`; the daemon's end or `timeout` seconds are errors."""
        deadline = time.monotonic() + timeout
        while not condition():
            self.check_time(deadline, meaning)
            time.sleep(_TICK)

    def check_time(self, deadline: float, meaning: str) -> None:
        """Raises when the daemon has ended or `deadline` (`time.monotonic()`) has passed before `meaning`."""
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"the daemon ended before {meaning}; its log ends:\n{self._log_end()}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"not in time: {meaning}; {self.status()}; its log ends:\n{self._log_end()}")

    def _log_end(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]


def install(model: Path | None, configuration: Configuration) -> Path:
    """Puts `model` (the starter when None) in the configured model directory, in use; returns its folder."""
    registry = Registry(configuration.model_directory)
    if model is None:
        return registry.current()
    name = json.loads((model / "model.json").read_text())["id"]
    destination = configuration.model_directory / name
    destination.mkdir(parents=True)
    for path in model.rglob("*"):
        if path.is_file():
            target = destination / path.relative_to(model)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(path.read_bytes())
    return registry.use(name)
