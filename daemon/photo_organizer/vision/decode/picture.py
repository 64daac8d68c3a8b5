"""The picture that a decoder returns: large enough, but not yet turned, colour-managed or resized."""

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


OUT_OF_MEMORY = "decoding it needs more memory than is available"


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 (height, width, 3), blue first; may be smaller than the original.
        reduced: the factor of reduction, across and down. If the original's sides are not multiples of it,
            the last column and row of `pixels` cover fewer of the original's pixels than the others.
        width, height: of the original, in pixels.
        decoder: how it was decoded, for people.
        exif: with the orientation, which is still to be applied.
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
        """Whether all pixels are the same, which from a fallback decoder is not taken for a picture."""
        return bool((self.pixels == self.pixels[0, 0]).all())


@dataclass(frozen=True, slots=True)
class Task:
    """One decoding: the bytes, the wanted side in pixels, its limits, and its share of the memory."""

    data: bytes
    size: int
    limits: Limits
    memory: MemoryShare

    def check_size(self, width: int, height: int) -> None:
        """Check the size that the header declares.

        Raises:
            UnreadablePhotoError: it has too many pixels, or none.
        """
        if width < 1 or height < 1:
            raise UnreadablePhotoError("the header declares a picture without pixels")
        if width * height > self.limits.max_pixels:
            raise UnreadablePhotoError(
                f"{width} x {height} pixels are more than the {self.limits.max_pixels:,} that "
                "limits.max_pixels allows"
            )

    def reserve(self, needed: float) -> None:
        """Reserve bytes for this decoding; wait until other decodings have released enough.

        Raises:
            UnreadablePhotoError: they are more than a photo may take.
        """
        if needed > self.limits.memory_megabytes * 1_000_000:
            raise UnreadablePhotoError(
                f"decoding it needs about {needed // 1_000_000:,.0f} MB of memory, more than the "
                f"{self.limits.memory_megabytes:,} that limits.memory_megabytes allows"
            )
        self.memory.reserve(round(needed))
