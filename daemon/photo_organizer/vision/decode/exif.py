"""What the organizer wants of EXIF: orientation, capture time and camera; and of XMP: orientation.

A reader of its own, because a photo's EXIF block is the part that other readers crash on: this one looks at
two directories, reads nine tags, and treats what it cannot read as not there.
Source: CIPA DC-008 (Exif 3.0), TIFF 6.0, XMP part 2 (`tiff:Orientation`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from photo_organizer.vision.decode.tiff.tiff_structure import Directory, TiffStructure

_MAKE, _MODEL, _ORIENTATION, _DATE_TIME, _EXIF_DIRECTORY = 0x010F, 0x0110, 0x0112, 0x0132, 0x8769
_ORIGINAL, _DIGITIZED, _OFFSET, _OFFSET_ORIGINAL, _OFFSET_DIGITIZED = 0x9003, 0x9004, 0x9010, 0x9011, 0x9012
_WANTED = frozenset({
    _MAKE, _MODEL, _ORIENTATION, _DATE_TIME, _ORIGINAL, _DIGITIZED, _OFFSET, _OFFSET_ORIGINAL,
    _OFFSET_DIGITIZED,
})  # fmt: skip
_MOST_TEXT = 256
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:\s*=\s*[\"']|\s*>)\s*([1-8])\s*[\"'<]")


@dataclass(frozen=True, slots=True)
class Exif:
    """`orientation` is 1 to 8 as in TIFF; `taken` is naive local time unless the camera noted an offset."""

    orientation: int = 1
    taken: datetime | None = None
    camera: str = ""


def read_exif(block: bytes | memoryview | None, xmp: bytes = b"") -> Exif:
    """What an EXIF block says; it begins with the TIFF header, or with "Exif" and two bytes before that.

    The capture time is the first that is there and valid of DateTimeOriginal, DateTimeDigitized and DateTime,
    with the UTC offset that belongs to it.

    Args:
        block: the EXIF block.
        xmp: an XMP packet, whose orientation counts where EXIF has none.
    """
    data = bytes(block or b"")
    if data.startswith(b"Exif\0"):
        data = data[6:]
    main, detail = _directories(data)
    times = (
        (detail.get(_ORIGINAL), detail.get(_OFFSET_ORIGINAL)),
        (detail.get(_DIGITIZED), detail.get(_OFFSET_DIGITIZED)),
        (main.get(_DATE_TIME), detail.get(_OFFSET)),
    )
    taken = next((time for time in (_time(*pair) for pair in times) if time), None)
    orientation = (
        _orientation(main.get(_ORIENTATION)) or _orientation(detail.get(_ORIENTATION)) or _of_xmp(xmp) or 1
    )
    return Exif(orientation, taken, _camera(main))


def _orientation(value: int | str | None) -> int | None:
    """A valid orientation, whatever type of number it was written as."""
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    return number if isinstance(number, int) and 1 <= number <= 8 else None


def _of_xmp(packet: bytes) -> int | None:
    """The orientation in an XMP packet, an attribute or an element, in UTF-8 or UTF-16."""
    found = _XMP_ORIENTATION.search(packet.replace(b"\0", b""))
    return int(found[1]) if found else None


def _directories(data: bytes) -> tuple[dict[int, int | str], dict[int, int | str]]:
    """The main directory and the one with details of the exposure; empty where they cannot be read."""
    tiff = TiffStructure.of(data)
    if tiff is None:
        return {}, {}
    main = tiff.directory(tiff.first)
    detail = tiff.number(main.entries.get(_EXIF_DIRECTORY))
    return _readable(tiff, main), _readable(tiff, tiff.directory(detail)) if detail else {}


def _readable(tiff: TiffStructure, directory: Directory) -> dict[int, int | str]:
    """What is wanted of a directory: numbers, and texts without what cannot be printed."""
    found: dict[int, int | str] = {}
    for tag in _WANTED & directory.entries.keys():
        entry = directory.entries[tag]
        text = tiff.text(entry, _MOST_TEXT)
        value = tiff.number(entry) if text is None else _printable(text)
        if value is not None:
            found[tag] = value
    return found


def _printable(text: bytes) -> str:
    return "".join(
        character for character in text.decode("utf-8", "replace") if character.isprintable()
    ).strip()


def _time(text: int | str | None, offset: int | str | None) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        taken = datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    zone = _zone(offset)
    return taken.replace(tzinfo=zone) if zone else taken


def _zone(offset: int | str | None) -> timezone | None:
    if not isinstance(offset, str) or len(offset) != 6 or offset[0] not in "+-" or offset[3] != ":":
        return None
    if not (offset[1:3] + offset[4:]).isdecimal():
        return None
    distance = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:]))
    if distance >= timedelta(hours=24):
        return None
    return timezone(-distance if offset[0] == "-" else distance)


def _camera(main: dict[int, int | str]) -> str:
    make, model = (value if isinstance(value, str) else "" for value in (main.get(_MAKE), main.get(_MODEL)))
    # "Canon" + "Canon EOS R5" is one Canon too many
    return (
        model if make and model.lower().startswith(make.split(" ")[0].lower()) else f"{make} {model}".strip()
    )
