"""How the photos that are decoded at the same time share the memory that decoding may take."""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_MOST_CAUSES = 16


class OnWait(Protocol):
    """Is told when a decoding begins and ends to wait for memory that others hold."""

    def __call__(self, *, waits: bool) -> None: ...


def nothing(*, waits: bool) -> None:
    """Tell nobody."""


class MemoryGate:
    """Lets photos be decoded side by side as long as all of them together stay within the limit.

    Whoever came first goes first, so that a large photo is not overtaken for ever by small ones.

    Args:
        capacity: bytes. A photo that needs more than this alone is for the caller to refuse; it is let in
            when nobody else is.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._held = 0
        self._entered = 0
        self._inside = 0
        self._change = threading.Condition()
        self._line: deque[object] = deque()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Hold `size` bytes; wait for others to end first where both do not fit."""
        with self.share() as share:
            share.reserve(size)
            yield

    @contextmanager
    def share(self, on_wait: OnWait = nothing) -> Iterator[MemoryShare]:
        """One decoding's share, of nothing at first; given back at the end.

        Args:
            on_wait: told when it begins to wait for others, and when it goes on.
        """
        share = MemoryShare(self, on_wait)
        try:
            yield share
        finally:
            share.give_back()

    @contextmanager
    def alone(self, on_wait: OnWait = nothing) -> Iterator[MemoryShare]:
        """A share of everything, as soon as nobody else holds anything."""
        with self.share(on_wait) as share:
            share.reserve(self.capacity)
            yield share

    def enter(self, size: int, on_wait: OnWait) -> tuple[int, bool]:
        """Wait until `size` bytes fit, and take them.

        Returns:
            The number of the entry, and whether somebody else was inside.
        """
        with self._change:
            ticket = object()
            self._line.append(ticket)
            waits = not self._may_enter(ticket, size)
            if waits:
                on_wait(waits=True)
                self._change.wait_for(lambda: self._may_enter(ticket, size))
            self._line.popleft()
            others = self._inside > 0
            self._held += size
            self._inside += 1
            self._entered += 1
            self._change.notify_all()
            entry = self._entered
        if waits:
            on_wait(waits=False)
        return entry, others

    def leave(self, size: int, entry: int) -> bool:
        """Give `size` bytes back. Returns whether somebody came in after `entry`."""
        with self._change:
            self._held -= size
            self._inside -= 1
            self._change.notify_all()
            return self._entered > entry

    def _may_enter(self, ticket: object, size: int) -> bool:
        return self._line[0] is ticket and (self._inside == 0 or self._held + size <= self.capacity)


class MemoryShare:
    """What one decoding holds of a gate's memory.

    Attributes:
        was_crowded: whether others held memory while this one did: it may have lacked what they had.
    """

    def __init__(self, gate: MemoryGate, on_wait: OnWait) -> None:
        self._gate = gate
        self._on_wait = on_wait
        self._size = 0
        self._entry = 0
        self._is_inside = False
        self.was_crowded = False

    def reserve(self, size: int) -> None:
        """Have at least `size` bytes, in place of what is held already; wait for others where need be."""
        if self._is_inside and size <= self._size:
            return
        self.give_back()  # whoever waited with something in hand could wait for ever
        self._entry, others = self._gate.enter(size, self._on_wait)
        self._size, self._is_inside = size, True
        self.was_crowded = self.was_crowded or others

    def give_back(self) -> None:
        """Hold nothing any more."""
        if self._is_inside:
            self._is_inside = False
            followed = self._gate.leave(self._size, self._entry)
            self.was_crowded = self.was_crowded or followed
            self._size = 0


def release_frames(error: BaseException) -> None:
    """Drop the variables of the functions that an error came through, and those of its causes.

    A traceback keeps them alive for as long as the error is handled: whole pictures, which a photo that waits
    for this memory would lack.
    """
    cause: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if cause is None:
            return
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__cause__ or cause.__context__
