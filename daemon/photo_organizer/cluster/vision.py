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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photo_organizer.cluster.classifying import FAILED, UNSEEN, Request, classify_here, unseen_here
from photo_organizer.cluster.connection import ClusterError, innermost
from photo_organizer.cluster.description import Computation
from photo_organizer.errors import printable
from photo_organizer.photo import Photo
from photo_organizer.typed_command import typed
from photo_organizer.vision.decode.budget.limits import Limits
from photo_organizer.vision.outcome import Outcome, Rejected, RejectionKind
from photo_organizer.vision.protocol import Message, outcome_of

if TYPE_CHECKING:
    from distributed import Client, Future

BATCHES_A_WORKER = 2
NO_WORKER_SECONDS = 60.0
DEATHS_TO_HALVE = 2
DEATHS_TO_CONVICT = 3
"""Of workers with the file alone, but for the first: workers are killed for other reasons, too."""
POISON = "the worker process dies of it"
_LOOK_SECONDS = 0.5
_CHECK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class PathMap:
    """How workers see the paths of this machine: `source` is `target` there."""

    source: Path
    target: Path

    def applied_to(self, path: Path) -> Path | None:
        """Return what `path` is there; None when it is not below `source`."""
        return self.target / path.relative_to(self.source) if path.is_relative_to(self.source) else None


@dataclass(slots=True, eq=False)
class _Batch:
    """Photos that are classified together. `deaths`: how many workers died with them."""

    photos: tuple[Photo, ...]
    deaths: int = 0
    worker: str = ""
    future: Future | None = None

    def halves(self) -> list[_Batch]:
        middle = len(self.photos) // 2
        return [_Batch(part, 1) for part in (self.photos[:middle], self.photos[middle:])]


@dataclass(slots=True, eq=False)
class _Worker:
    """A worker that is used, and what it has to do. A batch that one died with is alone with its worker."""

    address: str
    batches: list[_Batch] = field(default_factory=list)

    def has_room_for(self, batch: _Batch) -> bool:
        if batch.deaths or any(other.deaths for other in self.batches):
            return not self.batches
        return len(self.batches) < BATCHES_A_WORKER


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
        self._computation = computation
        self._categories = categories
        self._limits = limits
        self._batch = batch
        self._roots = roots
        self._maps = maps
        self._say = say
        self._clock = clock
        self._workers: dict[str, _Worker] = {}
        self._refused: set[str] = set()
        self._asked: dict[str, Future] = {}
        self._waiting: deque[Photo] = deque()
        self._again: deque[_Batch] = deque()
        self._convicted: set[Path] = set()
        self._outcomes: list[Outcome] = []
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._by_key: dict[str, _Batch] = {}
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._look_at = clock()
        self._lonely_since = clock()
        self._is_closed = False

    @property
    def in_flight(self) -> int:
        """Photos that were submitted and have no outcome yet."""
        batches = (*self._again, *self._by_key.values())
        return len(self._waiting) + len(self._outcomes) + sum(len(batch.photos) for batch in batches)

    @property
    def capacity(self) -> int:
        """As many photos as keep all workers busy."""
        return self._batch * (BATCHES_A_WORKER + 1) * max(1, len(self._workers))

    def submit(self, photos: Sequence[Photo]) -> None:
        """Have `photos` classified.

        Raises:
            ClusterError: the scheduler is gone.
        """
        for photo in photos:
            if photo.path in self._convicted:
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
                self._hear_what_is_seen(key)
        if self._clock() >= self._look_at:
            self._look_at_workers()
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
            self._cancel(batch)
        for future in self._asked.values():
            _forget(future)
        self._client.close(timeout=5)
        os.close(self._wake_read)
        os.close(self._wake_write)

    # workers
    # ---------------------------------------------------------------------------------------------------

    def _look_at_workers(self) -> None:
        workers: dict[str, dict[str, Any]] = self._client.scheduler_info(n_workers=-1)["workers"]
        for address in [address for address in self._workers if address not in workers]:
            self._bury(self._workers.pop(address))
        for address in [address for address in self._asked if address not in workers]:
            _forget(self._asked.pop(address))
        for address in workers.keys() - self._workers.keys() - self._asked.keys() - self._refused:
            self._consider(address, workers[address])
        if self._workers:
            self._lonely_since = self._clock()
        elif self._clock() - self._lonely_since >= NO_WORKER_SECONDS:
            self._lonely_since = self._clock()
            self._say(
                f"no worker for {NO_WORKER_SECONDS:g} s: start one with `{typed('cluster-worker')}`, "
                "or stop with Ctrl-C; what is known is kept"
            )

    def _consider(self, address: str, told: dict[str, Any]) -> None:
        """Ask a worker that has just appeared what it sees, unless it would give other answers."""
        theirs = Computation.from_resources(told.get("resources") or {})
        if theirs is None:
            self._refuse(address, "it is not a worker of this program")
        elif difference := self._computation.difference(theirs):
            self._refuse(address, difference)
        else:
            paths = tuple(str(self._path_there(root)) for root in self._roots)
            future = self._client.submit(unseen_here, paths, workers=[address], pure=False, retries=0)
            self._asked[address] = future
            future.add_done_callback(self._note_done)

    def _hear_what_is_seen(self, key: str) -> None:
        """Use the worker whose answer has this key, when it sees all folders."""
        address = next((address for address, future in self._asked.items() if future.key == key), None)
        if address is None:
            return
        future = self._asked.pop(address)
        try:
            unseen: list[str] = future.result(timeout=_CHECK_SECONDS)
        except Exception as error:  # noqa: BLE001 (whatever a worker answers)
            self._refuse(address, f"it does not answer ({innermost(error)})")
            return
        finally:
            _forget(future)
        if unseen:
            self._refuse(address, f"it does not see {printable(unseen[0])}: mount it there, or use --map")
        else:
            self._workers[address] = _Worker(address)

    def _refuse(self, address: str, reason: str) -> None:
        self._refused.add(address)
        self._say(f"worker {address} is not used: {reason}")

    def _path_there(self, path: Path) -> Path:
        return next((there for one in self._maps if (there := one.applied_to(path)) is not None), path)

    def _bury(self, worker: _Worker) -> None:
        """A worker is gone: its batches are done again."""
        for batch in worker.batches:
            if self._by_key.pop(_key(batch), None) is not None:
                self._cancel(batch)
                self._survive(batch)

    def _survive(self, batch: _Batch) -> None:
        """A worker died with this batch: whole, in halves, or not again."""
        batch.deaths += 1
        if len(batch.photos) > 1 and batch.deaths >= DEATHS_TO_HALVE:
            self._again.extendleft(batch.halves())
        elif batch.deaths >= DEATHS_TO_CONVICT:
            [photo] = batch.photos
            self._convicted.add(photo.path)
            self._outcomes.append(Rejected(photo, RejectionKind.SOURCE_ERROR, POISON))
        else:
            self._again.append(batch)

    # batches
    # ---------------------------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        """Give batches to workers: first those that are done again, then new ones.

        While a suspect waits for a worker of its own, the one with the least to do gets nothing new.
        """
        again, self._again = self._again, deque()
        for batch in again:
            rooms = [worker for worker in self._workers.values() if worker.has_room_for(batch)]
            if rooms:
                self._send(batch, min(rooms, key=_load))
            else:
                self._again.append(batch)
        fresh = sorted(self._workers.values(), key=_load)[len(self._again) :]
        while self._waiting:
            rooms = [worker for worker in fresh if worker.has_room_for(_Batch(()))]
            if not rooms:
                return
            count = min(self._batch, len(self._waiting))
            photos = tuple(self._waiting.popleft() for _ in range(count))
            self._send(_Batch(photos), min(rooms, key=_load))

    def _send(self, batch: _Batch, worker: _Worker) -> None:
        photos = [(str(self._path_there(photo.path)), photo) for photo in batch.photos]
        request = Request.of(photos, self._categories, self._limits)
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

    def _take_in(self, batch: _Batch) -> None:
        worker = self._workers.get(batch.worker)
        if worker is not None and batch in worker.batches:
            worker.batches.remove(batch)
        future = batch.future
        if future is None:
            return
        try:
            messages: list[Message] = future.result(timeout=_CHECK_SECONDS)
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

    def _fail(self, batch: _Batch, error: Exception) -> None:
        """Dask gave no answer: the worker died, or the batch was lost on the way."""
        if type(error).__name__ in {"KilledWorker", "CancelledError", "FutureCancelledError", "TimeoutError"}:
            self._survive(batch)
            return
        self._give_up(batch, innermost(error))

    def _outcome(self, message: Message, batch: _Batch) -> Outcome:
        photo = batch.photos[int(message["photo"])]
        if message["event"] != UNSEEN:
            return outcome_of(message, photo, self._categories)
        if not os.path.lexists(photo.path):
            return Rejected(photo, RejectionKind.GONE, "it is gone")
        reason = f"worker {batch.worker} does not see it ({message['what']})"
        return Rejected(photo, RejectionKind.SOURCE_ERROR, reason)

    def _give_up(self, batch: _Batch, reason: str) -> None:
        """A worker cannot classify any more: it is not used again, and its batches are done by others."""
        self._say(f"worker {batch.worker} is not used any more: {reason}")
        self._refused.add(batch.worker)
        worker = self._workers.pop(batch.worker, None)
        for other in [batch, *(worker.batches if worker is not None else [])]:
            self._by_key.pop(_key(other), None)
            self._cancel(other)
            self._again.append(other)

    @staticmethod
    def _cancel(batch: _Batch) -> None:
        if batch.future is not None:
            _forget(batch.future)
            batch.future = None


def _forget(future: Future) -> None:
    """Have the scheduler forget a task, whether it is done or not."""
    if not future.done():
        future.cancel(force=True)
    future.release()


def _load(worker: _Worker) -> int:
    return len(worker.batches)


def _key(batch: _Batch) -> str:
    return str(batch.future.key) if batch.future is not None else ""
