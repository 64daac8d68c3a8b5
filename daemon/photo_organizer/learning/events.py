"""How a training tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Progress:
    """One report. `total` is 0 when it is not known; `text` is a short line for people."""

    stage: str
    done: int = 0
    total: int = 0
    text: str = ""


Listener = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended. `model` is the challenger's id, None when none was made; `reason` one
    sentence.
    """

    promoted: bool
    reason: str
    model: str | None = None
    report: Path | None = None


@dataclass(frozen=True, slots=True)
class Epoch:
    """A point of the training curves. `stage` is "head", "head on frozen backbone" or "block 5"."""

    stage: str
    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
