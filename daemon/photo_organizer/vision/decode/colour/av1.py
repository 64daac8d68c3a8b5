"""Code points in the sequence header of AV1, for AVIF files whose container names none.

Source: AV1 Bitstream & Decoding Process Specification, 5.3 (OBU), 5.5 (sequence header); AV1-ISOBMFF, 2.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from photo_organizer.boxes import Box, boxes, find
from photo_organizer.vision.decode.colour.colour_space import CodePoints

_SEQUENCE_HEADER = 1
_SELECT = 2
_MOST_UNITS = 8
_MOST_ITEMS = 4096
_HEAD = 256
"""Bytes at the start of an item that hold its sequence header."""


def code_points_in_av1(data: bytes) -> CodePoints | None:
    """Return what the first image in colour says in an AVIF file; None where none says anything.

    The header stands in the property `av1C`, and again before the pixels; encoders may leave out the former.
    """
    meta = find(data, b"meta")
    if meta is None:
        return None
    try:
        streams = [*_configurations(data, meta), *_items(data, meta)]
    except (struct.error, IndexError):  # damaged
        return None
    return next((found for found in map(_in_stream, streams) if found is not None), None)


def _configurations(data: bytes, meta: Box) -> Iterator[bytes]:
    """Yield the units that stand in properties."""
    properties = find(data, b"iprp", meta.start + 4, meta.end)
    held = find(data, b"ipco", properties.start, properties.end) if properties is not None else None
    for box in boxes(data, held.start, held.end) if held is not None else ():
        if box.name == b"av1C":
            yield data[box.start + 4 : box.end]


def _items(data: bytes, meta: Box) -> Iterator[bytes]:
    """Yield the first bytes of each item (ISO/IEC 14496-12, `iloc` of any version)."""
    found = find(data, b"iloc", meta.start + 4, meta.end)
    inside = find(data, b"idat", meta.start + 4, meta.end)
    if found is None:
        return
    version, sizes, more = data[found.start], data[found.start + 4], data[found.start + 5]
    offset_width, length_width, base_width = sizes >> 4, sizes & 15, more >> 4
    index_width = more & 15 if version else 0
    wide = 4 if version == 2 else 2
    count = int.from_bytes(data[found.start + 6 : found.start + 6 + wide])
    at = found.start + 6 + wide
    for _ in range(min(count, _MOST_ITEMS)):
        at += wide
        method = data[at + 1] & 15 if version else 0
        at += (2 if version else 0) + 2
        place = int.from_bytes(data[at : at + base_width])
        at += base_width
        (extents,) = struct.unpack_from(">H", data, at)
        at += 2
        place += int.from_bytes(data[at + index_width : at + index_width + offset_width])
        if method == 1 and inside is not None:
            place += inside.start
        if method in {0, 1}:
            yield data[place : place + _HEAD]
        at += extents * (index_width + offset_width + length_width)


def _in_stream(stream: bytes) -> CodePoints | None:
    """Look through the first units of a stream; what is none of AV1 soon ends it."""
    at = 0
    for _ in range(_MOST_UNITS):
        if at >= len(stream):
            return None
        head = stream[at]
        kind, has_extension, has_size = head >> 3 & 15, head >> 2 & 1, head >> 1 & 1
        at += 1 + has_extension
        length = len(stream) - at
        if has_size:
            length, at = _leb128(stream, at)
        if kind == _SEQUENCE_HEADER:
            try:
                return _in_sequence_header(_Bits(stream[at : at + length]))
            except EOFError:
                return None
        at += length
    return None


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    value = 0
    for place, byte in enumerate(data[at : at + 8]):
        value |= (byte & 127) << 7 * place
        if not byte & 128:
            return value, at + place + 1
    return 0, len(data)


class _Bits:
    """Numbers read from the most significant bit on."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data), 8 * len(data)

    def take(self, count: int = 1) -> int:
        """Return the next number of `count` bits.

        Raises:
            EOFError: there are fewer.
        """
        self._left -= count
        if self._left < 0:
            raise EOFError
        return self._value >> self._left & ((1 << count) - 1)

    def take_uvlc(self) -> int:
        zeros = 0
        while not self.take():
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros) if zeros < 32 else (1 << 32) - 1


def _in_sequence_header(bits: _Bits) -> CodePoints | None:
    profile = bits.take(3)
    bits.take()  # still_picture
    reduced = bits.take()
    if reduced:
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    bits.take(width_bits + height_bits)
    if not reduced and bits.take():  # frame_id_numbers_present_flag
        bits.take(4 + 3)
    bits.take(3)  # superblocks, filter_intra, intra_edge_filter
    if not reduced:
        _skip_tools(bits)
    bits.take(3)  # superres, cdef, restoration
    high = bits.take()
    if profile == 2 and high:
        bits.take()
    monochrome = bits.take() if profile != 1 else 0
    if monochrome or not bits.take():
        return None
    return CodePoints(bits.take(8), bits.take(8))


def _skip_operating_points(bits: _Bits) -> None:
    has_timing = bits.take()
    delay_bits = 0
    has_model = 0
    if has_timing:
        bits.take(64)
        if bits.take():  # equal_picture_interval
            bits.take_uvlc()
        has_model = bits.take()
        if has_model:
            delay_bits = bits.take(5) + 1
            bits.take(32 + 5 + 5)
    has_delay = bits.take()
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:  # the levels that have tiers
            bits.take()
        if has_model and bits.take():
            bits.take(2 * delay_bits + 1)
        if has_delay and bits.take():
            bits.take(4)


def _skip_tools(bits: _Bits) -> None:
    bits.take(4)  # interintra, masked compound, warped motion, dual filter
    has_order_hint = bits.take()
    if has_order_hint:
        bits.take(2)
    screen_content = _SELECT if bits.take() else bits.take()
    if screen_content and not bits.take():
        bits.take()
    if has_order_hint:
        bits.take(3)
