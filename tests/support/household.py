"""A real daemon on real folders: started as a process, awaited by what it says of itself."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from support.ledger import ledger_rows
from support.small_models import make_model

PATIENCE_SECONDS = 60.0


class Household:
    """The folders and the configuration of one person, below `root`."""

    def __init__(self, root: Path, installed: Path, **settings: object) -> None:
        self.root = root
        self.inbox = root / "Inbox"
        self.library = root / "Library"
        self.state = root / "state"
        self.models = root / "models"
        self.config = root / "organizer.yaml"
        self.models.mkdir(parents=True)
        (self.models / installed.name).symlink_to(installed)
        (self.models / "current").symlink_to(installed.name)
        self.settings: dict[str, object] = {
            "inboxes": ["Inbox"],
            "library": "Library",
            "watch": {"settle_seconds": 0.1, "rescan_seconds": 5},
            "batch": {"size": 8, "max_wait_seconds": 0.1},
            "model": {"directory": "models"},
            "state": {"directory": "state"},
            "thresholds": {"default": 0.95},
            "retraining": {"enabled": False},
        } | settings
        self.save()

    def save(self, **changes: object) -> None:
        """Writes the configuration, as an editor does: a draft that replaces it."""
        self.settings |= changes
        draft = self.config.with_name("draft")
        draft.write_text(json.dumps(self.settings, indent=1))  # JSON is YAML
        draft.replace(self.config)

    def status(self) -> dict[str, Any]:
        try:
            values = json.loads((self.state / "status.json").read_text())
        except FileNotFoundError:
            return {}
        assert isinstance(values, dict)
        return values

    def ledger(self) -> list[dict[str, str]]:
        return ledger_rows(self.state)

    def waiting(self) -> list[Path]:
        """The files that lie in the inbox."""
        return files_below(self.inbox)

    def filed(self) -> dict[str, list[str]]:
        """The names in each folder of the library."""
        folders: dict[str, list[str]] = {}
        for path in files_below(self.library):
            folders.setdefault(str(path.parent.relative_to(self.library)), []).append(path.name)
        return folders

    def contents(self) -> Counter[str]:
        """The hash of every file that belongs to the person, wherever it lies."""
        places = (self.inbox, self.library, self.state / "quarantine")
        paths = [
            path for place in places for path in files_below(place) if not path.name.endswith(".reason.txt")
        ]
        return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)

    def organizer(self, *arguments: str) -> str:
        """Runs another command of the program, and returns what it printed."""
        command = [sys.executable, "-m", "photo_organizer", *arguments, "--config", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, *arguments: str, seconds: float) -> str | None:
        """The same, but any end is fine; killed without warning when the time is up (then None)."""
        command = [sys.executable, "-m", "photo_organizer", *arguments, "--config", str(self.config)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        assert "should not happen" not in done.stderr, done.stderr
        return done.stdout

    def leftovers(self) -> list[Path]:
        """Hidden or temporary files that must not outlive a recovery."""
        hidden = [
            path for place in (self.inbox, self.library) for path in place.rglob(".*") if path.is_file()
        ]
        return [path for path in hidden if path.name != ".photo-organizer.lock"]


class LiveDaemon:
    """`photo-organizer run` as a process of its own; killed when the `with` block ends, if it lives still."""

    def __init__(self, household: Household, **environment: str) -> None:
        self.household = household
        self.log = household.root / f"daemon-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "photo_organizer", "run", "--config", str(household.config)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | environment
            )

    def __enter__(self) -> LiveDaemon:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def pid(self) -> int:
        return self.process.pid

    def says(self) -> str:
        return self.log.read_text(errors="replace")

    def until(
        self, condition: Callable[[dict[str, Any]], object], seconds: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """Waits until the daemon's status fulfils `condition`, and returns it."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.household.status()
            if status.get("pid") == self.pid and condition(status):
                return status
            self._check(deadline, f"status {json.dumps(status)}")
            time.sleep(0.02)

    def until_ready(self) -> None:
        self.until(lambda status: status["state"] != "starting")

    def until_filed(self, paths: Iterable[Path]) -> None:
        """Waits until none of these files is in the inbox any more, and each photo has its row in the
        ledger."""
        paths = list(paths)
        photos = {str(path) for path in paths if path.suffix != ".xmp"}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(path.exists() for path in paths) or photos - {
            row["source"] for row in self.household.ledger()
        }:
            self._check(deadline, f"still there: {[path.name for path in paths if path.exists()][:5]}")
            time.sleep(0.02)

    def until_it_says(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while words not in self.says():
            self._check(deadline, f"never said {words!r}")
            time.sleep(0.02)

    def vision_pid(self) -> int | None:
        """The vision process, found among the daemon's children."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        for child in children.read_text().split():
            try:
                command = Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            if b"photo_organizer.vision.worker.worker" in command:
                return int(child)
        return None

    def stop(self) -> float:
        """Asks it to stop once it runs, and returns how many seconds it took."""
        self.until_ready()
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0, self.says()
        return time.monotonic() - begun

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _check(self, deadline: float, what: str) -> None:
        assert self.process.poll() is None, f"the daemon ended ({self.process.returncode}): {self.says()}"
        assert time.monotonic() < deadline, f"{what}; it said: {self.says()}"


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


def small_model(folder: Path, name: str = "small", seed: int = 1) -> Path:
    """A model that is right about the photos that `models.draw_photo` draws."""
    model = make_model(folder / name, seed=seed)
    description = json.loads((model / "model.json").read_text())
    # One that was trained here: a starter would make room for the program's own.
    (model / "model.json").write_text(json.dumps(description | {"parent": "starter"}))
    return model
