"""What came of the retrainings: one line a run in `STATE/retraining.jsonl`, read by the schedule and by
`status`.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from photo_organizer.learning.drafts import sync

RUNS = "retraining.jsonl"
_TAIL = 64 * 1024  # bytes; the last line is a few hundred


class Result(StrEnum):
    """How a retraining ended."""

    PROMOTED = "promoted"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """One retraining. `model` is the challenger's id, None when none was made; `reason` is one sentence."""

    time: datetime
    result: Result
    reason: str
    model: str | None = None


def record_run(state: Path, run: Run) -> None:
    """Appends a run, in one write, and syncs it."""
    state.mkdir(parents=True, exist_ok=True)
    line = json.dumps({**asdict(run), "time": run.time.isoformat()}, ensure_ascii=True) + "\n"
    path = state / RUNS
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        file.write(line.encode("ascii"))
    sync(path)


def last_run(state: Path) -> Run | None:
    """The last run that was recorded whole; None when there was none yet."""
    try:
        with (state / RUNS).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        run = _parse(line)
        if run is not None:
            return run
    return None


def _parse(line: bytes) -> Run | None:
    try:
        fields = json.loads(line)
        time = datetime.fromisoformat(fields["time"])
        return Run(time, Result(fields["result"]), str(fields["reason"]), fields["model"])
    except (ValueError, KeyError, TypeError):  # a line that a crash cut off
        return None
