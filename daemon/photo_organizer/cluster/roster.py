"""Which workers of a scheduler are used: those that compute alike and see all folders."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photo_organizer.cluster.batches import BusyWorker, answer_of, forget
from photo_organizer.cluster.classifying import unseen_here
from photo_organizer.cluster.connection import innermost
from photo_organizer.cluster.description import Computation
from photo_organizer.errors import printable
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from distributed import Client, Future

NO_WORKER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class PathMap:
    """How workers see the paths of this machine: `source` is `target` there."""

    source: Path
    target: Path

    def applied_to(self, path: Path) -> Path | None:
        """Return what `path` is there; None when it is not below `source`."""
        return self.target / path.relative_to(self.source) if path.is_relative_to(self.source) else None


def path_there(path: Path, maps: Sequence[PathMap]) -> Path:
    """Return `path` as workers see it."""
    mapped = (path_map.applied_to(path) for path_map in maps)
    return next((there for there in mapped if there is not None), path)


class Roster:
    """The workers that are used.

    Args:
        client: connected to the scheduler.
        computation: what the workers must compute with.
        folders: as the workers see them; all of them must be there.
        say: called with each line that the owner should read.
        note_done: called, in a thread of Dask's, with each question that is answered.

    Attributes:
        workers: those that are used, by address.
    """

    def __init__(
        self,
        client: Client,
        computation: Computation,
        folders: Sequence[Path],
        *,
        say: Callable[[str], None],
        note_done: Callable[[Future], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.workers: dict[str, BusyWorker] = {}
        self._client = client
        self._computation = computation
        self._folders = tuple(str(folder) for folder in folders)
        self._say = say
        self._note_done = note_done
        self._clock = clock
        self._refused: set[str] = set()
        self._asked: dict[str, Future] = {}
        self._lonely_since = clock()

    def look(self) -> list[BusyWorker]:
        """Consider the workers that have appeared; return those that are gone."""
        present: dict[str, dict[str, Any]] = self._client.scheduler_info(n_workers=-1)["workers"]
        gone = [self.workers.pop(address) for address in [*self.workers] if address not in present]
        for address in [address for address in self._asked if address not in present]:
            forget(self._asked.pop(address))
        for address in present.keys() - self.workers.keys() - self._asked.keys() - self._refused:
            self._consider(address, present[address])
        if self.workers:
            self._lonely_since = self._clock()
        elif self._clock() - self._lonely_since >= NO_WORKER_SECONDS:
            self._lonely_since = self._clock()
            self._say(
                f"no worker for {NO_WORKER_SECONDS:g} s: start one with `{typed('cluster-worker')}`, "
                "or stop with Ctrl-C; what is known is kept"
            )
        return gone

    def hear(self, key: str) -> None:
        """Use the worker whose answer has this key, when it sees all folders."""
        address = next((address for address, future in self._asked.items() if future.key == key), None)
        if address is None:
            return
        future = self._asked.pop(address)
        try:
            unseen: list[str] = answer_of(self._client, future, address)
        except Exception as error:  # noqa: BLE001 (whatever a worker answers)
            self._refuse(address, f"it does not answer ({innermost(error)})")
            return
        finally:
            forget(future)
        if unseen:
            self._refuse(address, f"it does not see {printable(unseen[0])}: mount it there, or use --map")
        else:
            self.workers[address] = BusyWorker(address)

    def dismiss(self, address: str, reason: str) -> BusyWorker | None:
        """Use a worker no more."""
        self._refused.add(address)
        self._say(f"worker {address} is not used any more: {reason}")
        return self.workers.pop(address, None)

    def close(self) -> None:
        """Forget the questions that are not answered yet."""
        for future in self._asked.values():
            forget(future)

    def _consider(self, address: str, told: dict[str, Any]) -> None:
        """Ask a worker that has just appeared what it sees, unless it would give other answers."""
        theirs = Computation.from_resources(told.get("resources") or {})
        if theirs is None:
            self._refuse(address, "it is not a worker of this program")
        elif difference := self._computation.difference(theirs):
            self._refuse(address, difference)
        else:
            future = self._client.submit(unseen_here, self._folders, workers=[address], pure=False, retries=0)
            self._asked[address] = future
            future.add_done_callback(self._note_done)

    def _refuse(self, address: str, reason: str) -> None:
        self._refused.add(address)
        self._say(f"worker {address} is not used: {reason}")
