"""Boxes of ISO base media files, of which HEIF, AVIF, JPEG XL and JPEG 2000 are made (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MOST_BOXES = 4000


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its four letters, where it begins, and where its content begins and ends."""

    name: bytes
    begin: int
    start: int
    end: int


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes that stand side by side in `data[start:end]`; ends at what is none."""
    end = len(data) if end is None else min(end, len(data))
    for _ in range(_MOST_BOXES):
        if start + 8 > end:
            return
        size, name = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1:
            if start + 16 > end:
                return
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        elif size == 0:
            size = end - start
        if size < header:
            return
        yield Box(name, start, start + header, min(end, start + size))
        start += size


def find(data: bytes, name: bytes, start: int = 0, end: int | None = None) -> Box | None:
    """The first of the boxes in `data[start:end]` that has this name."""
    return next((box for box in boxes(data, start, end) if box.name == name), None)
