"""What the plan's pipeline holds of a cluster: takes photos like the vision process of one machine.

Each batch is given to one worker, two at most are with a worker at a time, and nothing more is known to the
scheduler: its memory and ours do not depend on the size of the archive. When a worker dies, its batches are
given to another. A batch that a worker died with goes alone to the next one, and in halves when that dies,
too, until the file is found that kills them.
"""

from __future__ import annotations

import os
import queue
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.cluster.batches import BATCHES_A_WORKER, Batch, BusyWorker, answer_of
from photo_organizer.cluster.classifying import FAILED, UNSEEN, BatchRequest, classify_here
from photo_organizer.cluster.connection import ClusterError, innermost
from photo_organizer.cluster.description import Computation
from photo_organizer.cluster.roster import PathMap, Roster, path_there
from photo_organizer.photo import Photo
from photo_organizer.vision.decode.budget.limits import Limits
from photo_organizer.vision.outcome import Outcome, Rejected, RejectionKind
from photo_organizer.vision.protocol import Message, outcome_of

if TYPE_CHECKING:
    from distributed import Client, Future

POISON = "it crashes the worker process"
_LOOK_SECONDS = 0.5


class ClusterVision:
    """Classifies photos on the workers of a scheduler.

    Args:
        client: connected to the scheduler; closed with this.
        computation: what the workers must compute with.
        categories: probabilities come in this order.
        limits: what one photo may cost.
        batch: photos in a batch.
        roots: the folders that all workers must see.
        maps: how workers see paths that are others for them.
        say: told what the owner should know, a line each.
    """

    def __init__(
        self,
        client: Client,
        computation: Computation,
        *,
        categories: tuple[str, ...],
        limits: Limits,
        batch: int,
        roots: Sequence[Path],
        maps: Sequence[PathMap] = (),
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._categories = categories
        self._limits = limits
        self._batch = batch
        self._maps = maps
        self._clock = clock
        self._roster = Roster(
            client,
            computation,
            [path_there(root, maps) for root in roots],
            say=say,
            note_done=self._note_done,
            clock=clock,
        )
        self._waiting: deque[Photo] = deque()
        self._again: deque[Batch] = deque()
        self._poison: set[Path] = set()
        self._outcomes: list[Outcome] = []
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._by_key: dict[str, Batch] = {}
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._look_at = clock()
        self._is_closed = False

    @property
    def in_flight(self) -> int:
        """Photos that were submitted and have no outcome yet."""
        batches = (*self._again, *self._by_key.values())
        return len(self._waiting) + len(self._outcomes) + sum(len(batch.photos) for batch in batches)

    @property
    def capacity(self) -> int:
        """As many photos as keep all workers busy."""
        return self._batch * (BATCHES_A_WORKER + 1) * max(1, len(self._roster.workers))

    def submit(self, photos: Sequence[Photo]) -> None:
        """Have `photos` classified.

        Raises:
            ClusterError: the scheduler is gone.
        """
        for photo in photos:
            if photo.path in self._poison:
                self._outcomes.append(Rejected(photo, RejectionKind.SOURCE_ERROR, POISON))
            else:
                self._waiting.append(photo)
        self._hand_out()

    def warm_up(self) -> None:
        """The workers are warm when they appear."""

    def poll(self, timeout: float = 0) -> list[Outcome]:
        """Return the outcomes that are there; `timeout` is not waited for.

        Raises:
            ClusterError: the scheduler is gone, or a worker cannot serve the model any more.
        """
        del timeout
        self._drain_wake()
        if self._client.status != "running":
            raise ClusterError("the connection to the scheduler was lost", remedy="start it again")
        while not self._done.empty():
            key = self._done.get()
            batch = self._by_key.pop(key, None)
            if batch is not None:
                self._take_in(batch)
            else:
                self._roster.hear(key)
        if self._clock() >= self._look_at:
            for worker in self._roster.look():
                self._do_again(worker)
            self._look_at = self._clock() + _LOOK_SECONDS
        self._hand_out()
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def next_due(self) -> float | None:
        """When workers are looked at again; at once when outcomes wait."""
        return self._clock() if self._outcomes else self._look_at

    def fileno(self) -> int | None:
        """To be watched for reading."""
        return None if self._is_closed else self._wake_read

    def wants_to_write(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Forget what is in flight, and leave the scheduler."""
        if self._is_closed:
            return
        self._is_closed = True
        for batch in self._by_key.values():
            batch.cancel()
        self._roster.close()
        self._client.close(timeout=5)
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _do_again(self, worker: BusyWorker) -> None:
        """Do the batches of a worker that is gone again."""
        for batch in worker.batches:
            if self._by_key.pop(batch.key, None) is not None:
                batch.cancel()
                self._survive(batch)

    def _survive(self, batch: Batch) -> None:
        """Do a batch again that a worker died with, whole or in halves, or reject the photo that it is."""
        again = batch.after_death()
        if again == [batch]:
            self._again.append(batch)
        elif again:
            self._again.extendleft(again)
        else:
            [photo] = batch.photos
            self._poison.add(photo.path)
            self._outcomes.append(Rejected(photo, RejectionKind.SOURCE_ERROR, POISON))

    def _hand_out(self) -> None:
        """Give batches to workers: first those that are done again, then new ones.

        While a suspect waits for a worker of its own, the one with the least to do gets nothing new.
        """
        again, self._again = self._again, deque()
        for batch in again:
            free = [worker for worker in self._roster.workers.values() if worker.can_take(batch)]
            if free:
                self._send(batch, min(free, key=_load))
            else:
                self._again.append(batch)
        fresh = sorted(self._roster.workers.values(), key=_load)[len(self._again) :]
        while self._waiting:
            free = [worker for worker in fresh if worker.can_take(Batch(()))]
            if not free:
                return
            count = min(self._batch, len(self._waiting))
            photos = tuple(self._waiting.popleft() for _ in range(count))
            self._send(Batch(photos), min(free, key=_load))

    def _send(self, batch: Batch, worker: BusyWorker) -> None:
        photos = [(str(path_there(photo.path, self._maps)), photo) for photo in batch.photos]
        request = BatchRequest.of(photos, self._categories, self._limits)
        future = self._client.submit(
            classify_here, request, workers=[worker.address], allow_other_workers=False, pure=False, retries=0
        )
        batch.worker, batch.future = worker.address, future
        worker.batches.append(batch)
        self._by_key[future.key] = batch
        future.add_done_callback(self._note_done)

    def _note_done(self, future: Future) -> None:
        """Called in a thread of Dask's."""
        self._done.put(future.key)
        try:
            os.write(self._wake_write, b"x")
        except OSError:  # full: it wakes already; or closed
            return

    def _drain_wake(self) -> None:
        try:
            while os.read(self._wake_read, 4096):
                pass
        except BlockingIOError:
            return

    def _take_in(self, batch: Batch) -> None:
        worker = self._roster.workers.get(batch.worker)
        if worker is not None and batch in worker.batches:
            worker.batches.remove(batch)
        future = batch.future
        if future is None:
            return
        try:
            messages: list[Message] = answer_of(self._client, future, batch.worker)
        except Exception as error:  # noqa: BLE001 (of Dask's, of many kinds)
            self._fail(batch, error)
            return
        finally:
            future.release()
            batch.future = None
        if messages and messages[0]["event"] == FAILED:
            self._give_up(batch, messages[0]["what"])
            return
        for message in messages:
            self._outcomes.append(self._outcome(message, batch))

    def _fail(self, batch: Batch, error: Exception) -> None:
        """Dask gave no answer: the worker died, or the batch was lost on the way."""
        if type(error).__name__ in {"KilledWorker", "CancelledError", "FutureCancelledError", "TimeoutError"}:
            self._survive(batch)
            return
        self._give_up(batch, innermost(error))

    def _outcome(self, message: Message, batch: Batch) -> Outcome:
        photo = batch.photos[int(message["photo"])]
        if message["event"] != UNSEEN:
            return outcome_of(message, photo, self._categories)
        if not os.path.lexists(photo.path):
            return Rejected(photo, RejectionKind.GONE, "it is gone")
        reason = f"worker {batch.worker} does not see it ({message['what']})"
        return Rejected(photo, RejectionKind.SOURCE_ERROR, reason)

    def _give_up(self, batch: Batch, reason: str) -> None:
        """A worker cannot classify any more: it is not used again, and its batches are done by others."""
        worker = self._roster.dismiss(batch.worker, reason)
        for other in [batch, *(worker.batches if worker is not None else [])]:
            self._by_key.pop(other.key, None)
            other.cancel()
            self._again.append(other)


def _load(worker: BusyWorker) -> int:
    return len(worker.batches)
