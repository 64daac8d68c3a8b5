"""Batches of photos, the workers that have them, and what happens to a batch that a worker died with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from photo_organizer.photo import Photo

if TYPE_CHECKING:
    from distributed import Client, Future

BATCHES_A_WORKER = 2
ANSWER_SECONDS = 30.0
_LOOK_SECONDS = 0.5
DEATHS_TO_HALVE = 2
DEATHS_TO_REJECT = 3
"""Of workers with the file alone, but for the first: workers are killed for other reasons, too."""


@dataclass(slots=True, eq=False)
class Batch:
    """Photos that are classified together. `deaths`: how many workers died with them."""

    photos: tuple[Photo, ...]
    deaths: int = 0
    worker: str = ""
    future: Future | None = None

    @property
    def key(self) -> str:
        """Dask's name of the task; empty without one."""
        return str(self.future.key) if self.future is not None else ""

    def after_death(self) -> list[Batch]:
        """Count the death of a worker; return what is to be done again: this, its halves, or nothing."""
        self.deaths += 1
        if len(self.photos) > 1 and self.deaths >= DEATHS_TO_HALVE:
            middle = len(self.photos) // 2
            return [Batch(part, 1) for part in (self.photos[:middle], self.photos[middle:])]
        return [] if self.deaths >= DEATHS_TO_REJECT else [self]

    def cancel(self) -> None:
        """Have the scheduler forget the task."""
        if self.future is not None:
            forget(self.future)
            self.future = None


@dataclass(slots=True, eq=False)
class BusyWorker:
    """A worker that is used, and its batches. A batch that a worker died with is alone with its next one."""

    address: str
    batches: list[Batch] = field(default_factory=list)

    def can_take(self, batch: Batch) -> bool:
        """Whether the batch may be sent to this worker now."""
        if batch.deaths or any(other.deaths for other in self.batches):
            return not self.batches
        return len(self.batches) < BATCHES_A_WORKER


def answer_of(client: Client, future: Future, address: str) -> Any:  # noqa: ANN401 (what the task returns)
    """Return what a finished task answered.

    The answer lies with the worker. Of one that has died meanwhile none will come, and waiting for it would
    hold everything up.

    Args:
        client: connected to the scheduler.
        future: done.
        address: the worker's.

    Raises:
        TimeoutError: the worker is gone, or does not answer within `ANSWER_SECONDS`.
        Exception: what the task raised, or Dask.
    """
    until = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return future.result(timeout=_LOOK_SECONDS)
        except TimeoutError:
            if time.monotonic() > until or address not in client.scheduler_info(n_workers=-1)["workers"]:
                raise


def forget(future: Future) -> None:
    """Have the scheduler forget a task, whether it is done or not."""
    if not future.done():
        future.cancel(force=True)
    future.release()
