"""JPEGs inside RAW files, found without knowing the maker's format; and EXIF that is not at the start."""

from __future__ import annotations

from dataclasses import replace

from photo_organizer.vision.decode.exif import Exif, read_exif
from photo_organizer.vision.decode.formats.jpeg import JpegHeader, decode_jpeg, read_header
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.outcome import UnreadablePhotoError

LEAST_SIDE = 64
"""Below this a preview shows nothing that could be told apart."""

_START = b"\xff\xd8\xff"
_MOST_STARTS = 64
_MOST_TRIES = 4
_CANON_BOX = b"CMT1"  # CR3: the first EXIF directory, as a TIFF of its own
_CANON_BOX_WITHIN = 65536


def preview_exif(data: bytes) -> Exif:
    """EXIF of a RAW file: TIFF-like ones begin with it, a CR3 has it in a box."""
    if data[4:8] == b"ftyp":
        box = data.find(_CANON_BOX, 0, _CANON_BOX_WITHIN)
        return read_exif(data[box + 4 : box + 4 + _CANON_BOX_WITHIN]) if box > 0 else Exif()
    return read_exif(data)


def embedded_picture(task: Task, exif: Exif) -> Picture | None:
    """The largest whole JPEG in the file that is not tiny; the file's own `exif` goes before the JPEG's."""
    for at, _ in _largest_first(task.data)[:_MOST_TRIES]:
        try:
            picture = decode_jpeg(replace(task, data=task.data[at:]), label="embedded jpeg")
        except UnreadablePhotoError:  # lossless sensor data begins like a JPEG, too
            continue
        own = picture.exif
        orientation = exif.orientation if exif.orientation > 1 else own.orientation
        return replace(picture, exif=Exif(orientation, exif.taken or own.taken, exif.camera or own.camera))
    return None


def _largest_first(data: bytes) -> list[tuple[int, JpegHeader]]:
    found = []
    at = data.find(_START)
    for _ in range(_MOST_STARTS):
        if at < 0:
            break
        try:
            header = read_header(data[at : at + 200_000])
            if min(header.width, header.height) >= LEAST_SIDE and not header.lossless:
                found.append((at, header))
        except UnreadablePhotoError:
            pass
        at = data.find(_START, at + 1)
    return sorted(found, key=lambda each: -each[1].width * each[1].height)
