"""The top-level boxes of an ISO base media file (HEIF, AVIF, JPEG XL, CR3, MP4, MOV), by ISO/IEC 14496-12.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

_MOST_BOXES = 100_000
"""A fragmented video has two for each second or so."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its four-letter name, and where it ends; None when it reaches to the end of the file."""

    name: bytes
    end: int | None


def top_level_boxes(read: Callable[[int, int], bytes], size: int) -> Iterator[Box]:
    """Yield the boxes of a file, the last of which may end behind it.

    Args:
        read: returns so many bytes from a place, fewer at the end of the file.
        size: of the file, in bytes.

    Raises:
        ValueError: a box is shorter than its own header, or there are more of them than any file needs.
    """
    at = 0
    for _ in range(_MOST_BOXES):
        if at >= size:
            return
        header = read(16, at)
        length, name = int.from_bytes(header[:4]), header[4:8]
        if len(header) < 8:
            yield Box(name, at + 8)
            return
        if length == 0:
            yield Box(name, None)
            return
        if length == 1:
            length = int.from_bytes(header[8:16])
        if length < 8:
            raise ValueError(name)
        at += length
        yield Box(name, at)
    raise ValueError("too many boxes")
