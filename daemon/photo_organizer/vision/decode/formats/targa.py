"""Targa of the kinds that Pillow refuses: runs that go beyond a row, palettes of 15 and 16 bits.

Source: Truevision TGA File Format Specification, version 2.0.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photo_organizer.vision.decode.colour.conversion import over_white
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.decode.tiff.tiff_blocks import CUT_OFF
from photo_organizer.vision.outcome import DecoderRefusedError, UnreadablePhotoError

_HEADER = struct.Struct("<BBBHHBHHHHBB")
_WITH_PALETTE, _COLOURS, _GREY, _PACKED = 1, 2, 3, 8
_BYTES_A_PIXEL = 16.0
_ALPHA_BITS, _FROM_THE_RIGHT, _FROM_THE_TOP = 0x0F, 0x10, 0x20


@dataclass(frozen=True, slots=True)
class _TargaHeader:
    """`entry_bits`: of a palette's entry; `palette` and `pixels`: where they begin."""

    kind: int
    is_packed: bool
    width: int
    height: int
    bits: int
    flags: int
    first_entry: int
    entries: int
    entry_bits: int
    palette: int

    @property
    def pixels(self) -> int:
        return self.palette + self.entries * -(-self.entry_bits // 8)


def decode_targa(task: Task) -> Picture:
    """The picture of a Targa file.

    Raises:
        UnreadablePhotoError: of a kind that is not known, damaged, incomplete or too large.
    """
    header = _read_header(task.data)
    task.check_size(header.width, header.height)
    task.reserve(_BYTES_A_PIXEL * header.width * header.height)
    size = -(-header.bits // 8)
    wanted = header.width * header.height * size
    stored = memoryview(task.data)[header.pixels :]
    raw = _unpacked(stored, size, wanted) if header.is_packed else bytes(stored[:wanted])
    if len(raw) < wanted:
        raise UnreadablePhotoError(CUT_OFF)
    samples = np.frombuffer(raw, np.uint8, wanted).reshape(header.height, header.width, size)
    colours = _colours(header, samples, task.data)
    if colours.shape[2] == 4 and not (header.flags & _ALPHA_BITS and colours[..., 3].any()):
        colours = colours[..., :3]  # many programs write zeros for nothing
    if header.flags & _FROM_THE_RIGHT:
        colours = colours[:, ::-1]
    if not header.flags & _FROM_THE_TOP:
        colours = colours[::-1]
    pixels = over_white(Image.fromarray(np.ascontiguousarray(colours)))
    return Picture(pixels, header.width, header.height, "tga")


def _read_header(data: bytes) -> _TargaHeader:
    if len(data) < _HEADER.size:
        raise DecoderRefusedError("the TGA header is damaged")
    (name, _, kind, first, entries, entry_bits, _, _, width, height, bits, flags) = _HEADER.unpack_from(data)
    header = _TargaHeader(
        kind & ~_PACKED, bool(kind & _PACKED), width, height, bits, flags, first, entries, entry_bits,
        _HEADER.size + name,
    )  # fmt: skip
    known = {_WITH_PALETTE: {8, 16}, _COLOURS: {15, 16, 24, 32}, _GREY: {8, 16}}
    if bits not in known.get(header.kind, set()) or width < 1 or height < 1:
        raise DecoderRefusedError("the TGA header is damaged")
    if header.kind == _WITH_PALETTE and (not entries or entry_bits not in known[_COLOURS]):
        raise DecoderRefusedError("the TGA header is damaged")
    return header


def _unpacked(data: memoryview, size: int, wanted: int) -> bytes:
    """Pixels of `size` bytes: packets of a count, with its highest bit set for one pixel to be repeated."""
    parts, length, at = [], 0, 0
    while length < wanted and at < len(data):
        count = (data[at] & 0x7F) + 1
        is_run = data[at] & 0x80
        end = at + 1 + (size if is_run else size * count)
        part = bytes(data[at + 1 : end]) * (count if is_run else 1)
        parts.append(part)
        length += len(part)
        at = end
    return b"".join(parts)


def _colours(header: _TargaHeader, samples: NDArray[np.uint8], data: bytes) -> NDArray[np.uint8]:
    """Red, green, blue and, where it is there, alpha."""
    if header.kind == _GREY:
        return samples[..., :1].repeat(3, axis=-1)
    if header.kind == _COLOURS:
        return _rgb(samples, header.bits)
    size = -(-header.entry_bits // 8)
    if header.pixels > len(data):
        raise UnreadablePhotoError(CUT_OFF)
    stored = np.frombuffer(data, np.uint8, header.entries * size, header.palette).reshape(1, -1, size)
    indices = samples[..., 0].astype(np.int32)
    if samples.shape[2] == 2:
        indices |= samples[..., 1].astype(np.int32) << 8
    places = np.clip(indices - header.first_entry, 0, header.entries - 1)
    table: NDArray[np.uint8] = _rgb(stored, header.entry_bits)[0]
    return table[places]


def _rgb(samples: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    if bits >= 24:
        return samples[..., [2, 1, 0, 3][: samples.shape[2]]]
    words = np.ascontiguousarray(samples).view("<u2")[..., 0]
    fives = np.stack([words >> 10, words >> 5, words], axis=-1) & 31
    return np.asarray((fives * 255 // 31).astype(np.uint8))
