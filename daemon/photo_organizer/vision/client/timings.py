"""What decoding and inference have taken, as the vision process tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Timings:
    """Sums over a run of the daemon.

    Attributes:
        decoded: photos that were read and decoded.
        decode_seconds: what that took, in all threads together.
        inferred: photos that went through the network.
        inference_seconds: what that took, in all threads together.
    """

    decoded: int = 0
    decode_seconds: float = 0.0
    inferred: int = 0
    inference_seconds: float = 0.0

    def add(self, message: dict[str, Any]) -> None:
        """Take in what a thread says at the end of a batch; a message without figures changes nothing."""
        self.decoded += int(message.get("decoded", 0))
        self.decode_seconds += float(message.get("decode_seconds", 0.0))
        self.inferred += int(message.get("inferred", 0))
        self.inference_seconds += float(message.get("inference_seconds", 0.0))
