"""The words of the domain: what travels from room to room. No behaviour beyond itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class Action(StrEnum):
    """What was done with a photo; the `action` column of the ledger."""

    FILED = "filed"
    REVIEW = "review"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    UNDONE = "undone"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Which file it is, and in which state: equal before and after means that nobody touched it.

    A rename keeps all four (it changes only ctime, which is therefore left out).
    """

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileIdentity:
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def is_same_but_for_device(self, other: FileIdentity) -> bool:
        """Whether it is the same file in the same state, on a disk that may have been plugged in again.

        A device's number changes with that (and with a restart); to be used for what was written down.
        """
        return (self.inode, self.size, self.mtime_ns) == (other.inode, other.size, other.mtime_ns)


@dataclass(frozen=True, slots=True)
class Photo:
    """A file as it was seen: its absolute path (undecodable bytes as surrogate escapes) and identity."""

    path: Path
    identity: FileIdentity


@dataclass(frozen=True, slots=True)
class AssetGroup:
    """A photo and the companions that move with it (XMP, MOV, AAE, ...), all in one folder below `inbox`."""

    inbox: Path
    photo: Photo
    companions: tuple[Photo, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says about a photo.

    `probabilities` are calibrated, in the order of `categories`, and sum to 1. `sha256` (hex) is that of the
    very bytes that were decoded. `decoder` names the decode path ("jpeg 1/4", "png"), for `why`.
    """

    sha256: str
    model: str
    engine: str
    categories: tuple[str, ...]
    probabilities: tuple[float, ...]
    decoder: str = ""
    taken: datetime | None = None
    camera: str = ""
    perceptual_hash: str = ""

    def ranked(self) -> list[tuple[str, float]]:
        """Categories with their probabilities, most probable first."""
        pairs = zip(self.categories, self.probabilities, strict=True)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a photo belongs: `filed` in `category` when `confidence` reaches `threshold`, else `review`."""

    action: Action
    category: str
    confidence: float
    second_category: str
    second_confidence: float
    threshold: float
