"""The size that a file's header declares, for the decoders that do not tell it before they decode.

Sources: PNG (third edition) 11.2.1; GIF89a, 18; RFC 9649 (WebP); BITMAPINFOHEADER; ISO/IEC 15444-1, A.5.1;
ISO/IEC 23008-12 (`ispe`); rasterfile(5) of SunOS.
"""

from __future__ import annotations

import struct

from photo_organizer.boxes import boxes, find


def declared_size(data: bytes, container: str) -> tuple[int, int] | None:
    """Width and height that the header declares; None where it declares none, or is not known here.

    Args:
        data: the file's bytes.
        container: the format, by Pillow's name for it.
    """
    read = _READERS.get(container)
    try:
        return read(data) if read is not None else None
    except (struct.error, IndexError, ValueError):
        return None


def _png(data: bytes) -> tuple[int, int] | None:
    return struct.unpack_from(">II", data, 16) if data[12:16] == b"IHDR" else None


def _gif(data: bytes) -> tuple[int, int]:
    return struct.unpack_from("<HH", data, 6)


def _bmp(data: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        return struct.unpack_from("<HH", data, 18)
    width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg_2000(data: bytes) -> tuple[int, int] | None:
    at = 0
    if data[4:8] == b"jP  ":
        stream = find(data, b"jp2c")
        if stream is None:
            return None
        at = stream.start
    if data[at : at + 4] != b"\xff\x4f\xff\x51":
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", data, at + 8)
    return right - left, bottom - top


def _heif(data: bytes) -> tuple[int, int] | None:
    """The largest of the images within: the picture itself is one of them, or made of several."""
    meta = find(data, b"meta")
    properties = find(data, b"iprp", meta.start + 4, meta.end) if meta is not None else None
    held = find(data, b"ipco", properties.start, properties.end) if properties is not None else None
    if held is None:
        return None
    sizes = [
        struct.unpack_from(">II", data, box.start + 4)
        for box in boxes(data, held.start, held.end)
        if box.name == b"ispe"
    ]
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def _sun(data: bytes) -> tuple[int, int]:
    return struct.unpack_from(">II", data, 4)


_READERS = {
    "PNG": _png,
    "GIF": _gif,
    "BMP": _bmp,
    "WEBP": _webp,
    "JPEG2000": _jpeg_2000,
    "AVIF": _heif,
    "SUN": _sun,
}
