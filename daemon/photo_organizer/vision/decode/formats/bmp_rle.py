"""BMP in run-length encoding (RLE4, RLE8), unpacked into a plain BMP for Pillow.

Pillow refuses a picture whose encoding stops before its last row, and drops rows that are skipped by an end
of line, so that all above them are displaced. What the encoding does not reach has the first colour, as in
other software. Source: Windows GDI, "Bitmap Compression".
"""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np

from photo_organizer.vision.decode.budget.declared import declared_size
from photo_organizer.vision.decode.formats.raster import decode_raster
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.outcome import UnreadablePhotoError

_INFO_HEADER = 40
_RLE8, _RLE4 = 1, 2
_BITS = {_RLE8: 8, _RLE4: 4}
_END_OF_LINE, _END_OF_PICTURE, _DELTA = 0, 1, 2


def decode_bmp(task: Task) -> Picture:
    """Decode a BMP of any kind that Pillow knows.

    Raises:
        UnreadablePhotoError: damaged, incomplete or too large.
    """
    unpacked = unpacked_bmp(task)
    return decode_raster(task if unpacked is None else replace(task, data=unpacked), container="BMP")


def unpacked_bmp(task: Task) -> bytes | None:
    """Return the picture as a BMP of 8 bits a pixel; None where it is not run-length encoded.

    Raises:
        UnreadablePhotoError: it ends before the encoding does, or is too large.
    """
    data = task.data
    if len(data) < 14 + _INFO_HEADER:
        return None
    pixels, header, bits, compression = struct.unpack_from("<II10xHI", data, 10)
    size = declared_size(data, "BMP")
    if size is None or header < _INFO_HEADER or _BITS.get(compression) != bits:
        return None
    task.check_size(*size)
    task.reserve(2 * size[0] * size[1])
    rows = _unpacked(data[pixels:], *size, bits)
    stride = -(-size[0] // 4) * 4
    padded = np.zeros((size[1], stride), np.uint8)
    padded[:, : size[0]] = rows
    head = bytearray(data[:pixels])
    struct.pack_into("<HI", head, 28, 8, 0)
    struct.pack_into("<I", head, 34, padded.size)
    if not struct.unpack_from("<I", data, 46)[0]:  # as many colours as the bits have; that were 4
        struct.pack_into("<I", head, 46, 1 << bits)
    return bytes(head) + padded.tobytes()


def _unpacked(data: bytes, width: int, height: int, bits: int) -> np.ndarray:
    """Return the palette's indices, uint8 (height, width), the first row of the file first."""
    rows = np.zeros((height, width), np.uint8)
    at = x = y = 0
    while y < height:
        if at + 2 > len(data):
            if y == height - 1 and x >= width:  # complete, without the mark that ends it
                break
            raise UnreadablePhotoError("the file ends before the picture does, a part of it is missing")
        count, value = data[at], data[at + 1]
        at += 2
        if count:
            run = (value,) if bits == 8 else (value >> 4, value & 15)
            end = min(x + count, width)
            for phase, index in enumerate(run):
                rows[y, x + phase : end : len(run)] = index
            x += count
        elif value == _END_OF_PICTURE:
            break
        elif value == _END_OF_LINE:
            x, y = 0, y + 1
        elif value == _DELTA:
            if at + 2 > len(data):
                continue
            x, y = x + data[at], y + data[at + 1]
            at += 2
        else:
            length = value if bits == 8 else (value + 1) // 2
            literal = np.frombuffer(data[at : at + length], np.uint8)
            if bits == 4:
                literal = np.stack([literal >> 4, literal & 15], axis=1).reshape(-1)
            literal = literal[: max(0, min(value, width - x))]
            rows[y, x : x + len(literal)] = literal
            x += value
            at += length + length % 2
    return rows
