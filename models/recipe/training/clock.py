"""Progress of a training, on which its schedule depends.

On a shared machine the number of steps in a given time is unknown. So progress is the share of the time spent
(`TimeBudget`), or of the steps (`StepBudget`) where the result must be repeatable.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


class Budget(Protocol):
    """Tells the progress of a training, from 0 to 1."""

    def progress(self, step: int) -> float:
        """Return the progress after ``step`` steps."""
        ...


@dataclass(frozen=True)
class StepBudget:
    """A fixed number of steps."""

    steps: int

    def progress(self, step: int) -> float:
        """Return the share of the steps done."""
        return min(1.0, step / self.steps)


@dataclass(frozen=True)
class TimeBudget:
    """A time at which to finish. A process that is stopped (SIGSTOP) loses that time.

    Args:
        before: progress that earlier runs of the same training had made.
        began: when this run began, in seconds since the epoch.
        until: when progress must reach 1, in the same unit.
        now: the clock.
    """

    before: float
    began: float
    until: float
    now: Callable[[], float] = time.time

    def progress(self, step: int) -> float:
        """Return earlier progress plus the rest in proportion to this run's time."""
        del step  # Only the clock counts.
        if self.until <= self.began:
            return 1.0
        passed = (self.now() - self.began) / (self.until - self.began)
        return min(1.0, self.before + (1.0 - self.before) * passed)


@dataclass(frozen=True)
class Schedule:
    """Learning rate and input size by progress.

    Args:
        peak: highest learning rate.
        floor: share of the peak at the end.
        warmup: progress at which the peak is reached, from zero.
        sides: pairs of a progress and the side in pixels from there on; the first starts at 0.
    """

    peak: float
    floor: float = 0.01
    warmup: float = 0.03
    sides: tuple[tuple[float, int], ...] = ((0.0, 96), (0.6, 128))

    def learning_rate(self, progress: float) -> float:
        """Return a linear rise, then half a cosine (Loshchilov and Hutter, 'SGDR', 2017)."""
        if progress < self.warmup:
            return self.peak * max(progress / self.warmup, 0.01)
        place = (progress - self.warmup) / (1.0 - self.warmup)
        return self.peak * (self.floor + (1.0 - self.floor) * 0.5 * (1.0 + math.cos(math.pi * place)))

    def side(self, progress: float) -> int:
        """Return the input size in pixels."""
        return max((start, side) for start, side in self.sides if start <= progress)[1]


def parse_until(text: str, now: datetime | None = None) -> float:
    """Return the next ``HH:MM`` of the local clock, or an ISO 8601 time, in seconds since the epoch."""
    current = now or datetime.now()
    if len(text) <= 5:
        hour, minute = (int(part) for part in text.split(":"))
        moment = current.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if moment <= current:
            moment += timedelta(days=1)
        return moment.timestamp()
    return datetime.fromisoformat(text).timestamp()
