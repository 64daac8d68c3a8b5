"""H.273 code points where files carry them.

These are the `cICP` chunk of PNG and the `nclx` property of HEIC and AVIF; of an AVIF that has neither that
property nor an ICC profile, the sequence header of AV1.

Sources: PNG (third edition) 11.3.2.6; ISO/IEC 14496-12 (`colr`, `meta`, `pitm`), 23008-12 (`ipco`, `ipma`).
"""

from __future__ import annotations

import struct

from photo_organizer.boxes import Box, boxes, find
from photo_organizer.vision.decode.colour.av1 import code_points_in_av1
from photo_organizer.vision.decode.colour.colour_space import CodePoints, code_points_in_profile

_PNG_START = 8
_MOST_CHUNKS = 1000
_MOST_ITEMS = 4000


def code_points(data: bytes, container: str, profile: bytes) -> CodePoints | None:
    """Those of a file: its format's own, else what its ICC profile says of itself; None where neither does.

    Args:
        data: the file's bytes.
        container: "PNG", "AVIF", "HEIF", "JXL", ...
        profile: its ICC profile, or b"".
    """
    match container:
        case "PNG":
            own = code_points_in_png(data)
        case "AVIF":
            own = code_points_in_heif(data) or (None if profile else code_points_in_av1(data))
        case "HEIF":
            own = code_points_in_heif(data)
        case _:
            own = None
    return own or code_points_in_profile(profile)


def code_points_in_png(data: bytes) -> CodePoints | None:
    """What `cICP` says, which stands before the pixels; None without one."""
    at = _PNG_START
    for _ in range(_MOST_CHUNKS):
        if at + 12 > len(data):
            return None
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"cICP" and length == 4:
            return CodePoints(data[at + 8], data[at + 9])
        if name == b"IDAT":
            return None
        at += 12 + length
    return None


def code_points_in_heif(data: bytes) -> CodePoints | None:
    """What `nclx` says of the primary image of a HEIC or AVIF file; None where nothing does."""
    meta = find(data, b"meta")
    properties = find(data, b"iprp", meta.start + 4, meta.end) if meta is not None else None
    if meta is None or properties is None:
        return None
    holder = find(data, b"ipco", properties.start, properties.end)
    held = boxes(data, holder.start, holder.end) if holder is not None else ()
    found = [
        (number, CodePoints(*struct.unpack_from(">HH", data, box.start + 4)))
        for number, box in enumerate(held, 1)
        if box.name == b"colr" and data[box.start : box.start + 4] == b"nclx" and box.end - box.start >= 10
    ]
    if len(found) < 2:
        return found[0][1] if found else None
    own = _properties_of_primary(data, meta, properties)
    return next((points for number, points in found if number in own), found[0][1])


def _properties_of_primary(data: bytes, meta: Box, properties: Box) -> set[int]:
    primary = find(data, b"pitm", meta.start + 4, meta.end)
    associations = find(data, b"ipma", properties.start, properties.end)
    if primary is None or associations is None:
        return set()
    try:
        width = 2 if data[primary.start] == 0 else 4
        item = int.from_bytes(data[primary.start + 4 : primary.start + 4 + width])
        return _associated(data, associations.start, item)
    except (struct.error, IndexError):
        return set()


def _associated(data: bytes, at: int, item: int) -> set[int]:
    """Numbers of the properties that the `ipma` at `at` gives to `item`."""
    wide_item, wide_property = data[at] > 0, bool(data[at + 3] & 1)
    (entries,) = struct.unpack_from(">I", data, at + 4)
    at += 8
    for _ in range(min(entries, _MOST_ITEMS)):
        number, count = struct.unpack_from(">IB" if wide_item else ">HB", data, at)
        at += 5 if wide_item else 3
        width = 2 if wide_property else 1
        if number == item:
            mask = 0x7FFF if wide_property else 0x7F
            places = range(at, at + count * width, width)
            return {int.from_bytes(data[place : place + width]) & mask for place in places}
        at += count * width
    return set()
