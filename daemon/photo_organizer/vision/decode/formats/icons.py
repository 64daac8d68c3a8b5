"""Icons (ICO, CUR, ICNS): each picture within is a file of its own, whose size nobody checks but here."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

from photo_organizer.vision.decode.budget.costs import pillow_cost
from photo_organizer.vision.decode.budget.declared import declared_size
from photo_organizer.vision.decode.formats.raster import decode_raster
from photo_organizer.vision.decode.picture import Picture, Task

_ICNS = b"icns"
_PNG_OR_JPEG_2000 = re.compile(rb"\x89PNG\r\n\x1a\n|\0\0\0\x0cjP  \r\n|\xff\x4f\xff\x51")
_MOST_PICTURES = 200


def decode_icon(task: Task) -> Picture:
    """The largest picture of an icon.

    Raises:
        UnreadablePhotoError: damaged, or one of the pictures within is too large.
    """
    is_icns = task.data[:4] == _ICNS
    sizes = _files_within(task.data) + ([] if is_icns else _bitmaps_within(task.data))
    for size in sizes:
        task.check_size(*size)
    most = max((width * height for width, height in sizes), default=0)
    task.reserve(2 * pillow_cost("ICO", "RGBA") * most)
    if is_icns:
        return decode_raster(task, container="ICNS")
    # a cursor is an icon but for the number of its kind
    return decode_raster(replace(task, data=b"\0\0\1\0" + task.data[4:]), container="ICO")


def _files_within(data: bytes) -> list[tuple[int, int]]:
    """Declared sizes of the PNG and JPEG 2000 files within."""
    sizes = []
    for number, found in enumerate(_PNG_OR_JPEG_2000.finditer(data)):
        if number == _MOST_PICTURES:
            break
        kind = "PNG" if found[0].startswith(b"\x89") else "JPEG2000"
        size = declared_size(data[found.start() :], kind)
        if size is not None:
            sizes.append(size)
    return sizes


def _bitmaps_within(data: bytes) -> list[tuple[int, int]]:
    """Declared sizes of the bitmaps in the directory of an ICO or CUR; their heights count the mask, too."""
    sizes = []
    (count,) = struct.unpack_from("<H", data, 4) if len(data) >= 6 else (0,)
    for at in range(6, min(6 + 16 * min(count, _MOST_PICTURES), len(data) - 15), 16):
        (place,) = struct.unpack_from("<I", data, at + 12)
        if place + 12 <= len(data) and data[place : place + 4] == b"\x28\0\0\0":
            width, height = struct.unpack_from("<ii", data, place + 4)
            sizes.append((abs(width), abs(height) // 2))
    return sizes
