"""The training process: `python -m photo_organizer.learning.process --config FILE`.

Writes JSON lines to its standard output: `{"event": "progress", "stage", "done", "total", "text"}` and, last,
`{"event": "outcome", "promoted", "model", "reason", "report"}`. Exit code 0 when it came to an end, also to a
challenger that was not promoted; 1 when it failed; 2 when the configuration is wrong. With `--notice` it
trains nothing: it looks for new corrections, and says something only when it fails.

It steps back for everything else on the machine: lowest CPU and disk priority, a cap on its memory, and a
lock, so that only one trains at a time.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from photo_organizer.config import load_configuration
from photo_organizer.errors import OrganizerError
from photo_organizer.files import open_lock_file, try_lock
from photo_organizer.learning.events import Progress, TrainingOutcome, event_line
from photo_organizer.learning.labels.corrections import notice_corrections
from photo_organizer.learning.priority import step_back

LOCK = "training.lock"
_QUIET_SECONDS = 0.2


class AlreadyTrainingError(OrganizerError):
    """Another training is running for this state directory."""


class ProgressWriter:
    """Writes progress as JSON lines, at most a few a second within a stage."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage = ""
        self._last = 0.0

    def progress(self, progress: Progress) -> None:
        """Write how far it is."""
        now = time.monotonic()
        ends = progress.total > 0 and progress.done >= progress.total
        if progress.stage == self._stage and not ends and now - self._last < _QUIET_SECONDS:
            return
        self._stage, self._last = progress.stage, now
        self._say(progress)

    def outcome(self, outcome: TrainingOutcome) -> None:
        """Write how it ended."""
        self._say(outcome)

    def _say(self, event: Progress | TrainingOutcome) -> None:
        self._stream.write(event_line(event))
        self._stream.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one retraining; see the module."""
    options = _parser().parse_args(arguments)
    # One thread: several wait for one another actively, at the cost of everything else on the machine.
    # Measured with both cores busy: 87 s of CPU time with two threads, 6 s with one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    voice = ProgressWriter(_own_output())
    try:
        config = load_configuration(options.config)
        step_back()
        config.state_directory.mkdir(parents=True, exist_ok=True)
        if options.notice:
            notice_corrections(config)
            return 0
        with _only_one(config.state_directory / LOCK):
            # Imported late: the lock and the priorities come first, numpy and scipy after.
            from photo_organizer.learning.retrain import TrainingRequest, retrain  # noqa: PLC0415

            request = TrainingRequest(
                options.mode or config.retraining.mode, options.photos, options.scheduled
            )
            voice.outcome(retrain(config, request, voice.progress))
    except OrganizerError as error:
        voice.outcome(TrainingOutcome(promoted=False, reason=str(error)))
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="photo_organizer.learning.process", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--mode", choices=("head", "fine-tune"))
    parser.add_argument("--photos", type=Path, help="a folder with a folder of photos for each category")
    parser.add_argument("--scheduled", action="store_true", help="skip when there are too few new labels")
    parser.add_argument("--notice", action="store_true", help="look for new corrections; do not train")
    return parser


def _own_output() -> TextIO:
    """Return standard output for our own lines; what libraries print goes to standard error."""
    ours = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return os.fdopen(ours, "w", encoding="ascii")


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    descriptor = open_lock_file(path)
    try:
        if not try_lock(descriptor):
            remedy = "wait until it has ended"
            raise AlreadyTrainingError("a training is running already", where=path, remedy=remedy)
        yield
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
