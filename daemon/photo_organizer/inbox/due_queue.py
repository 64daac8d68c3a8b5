"""What is due when."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count
from math import inf
from typing import Generic, Protocol, TypeVar


class Due(Protocol):
    """Something with a time (monotonic seconds; infinity: not planned). Only the agenda writes it."""

    due: float


Item = TypeVar("Item", bound=Due)


class DueQueue(Generic[Item]):
    """Items by their time. An item planned anew moves; its old place in the heap is passed over later."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Item]] = []
        self._numbers = count()
        self._planned = 0

    def __len__(self) -> int:
        return self._planned

    def __iter__(self) -> Iterator[Item]:
        """The planned items, in no particular order."""
        return (item for due, _, item in self._heap if item.due == due)

    def plan(self, item: Item, due: float) -> None:
        """Put `item` at `due`, wherever it was."""
        if item.due == due:
            return
        self._planned += (due != inf) - (item.due != inf)
        item.due = due
        if due != inf:
            heapq.heappush(self._heap, (due, next(self._numbers), item))
        if len(self._heap) > 2 * self._planned + 64:
            self._heap = [entry for entry in self._heap if entry[2].due == entry[0]]
            heapq.heapify(self._heap)

    def drop(self, item: Item) -> None:
        """Take `item` off."""
        self.plan(item, inf)

    def next_due(self) -> float | None:
        """The time of the first item."""
        while self._heap and self._heap[0][2].due != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> Item | None:
        """Take off and return the first item that is due, or None."""
        first = self.next_due()
        if first is None or first > now:
            return None
        item = heapq.heappop(self._heap)[2]
        self._planned -= 1
        item.due = inf
        return item
