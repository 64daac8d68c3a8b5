"""JPEG: the header read here, the pixels by OpenCV at a half, a quarter or an eighth where that is enough.

libjpeg's reduced decoding skips most of the inverse transform, and a 200-megapixel panorama needs no more
memory than a holiday snap. What libjpeg does not tell through OpenCV is that the data ended early (it fills
the rest with grey), so completeness is checked here. Source: ITU-T T.81, annex B.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photo_organizer.vision.decode.colour.conversion import to_srgb
from photo_organizer.vision.decode.exif import Exif, read_exif
from photo_organizer.vision.decode.formats.raster import error_text
from photo_organizer.vision.decode.picture import ENOUGH, Picture, Task
from photo_organizer.vision.outcome import DecoderRefusedError, UnreadablePhotoError

_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_SOI, _EOI, _SOS, _APP1, _APP2 = 0xD8, 0xD9, 0xDA, 0xE1, 0xE2
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_LOSSLESS = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_BARE = frozenset(range(0xD0, 0xD9)) | {0x01}  # markers without a length
_NEXT_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_CUT_OFF = "the file ends before the picture does, a part of it is missing"
_END = b"\xff\xd9"
_FILLER = bytes(range(1, 255)) * 2


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What stands before the first scan, and where that begins.

    `coefficients` is the number of DCT coefficients of all components together; `lossless` ones have none,
    and hold the data of a sensor rather than a picture.
    """

    width: int
    height: int
    components: int
    progressive: bool
    lossless: bool
    coefficients: int
    scan: int
    exif: Exif
    profile: bytes


def decode_jpeg(task: Task, *, label: str = "jpeg") -> Picture:
    """The picture, at the smallest reduction that is still enough.

    Raises:
        UnreadablePhotoError: damaged, incomplete or too large.
    """
    header = read_header(task.data)
    task.check_size(header.width, header.height)
    factor = reduction(header.width, header.height, task.size)
    task.reserve(_cost(header, factor))
    data, missing_end = task.data, not has_end(task.data, header.scan)
    if missing_end:
        task.reserve(_cost(header, 1) + 6 * header.width * header.height)
        data = _ended(task.data, header)
    if header.components == 4:
        pixels, decoder, profile = _decode_cmyk(data, header, factor), f"{label} cmyk", b""
    else:
        pixels, decoder, profile = _decode_reduced(data, factor), label, header.profile
    decoder = f"{decoder} 1/{factor}" if factor > 1 else decoder
    return Picture(
        pixels, header.width, header.height, decoder, header.exif, profile, reduced=(factor, factor)
    )


def _cost(header: JpegHeader, factor: int) -> int:
    """Bytes of memory that decoding takes."""
    pixels = 4 * header.width * header.height // factor**2
    # of a progressive one, all coefficients are kept until the last scan
    return pixels + (2 * header.coefficients if header.progressive else 0)


def _ended(data: bytes, header: JpegHeader) -> bytes:
    """A JPEG without an end marker, with one, where nothing else of it is missing.

    libjpeg takes what is missing from whatever stands there, and ignores what stands behind a complete
    picture: so the picture is complete if it is the same, whatever follows it.

    Raises:
        UnreadablePhotoError: a part of the picture is missing.
    """
    rest = data.rstrip(b"\0")  # a download, or a camera, that reserved its space
    if len(rest) <= header.scan:
        raise UnreadablePhotoError(_CUT_OFF)
    if not np.array_equal(_decode_reduced(rest + _END, 1), _decode_reduced(rest + _FILLER + _END, 1)):
        raise UnreadablePhotoError(_CUT_OFF)
    return rest + _END


def reduction(width: int, height: int, size: int) -> int:
    """The largest of 1, 2, 4 and 8 that leaves both sides `ENOUGH` times `size`."""
    return next(
        factor for factor in (8, 4, 2, 1) if factor == 1 or min(width, height) >= factor * ENOUGH * size
    )


def read_header(data: bytes) -> JpegHeader:
    """The header of a JPEG.

    Raises:
        UnreadablePhotoError: it is damaged or ends early.
    """
    at = 2
    frame: tuple[int, bytes] | None = None
    exif, xmp, profile = b"", b"", {}
    while True:
        marker, start, end = _segment(data, at)
        if marker in {_SOS, _EOI}:
            break
        body = data[start:end]
        if marker in _FRAMES and frame is None:
            frame = (marker, body)
        elif marker == _APP1 and body.startswith(b"Exif\0") and not exif:
            exif = body
        elif marker == _APP1 and body.startswith(_XMP) and not xmp:
            xmp = body
        elif marker == _APP2 and body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
            profile[body[12]] = body[14:]
        at = end
    if frame is None or marker == _EOI or len(frame[1]) < 6 + 3 * frame[1][5]:
        raise DecoderRefusedError("the JPEG header is damaged")
    kind, body = frame
    height, width, components = int.from_bytes(body[1:3]), int.from_bytes(body[3:5]), body[5]
    sampling = [(body[7 + 3 * index] >> 4, body[7 + 3 * index] & 15) for index in range(components)]
    if not all(1 <= across <= 4 and 1 <= down <= 4 for across, down in sampling) or components not in {
        1,
        3,
        4,
    }:
        raise DecoderRefusedError("the JPEG header is damaged")
    share = sum(across * down for across, down in sampling) / (
        max(across for across, _ in sampling) * max(down for _, down in sampling)
    )
    return JpegHeader(
        width=width,
        height=height,
        components=components,
        progressive=kind in _PROGRESSIVE,
        lossless=kind in _LOSSLESS,
        coefficients=round(width * height * share),
        scan=at,
        exif=read_exif(exif, xmp),
        profile=b"".join(profile[number] for number in sorted(profile)),
    )


def _segment(data: bytes, at: int) -> tuple[int, int, int]:
    """The marker at `at`, and where its body begins and ends."""
    if data[at : at + 1] != b"\xff":  # a segment longer than it says; libjpeg goes on at the next marker, too
        found = _NEXT_MARKER.search(data, at)
        at = found.start() if found is not None else len(data)
    while at + 1 < len(data) and data[at] == 0xFF and data[at + 1] == 0xFF:
        at += 1
    if at + 2 > len(data):
        raise UnreadablePhotoError("the file ends within the JPEG header")
    marker = data[at + 1]
    if marker in _BARE or marker == _EOI:
        return marker, at + 2, at + 2
    length = int.from_bytes(data[at + 2 : at + 4])
    if length < 2:
        raise DecoderRefusedError("the JPEG header is damaged")
    if at + 2 + length > len(data):
        raise UnreadablePhotoError("the file ends within the JPEG header")
    return marker, at + 4, at + 2 + length


def decode_jpeg_with_gaps(task: Task) -> Picture:
    """A JPEG with bytes between its segments that belong to none: libjpeg skips them, OpenCV does not.

    Raises:
        UnreadablePhotoError: it has no such bytes, is damaged, incomplete or too large.
    """
    return decode_jpeg(replace(task, data=_without_gaps(task.data)))


def _without_gaps(data: bytes) -> bytes:
    """The segments up to the first scan side by side, and all that follows."""
    parts, at = [data[:2]], 2
    while True:
        marker, start, end = _segment(data, at)
        head = b"\xff" + bytes([marker])
        if marker in {_SOS, _EOI}:
            parts.append(head + data[start if marker == _EOI else start - 2 :])
            break
        parts.append(head + data[start - 2 if end > start else start : end])
        at = end
    whole = b"".join(parts)
    if len(whole) == len(data):
        raise DecoderRefusedError("the JPEG has nothing between its segments")
    return whole


def has_end(data: bytes, scan: int) -> bool:
    """Whether the picture whose first scan begins at `scan` has its end marker (more may follow it)."""
    if data.endswith(_END):
        return True
    at = scan
    while (found := _NEXT_MARKER.search(data, at)) is not None:
        if found[1][0] == _EOI:
            return True
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2])
    return False


def _decode_reduced(data: bytes, factor: int) -> NDArray[np.uint8]:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise DecoderRefusedError(f"the JPEG cannot be decoded ({error.err or 'out of memory'})") from error
    if pixels is None:
        raise DecoderRefusedError("the JPEG cannot be decoded")
    return np.asarray(pixels, np.uint8)


def _decode_cmyk(data: bytes, header: JpegHeader, factor: int) -> NDArray[np.uint8]:
    """By Pillow, which gives the four inks, so that the profile can say what they look like."""
    try:
        with Image.open(BytesIO(data), formats=["JPEG"]) as image:
            image.draft(None, (header.width // factor, header.height // factor))
            image.load()
            return to_srgb(image, header.profile)
    except (OSError, ValueError, SyntaxError) as error:
        raise DecoderRefusedError(f"the JPEG cannot be decoded ({error_text(error)})") from error
