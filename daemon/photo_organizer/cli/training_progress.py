"""Runs the training process in the foreground and shows how far it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from photo_organizer.errors import OrganizerError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from photo_organizer.config import Configuration

PROCESS = "photo_organizer.learning.process"


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """How a retraining ended. `model` is the challenger's id, `report` its report; None without one."""

    promoted: bool
    reason: str
    model: str | None = None
    report: str | None = None


class Display(Protocol):
    """Who shows the progress."""

    def show(self, stage: str, done: int, total: int, text: str) -> None: ...


def run_training(
    configuration: Configuration, *, mode: str | None = None, photos: Path | None = None
) -> TrainingOutcome:
    """Runs one retraining to its end.

    Args:
        configuration: which library, which models.
        mode: "head" or "fine-tune"; None as configured.
        photos: a folder of category folders to learn from instead of the library.

    Raises:
        OrganizerError: it failed; the model in use is what it was.
    """
    command = [sys.executable, "-m", PROCESS, "--config", str(configuration.path)]
    if mode:
        command += ["--mode", mode]
    if photos:
        command += ["--photos", os.path.abspath(photos)]
    log_path = configuration.state_directory / "training.log"
    configuration.state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    outcome: dict[str, Any] = {}
    with os.fdopen(os.open(log_path, flags, 0o600), "wb") as log, display() as shown:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        with process:
            try:
                for event in events(process):
                    if event["event"] == "outcome":
                        outcome = event
                    else:
                        shown.show(
                            str(event.get("stage") or ""),
                            int(event.get("done") or 0),
                            int(event.get("total") or 0),
                            str(event.get("text") or ""),
                        )
            except BaseException:
                process.terminate()  # it leaves a whole new model or nothing
                raise
    if process.returncode != 0:
        reason = str(outcome.get("reason") or f"the training process ended with {process.returncode}")
        raise OrganizerError(f"the retraining failed: {reason}", remedy=f"details are in {log_path}")
    if not outcome:
        raise OrganizerError(
            "the training process said nothing at its end", remedy=f"details are in {log_path}"
        )
    model, report = outcome.get("model"), outcome.get("report")
    return TrainingOutcome(
        bool(outcome.get("promoted")),
        str(outcome.get("reason") or ""),
        str(model) if model else None,
        str(report) if report else None,
    )


def events(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON lines that the process writes; other chatter on its output is passed over."""
    for line in process.stdout or ():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("event") in {"progress", "outcome"}:
            yield event


def words_for(outcome: TrainingOutcome) -> Iterator[str]:
    """What came of it, for a person."""
    if outcome.promoted:
        yield f"{outcome.model} is in use now: {outcome.reason}"
    elif outcome.model:
        yield f"{outcome.model} is kept, but the model before stays in use: {outcome.reason}"
    else:
        yield f"nothing was trained: {outcome.reason}"
    if outcome.report:
        yield f"report: {outcome.report}"


def display() -> BarDisplay | LineDisplay:
    """A bar on a terminal, a line for each stage elsewhere."""
    return BarDisplay() if sys.stderr.isatty() else LineDisplay()


class LineDisplay:
    """A line on stderr whenever another stage begins."""

    def __init__(self) -> None:
        self._stage = ""

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, stage: str, done: int, total: int, text: str) -> None:
        """Prints the stage when it is another than before."""
        if stage != self._stage:
            self._stage = stage
            of = f" ({total:,})" if total else ""
            print(printable(f"{stage}{of}{': ' + text if text else ''}"), file=sys.stderr, flush=True)
        del done


class BarDisplay:
    """A live bar on stderr: stage, share, time left, and what the process says."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        from photo_organizer.cli.console import make_console

        self._progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[text]}"),
            console=make_console(stderr=True),
        )
        self._stage = ""
        self._task = self._progress.add_task("starting", total=None, text="")

    def __enter__(self) -> BarDisplay:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, stage: str, done: int, total: int, text: str) -> None:
        """Moves the bar, or begins a new one for a new stage."""
        if stage != self._stage and self._stage:
            self._progress.update(self._task, completed=1, total=1)
            self._task = self._progress.add_task(stage, total=total or None, text="")
        self._stage = stage
        self._progress.update(
            self._task,
            description=printable(stage),
            completed=done,
            total=total or None,
            text=printable(text),
        )
