"""What one photo may cost."""

from __future__ import annotations

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
