"""What a training process says of itself, as JSON lines: how far it is, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

PROCESS = "photo_organizer.learning.process"
"""The module that the process runs."""
LOG = "training.log"
"""In the state directory: what the process prints besides."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One report. `total` is 0 when it is not known; `text` is a short line for people."""

    stage: str
    done: int = 0
    total: int = 0
    text: str = ""


Listener = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """How a training ended. `model` is the challenger's id, None when none was made; `reason` one
    sentence.
    """

    promoted: bool
    reason: str
    model: str | None = None
    report: Path | None = None


def event_line(event: Progress | TrainingOutcome) -> str:
    """Return the line that tells `event`."""
    kind = "progress" if isinstance(event, Progress) else "outcome"
    return json.dumps({"event": kind, **asdict(event)}, ensure_ascii=True, default=str) + "\n"


def parse_event(line: bytes) -> Progress | TrainingOutcome | None:
    """Return what a line of the process tells; None for a library's own chatter."""
    try:
        fields = json.loads(line)
        kind = fields.pop("event")
        if kind == "progress":
            return Progress(**fields)
        if kind == "outcome":
            report = fields.pop("report", None)
            return TrainingOutcome(**fields, report=Path(report) if report else None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return None


@dataclass(frozen=True, slots=True)
class Epoch:
    """A point of the training curves. `stage` is "head", "head on frozen backbone" or "block 5"."""

    stage: str
    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
