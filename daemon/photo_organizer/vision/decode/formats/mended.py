"""Files that are complete, and refused for a fault of the program that wrote them: mended in a copy."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

from photo_organizer.boxes import Box, boxes, find

_PNG_START = 8
_INFLATED_AT_ONCE = 1 << 20
_ALL_BITS = 0xFFFF
_GAIN_MAP, _IMAGES = b"tmap", b"mif1"
_BESIDE_THE_PICTURE = frozenset({b"Exif", _GAIN_MAP})
_BMP_SHORTEST_HEADER, _BMP_INFO_HEADER = 16, 40


def mended_png(data: bytes) -> bytes | None:
    """A PNG with right checksums for what its chunks hold.

    The pixels have a checksum of their own within their compressed data, which tells whether they are whole.

    Returns:
        None where the checksums are right, and where chunks are cut off or the pixels are damaged.
    """
    copy = bytearray(data)
    at, changed = _PNG_START, False
    pixels = zlib.decompressobj()
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        end = at + 8 + length
        if end + 4 > len(data):
            return None
        right = zlib.crc32(memoryview(data)[at + 4 : end]).to_bytes(4)
        if data[end : end + 4] != right:
            copy[end : end + 4] = right
            changed = True
        name = data[at + 4 : at + 8]
        if name == b"IEND":
            break
        if name == b"IDAT" and not _inflates(pixels, memoryview(data)[at + 8 : end]):
            return None
        at = end + 4
    return bytes(copy) if changed and pixels.eof else None


def _inflates(stream: zlib._Decompress, piece: memoryview) -> bool:
    """Whether the next piece of a compressed stream is sound; what it holds is dropped."""
    rest: bytes | memoryview = piece
    try:
        while rest and not stream.eof:
            stream.decompress(rest, _INFLATED_AT_ONCE)
            rest = stream.unconsumed_tail
    except zlib.error:
        return False
    return True


def png_is_whole(data: bytes) -> bool:
    """Whether every chunk up to the end of a PNG lies within it."""
    at = _PNG_START
    while at + 12 <= len(data):
        at += 12 + int.from_bytes(data[at : at + 4])
        if at <= len(data) and data[at - 8 : at - 4] == b"IEND":
            return True
    return False


def mended_bmp(data: bytes) -> bytes | None:
    """A BMP whose header of OS/2 stops early, with the zeros that it leaves out; else None."""
    (pixels, size) = struct.unpack_from("<II", data, 10) if len(data) >= 18 else (0, 0)
    missing = _BMP_INFO_HEADER - size
    if not _BMP_SHORTEST_HEADER <= size < _BMP_INFO_HEADER:
        return None
    head = data[:10] + struct.pack("<II", pixels + missing, _BMP_INFO_HEADER)
    return head + data[18 : 14 + size] + bytes(missing) + data[14 + size :]


def mended_avif(data: bytes) -> bytes | None:
    """An AVIF with one `ipma` box where it has several, and no reference to item 0; None: neither is wrong.

    HEIF (ISO/IEC 23008-12, 9.3.1) wants one box for all items; some encoders write one for the picture and
    one for its alpha. Nothing in the file changes its place, because other boxes point to places.
    """
    meta = find(data, b"meta")
    if meta is None:
        return None
    copy = bytearray(data)
    merged = _merge_associations(copy, meta)
    pointed = _point_nowhere(copy, meta)
    return bytes(copy) if merged or pointed else None


def avif_of_pictures(data: bytes) -> bytes | None:
    """An AVIF whose EXIF and gain map nobody finds, for decoders that refuse the whole of it for these.

    Returns:
        None where it has neither.
    """
    meta = find(data, b"meta")
    items = find(data, b"iinf", meta.start + 4, meta.end) if meta is not None else None
    if items is None:
        return None
    copy = bytearray(data)
    count_bytes = 2 if data[items.start] == 0 else 4
    for entry in boxes(data, items.start + 4 + count_bytes, items.end):
        kind = entry.start + (8 if data[entry.start] == 2 else 10)  # behind version, number and protection
        if entry.name == b"infe" and data[kind : kind + 4] in _BESIDE_THE_PICTURE:
            copy[kind : kind + 4] = b"free"
    brands = find(data, b"ftyp")
    if copy == data or brands is None:
        return None
    for at in range(brands.start, brands.end - 3, 4):
        if copy[at : at + 4] == _GAIN_MAP:
            copy[at : at + 4] = _IMAGES
    return bytes(copy)


def _merge_associations(copy: bytearray, meta: Box) -> bool:
    data = bytes(copy)
    holder = find(data, b"iprp", meta.start + 4, meta.end)
    found = (
        []
        if holder is None
        else [box for box in boxes(data, holder.start, holder.end) if box.name == b"ipma"]
    )
    if holder is None or len(found) < 2 or any(one.end != other.begin for one, other in pairwise(found)):
        return False
    headers = {data[box.start : box.start + 4] for box in found}
    if len(headers) != 1 or found[-1].end != holder.end:
        return False
    count = sum(struct.unpack_from(">I", data, box.start + 4)[0] for box in found)
    entries = b"".join(data[box.start + 8 : box.end] for box in found)
    body = headers.pop() + struct.pack(">I", count) + entries
    whole = struct.pack(">I4s", 8 + len(body), b"ipma") + body
    left = found[-1].end - found[0].begin - len(whole)  # at least 16: the heads of the other boxes
    struct.pack_into(">I", copy, holder.begin, holder.end - holder.begin - left)
    free = struct.pack(">I4s", left, b"free") + bytes(left - 8)
    copy[found[0].begin : found[-1].end] = whole + free
    return True


def _point_nowhere(copy: bytearray, meta: Box) -> bool:
    """References to item 0, which cannot exist, point to another one that does not."""
    data = bytes(copy)
    references = find(data, b"iref", meta.start + 4, meta.end)
    if references is None or data[references.start] != 0:  # version 1 has items of 32 bits
        return False
    changed = False
    for box in boxes(data, references.start + 4, references.end):
        for at in range(box.start + 4, box.end - 1, 2):
            if data[at : at + 2] == b"\0\0":
                struct.pack_into(">H", copy, at, _ALL_BITS)
                changed = True
    return changed
