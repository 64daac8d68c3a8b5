"""PCX of the kinds that Pillow refuses: other bits and planes, alpha, runs that go beyond a row.

Source: ZSoft PCX File Format Technical Reference Manual, revision 5.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photo_organizer.vision.decode.colour.conversion import over_white
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.decode.tiff.tiff_blocks import CUT_OFF
from photo_organizer.vision.outcome import DecoderRefusedError, UnreadablePhotoError

_HEADER_SIZE = 128
_RUN = re.compile(rb"([\xc0-\xff])(.)|[\x00-\xbf]+", re.DOTALL)
_LENGTH_BITS = 0x3F
_PALETTE_SIZE, _PALETTE_MARK = 768, 12
_BYTES_A_SAMPLE = 8.0
_MOST_INDEX_BITS = 4
_KINDS = frozenset({(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (4, 1), (8, 1), (8, 3), (8, 4)})
"""Bits and planes of a pixel."""
_BLACK_AND_WHITE = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)


@dataclass(frozen=True, slots=True)
class _PcxHeader:
    """`row`: bytes of a row of one plane."""

    width: int
    height: int
    bits: int
    planes: int
    row: int
    is_packed: bool


def decode_pcx(task: Task) -> Picture:
    """The picture of a PCX.

    Raises:
        UnreadablePhotoError: of a kind that is not known, damaged, incomplete or too large.
    """
    header = _read_header(task.data)
    task.check_size(header.width, header.height)
    task.reserve(_BYTES_A_SAMPLE * 8 * header.row * header.planes * header.height)
    wanted = header.row * header.planes * header.height
    stored = task.data[_HEADER_SIZE:]
    raw = _unpacked(stored, wanted) if header.is_packed else stored[:wanted]
    if len(raw) < wanted:
        raise UnreadablePhotoError(CUT_OFF)
    rows = np.frombuffer(raw, np.uint8, wanted).reshape(header.height, header.planes, header.row)
    if header.bits * header.planes >= 24:
        samples = np.ascontiguousarray(rows[..., : header.width].transpose(0, 2, 1))
        pixels = over_white(Image.fromarray(samples))
    else:
        pixels = np.ascontiguousarray(_palette(task.data, header)[_indices(rows, header)][..., ::-1])
    return Picture(pixels, header.width, header.height, "pcx")


def _read_header(data: bytes) -> _PcxHeader:
    if len(data) < _HEADER_SIZE:
        raise DecoderRefusedError("the PCX header is damaged")
    packed, bits, left, top, right, bottom = struct.unpack_from("<BBHHHH", data, 2)
    planes, row = struct.unpack_from("<BH", data, 65)
    width, height = right - left + 1, bottom - top + 1
    if width < 1 or height < 1 or row * 8 < width * bits or (bits, planes) not in _KINDS:
        raise DecoderRefusedError("the PCX header is damaged")
    return _PcxHeader(width, height, bits, planes, row, packed == 1)


def _unpacked(data: bytes, wanted: int) -> bytes:
    """The bytes of the rows: a run is a length with its two highest bits set, and the byte to be repeated."""
    parts, length = [], 0
    for found in _RUN.finditer(data):
        part = found[0] if found[1] is None else found[2] * (found[1][0] & _LENGTH_BITS)
        parts.append(part)
        length += len(part)
        if length >= wanted:
            break
    return b"".join(parts)


def _indices(rows: NDArray[np.uint8], header: _PcxHeader) -> NDArray[np.uint8]:
    """Palette indices, whose bits stand side by side in a byte, or one in each plane."""
    bits = np.unpackbits(rows, axis=2)
    indices = np.zeros((header.height, header.width), np.uint8)
    for plane in reversed(range(header.planes)):
        for bit in range(header.bits):
            indices <<= 1
            indices |= bits[:, plane, bit :: header.bits][:, : header.width]
    return indices


def _palette(data: bytes, header: _PcxHeader) -> NDArray[np.uint8]:
    """Red, green, blue of each index: at the end of the file for 8 bits, else in the header."""
    depth = header.bits * header.planes
    if depth == 1:
        return _BLACK_AND_WHITE
    if depth <= _MOST_INDEX_BITS:
        return np.frombuffer(data, np.uint8, 48, 16).reshape(16, 3)
    table = data[-_PALETTE_SIZE - 1 :]
    if len(table) == _PALETTE_SIZE + 1 and table[0] == _PALETTE_MARK:
        return np.frombuffer(table, np.uint8, _PALETTE_SIZE, 1).reshape(256, 3)
    return np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
