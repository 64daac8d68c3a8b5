"""The boxes of ISO base media files (HEIF, AVIF, JPEG XL, JPEG 2000, CR3, MP4, MOV), by ISO/IEC 14496-12.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

_MOST_BOXES = 100_000
"""A fragmented video has two for each second or so."""
_MOST_WITHIN = 4000


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its four letters, where it begins, and where its content begins and ends.

    `is_open`: it reaches to the end of what holds it, whatever that is.
    """

    name: bytes
    begin: int
    start: int
    end: int
    is_open: bool = False


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
        box = _box(read(16, at), at, size)
        yield box
        at = box.end
    raise ValueError("too many boxes")


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes side by side in `data[start:end]`, up to what is none; none of them ends behind it."""
    end = len(data) if end is None else min(end, len(data))
    for _ in range(_MOST_WITHIN):
        if start + 8 > end:
            return
        try:
            box = _box(data[start : min(end, start + 16)], start, end)
        except ValueError:
            return
        if box.start > end:
            return
        yield box if box.end <= end else replace(box, end=end)
        start = box.end


def find(data: bytes, name: bytes, start: int = 0, end: int | None = None) -> Box | None:
    """Return the first of the boxes in `data[start:end]` that has this name."""
    return next((box for box in boxes(data, start, end) if box.name == name), None)


def _box(header: bytes, at: int, limit: int) -> Box:
    """Return the box whose first bytes are `header`; `limit`: where what holds it ends."""
    name, length = header[4:8], int.from_bytes(header[:4])
    if len(header) < 8:
        return Box(name, at, at + 8, at + 8)
    if length == 0:
        return Box(name, at, at + 8, limit, is_open=True)
    size = 8
    if length == 1:
        size, length = 16, int.from_bytes(header[8:16])
        if len(header) < size:
            return Box(name, at, at + size, at + size)
    if length < size:
        raise ValueError(name)
    return Box(name, at, at + size, at + length)
