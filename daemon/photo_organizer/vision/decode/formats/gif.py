"""How large a GIF's canvas is, and how many frames keep to it: Pillow lets every frame enlarge it. GIF89a."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_HEADER = 13
_EXTENSION, _IMAGE = 0x21, 0x2C
_MOST_FRAMES = 10_000


@dataclass(frozen=True, slots=True)
class GifCanvas:
    """Width and height in pixels: the screen's, or the first frame's where that is larger; frames up to the
    first that goes beyond.
    """

    width: int
    height: int
    frames: int


def read_gif_canvas(data: bytes) -> GifCanvas:
    """The canvas of a GIF, from its headers."""
    width, height = struct.unpack_from("<HH", data, 6) if len(data) >= _HEADER else (0, 0)
    frames = 0
    for right, bottom in _frames(data):
        if frames == 0:
            width, height = max(width, right), max(height, bottom)
        elif right > width or bottom > height:
            break
        frames += 1
        if frames >= _MOST_FRAMES:
            break
    return GifCanvas(width, height, max(1, frames))


def _frames(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each frame ends, to the right and at the bottom."""
    at = _HEADER + (_palette_size(data[10]) if len(data) > 10 else 0)
    while at + 10 <= len(data):
        if data[at] == _IMAGE:
            left, top, across, down = struct.unpack_from("<HHHH", data, at + 1)
            yield left + across, top + down
            at = _after_blocks(data, at + 10 + _palette_size(data[at + 9]) + 1)
        elif data[at] == _EXTENSION:
            at = _after_blocks(data, at + 2)
        else:
            at += 1  # Pillow, too, looks for the next block that it knows


def _palette_size(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1
