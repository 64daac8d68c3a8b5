"""What one photo may cost, and how the photos that are decoded at the same time share it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol


class Limits(Protocol):
    """What one photo may cost; the configuration's `limits` are such."""

    @property
    def max_pixels(self) -> int: ...
    @property
    def max_file_megabytes(self) -> int: ...
    @property
    def decode_seconds(self) -> float: ...
    @property
    def memory_megabytes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class FixedLimits:
    """Limits as plain values, for the worker, training and tests. The defaults are the configuration's."""

    max_pixels: int = 400_000_000
    max_file_megabytes: int = 500
    decode_seconds: float = 30.0
    memory_megabytes: int = 2048

    @classmethod
    def of(cls, limits: Limits) -> FixedLimits:
        """A plain copy of `limits`."""
        return cls(
            limits.max_pixels, limits.max_file_megabytes, limits.decode_seconds, limits.memory_megabytes
        )


class MemoryGate:
    """Lets photos be decoded side by side as long as all of them together stay within the limit.

    Args:
        capacity: bytes. A photo that needs more than this alone is for the caller to refuse.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._held = 0
        self._change = threading.Condition()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Holds `size` bytes; waits for others to end first where both do not fit."""
        with self._change:
            self._change.wait_for(lambda: self._held == 0 or self._held + size <= self._capacity)
            self._held += size
        try:
            yield
        finally:
            with self._change:
                self._held -= size
                self._change.notify_all()
