"""Runs the training process in the foreground and shows how far it is."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from photo_organizer.errors import OrganizerError, printable
from photo_organizer.files import private_file
from photo_organizer.learning.events import LOG, PROCESS, Progress, TrainingOutcome, parse_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from photo_organizer.config import Configuration


def run_training(
    configuration: Configuration, *, mode: str | None = None, photos: Path | None = None
) -> TrainingOutcome:
    """Run one retraining to its end.

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
    log_path = configuration.state_directory / LOG
    configuration.state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    outcome: TrainingOutcome | None = None
    with private_file(log_path) as log, display() as shown:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        with process:
            try:
                for line in process.stdout or ():
                    match parse_event(line):
                        case Progress() as progress:
                            shown.show(progress)
                        case TrainingOutcome() as said:
                            outcome = said
                        case None:
                            pass
            except BaseException:
                process.terminate()  # it leaves a whole new model or nothing
                raise
    details = f"details are in {log_path}"
    if process.returncode != 0:
        said_last = outcome.reason if outcome else ""
        reason = said_last or f"the training process ended with {process.returncode}"
        raise OrganizerError(f"the retraining failed: {reason}", remedy=details)
    if outcome is None:
        raise OrganizerError("the training process reported no result", remedy=details)
    return outcome


def words_for(outcome: TrainingOutcome) -> Iterator[str]:
    """Return the outcome in words."""
    if outcome.promoted:
        yield f"{outcome.model} is in use now: {outcome.reason}"
    elif outcome.model:
        yield f"{outcome.model} is kept, but the previous model stays in use: {outcome.reason}"
    else:
        yield f"nothing was trained: {outcome.reason}"
    if outcome.report:
        yield f"report: {outcome.report}"


def display() -> BarDisplay | LineDisplay:
    """Return a progress bar on a terminal, otherwise a line for each stage."""
    return BarDisplay() if sys.stderr.isatty() else LineDisplay()


class LineDisplay:
    """Prints a line on stderr whenever a stage begins."""

    def __init__(self) -> None:
        self._stage = ""

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, progress: Progress) -> None:
        """Print the stage when it has changed."""
        if progress.stage != self._stage:
            self._stage = progress.stage
            of = f" ({progress.total:,})" if progress.total else ""
            text = f": {progress.text}" if progress.text else ""
            print(printable(f"{progress.stage}{of}{text}"), file=sys.stderr, flush=True)


class BarDisplay:
    """Shows a live bar on stderr: stage, share, time left, and messages."""

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

    def show(self, progress: Progress) -> None:
        """Advance the bar, or start another one for a new stage."""
        if progress.stage != self._stage and self._stage:
            self._progress.update(self._task, completed=1, total=1)
            self._task = self._progress.add_task(progress.stage, total=progress.total or None, text="")
        self._stage = progress.stage
        self._progress.update(
            self._task,
            description=printable(progress.stage),
            completed=progress.done,
            total=progress.total or None,
            text=printable(progress.text),
        )
