"""JPEG XL (the extra `jxl`): made from a JPEG, that very JPEG again; else by the Pillow plugin.

Which way is up stands in the codestream; EXIF and XMP do not count (ISO/IEC 18181-2). The plugin follows it
where it decodes pixels, and hands a JPEG over as it was stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from photo_organizer.boxes import boxes
from photo_organizer.vision.decode.budget.costs import JXL
from photo_organizer.vision.decode.formats.jpeg import decode_jpeg
from photo_organizer.vision.decode.formats.optional_formats import load
from photo_organizer.vision.decode.formats.raster import PILLOW_ERRORS, decode_raster
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.outcome import UnreadablePhotoError

_HEAD = 64  # bytes of a codestream that hold all that is read here
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_COLOUR_SPACE = slice(16, 20)  # of an ICC profile
_SIDE_BITS = (9, 13, 18, 30)


@dataclass(frozen=True, slots=True)
class JxlHeader:
    """Width and height as stored, and the orientation (1 to 8, as in EXIF)."""

    width: int
    height: int
    orientation: int


def decode_jxl(task: Task) -> Picture:
    """The picture, upright where it is of pixels, to be turned where it was a JPEG.

    Raises:
        PhotoRejectedError: damaged, too large, or the extra is not installed.
    """
    plugin = load("jxl")
    plugin.JpegXLImagePlugin.DECODE_THREADS = 1  # as many photos are decoded at a time as there are cores
    header = read_jxl_header(task.data)
    task.check_size(header.width, header.height)
    task.reserve(JXL * header.width * header.height)
    if any(box.name == b"jbrd" for box in boxes(task.data)):
        try:
            was_jpeg, _, stored, _, _ = plugin.Decoder(num_threads=1)(task.data)
        except PILLOW_ERRORS as error:
            raise UnreadablePhotoError(f"the JXL cannot be decoded ({error})") from error
        if was_jpeg:
            picture = decode_jpeg(replace(task, data=bytes(stored)), label="jxl from jpeg")
            return replace(picture, exif=replace(picture.exif, orientation=header.orientation))
    picture = decode_raster(task, container="JXL")
    if picture.profile[_COLOUR_SPACE] == b"CMYK":  # the plugin drops the fourth ink
        raise UnreadablePhotoError("JPEG XL in CMYK is not supported")
    return replace(picture, exif=replace(picture.exif, orientation=1))


def read_jxl_header(data: bytes) -> JxlHeader:
    """The beginning of the codestream (ISO/IEC 18181-1, annex D).

    Raises:
        UnreadablePhotoError: there is none.
    """
    stream = _codestream(data)
    if len(stream) < 4 or stream[:2] != b"\xff\x0a":
        raise UnreadablePhotoError("the JXL cannot be decoded (its header is damaged)")
    bits = _Bits(int.from_bytes(stream[2:_HEAD], "little"))
    small = bits.take(1)
    height = _side(bits, small)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio - 1]
        width = height * across // down
    else:
        width = _side(bits, small)
    all_default = bits.take(1)
    has_more = 0 if all_default else bits.take(1)
    return JxlHeader(width, height, 1 + bits.take(3) if has_more else 1)


def _side(bits: _Bits, small: int) -> int:
    if small:
        return 8 * (1 + bits.take(5))
    return 1 + bits.take(_SIDE_BITS[bits.take(2)])


def _codestream(data: bytes) -> bytes:
    """Its first bytes: of the file itself, or of the first box that holds a part of it."""
    if data[:2] == b"\xff\x0a":
        return data[:_HEAD]
    for box in boxes(data):
        if box.name == b"jxlc":
            return data[box.start : box.start + _HEAD]
        if box.name == b"jxlp":  # after the number of the part
            return data[box.start + 4 : min(box.end, box.start + 4 + _HEAD)]
    return b""


class _Bits:
    """Numbers read from the least significant bit on."""

    def __init__(self, value: int) -> None:
        self._value = value

    def take(self, count: int) -> int:
        number = self._value & ((1 << count) - 1)
        self._value >>= count
        return number
