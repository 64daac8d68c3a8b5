"""What each decoder hands over: pixels that are large enough, not yet turned, coloured and squared."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from photo_organizer.vision.decode.budget.limits import Limits
from photo_organizer.vision.decode.budget.memory import MemoryShare
from photo_organizer.vision.decode.exif import Exif
from photo_organizer.vision.outcome import UnreadablePhotoError

ENOUGH = 2
"""A reduced decode is at least this many times the wanted side, so that the area average still decides: at 2
the result differs from that of a full decode by 0.2 of 255 on average, at 1.5 by up to 0.8 (measured on a
12-megapixel JPEG with sensor noise)."""


OUT_OF_MEMORY = "decoding it needs more memory than there is"


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 (height, width, 3), blue first; may be smaller than the original.
        reduced: by how much, across and down. Where the original's sides are no multiples of it, the last
            column and row of `pixels` stand for a part of what the others stand for.
        width, height: of the original, in pixels.
        decoder: the way it was decoded, for people.
        exif: with the orientation that is still to be applied.
        profile: ICC profile of the pixels; empty for sRGB.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    decoder: str
    exif: Exif = field(default_factory=Exif)
    profile: bytes = b""
    reduced: tuple[int, int] = (1, 1)

    @property
    def is_blank(self) -> bool:
        """Whether all pixels are the same: from a decoder that may have been guessing, that is no picture."""
        return bool((self.pixels == self.pixels[0, 0]).all())


@dataclass(frozen=True, slots=True)
class Task:
    """One decoding: the bytes, the wanted side in pixels, what it may cost, and the memory that it holds."""

    data: bytes
    size: int
    limits: Limits
    memory: MemoryShare

    def check_size(self, width: int, height: int) -> None:
        """Refuse a picture whose header declares too many pixels, or none.

        Raises:
            UnreadablePhotoError: with both numbers.
        """
        if width < 1 or height < 1:
            raise UnreadablePhotoError("the header declares a picture without pixels")
        if width * height > self.limits.max_pixels:
            raise UnreadablePhotoError(
                f"{width} x {height} pixels are more than the {self.limits.max_pixels:,} that "
                "limits.max_pixels allows"
            )

    def reserve(self, needed: float) -> None:
        """Have `needed` bytes for this decoding; wait for others to end where they do not fit yet.

        Raises:
            UnreadablePhotoError: they are more than a photo may take; with both numbers.
        """
        if needed > self.limits.memory_megabytes * 1_000_000:
            raise UnreadablePhotoError(
                f"decoding it needs about {needed // 1_000_000:,.0f} MB of memory, more than the "
                f"{self.limits.memory_megabytes:,} that limits.memory_megabytes allows"
            )
        self.memory.reserve(round(needed))
