"""Radiance pictures (.hdr): light as three mantissas with a common exponent.

OpenCV reads them from a file on disk only, and the vision process cannot write one. Source: Radiance's file
formats ("Picture file format"), and color.c for the two run-length encodings.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from photo_organizer.vision.decode.colour.colour_space import BT709, rgb_to_xyz
from photo_organizer.vision.decode.colour.hdr import light_as_srgb
from photo_organizer.vision.decode.exif import Exif
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.outcome import DecoderRefusedError

_HEAD = 65536
_SIZE = re.compile(rb"\n([+-][XY]) +(\d{1,6}) +([+-][XY]) +(\d{1,6})\n")
"""How many lines, in which direction, and how many pixels in each."""
_ORDERS = {
    (b"-Y", b"+X"): 1, (b"-Y", b"-X"): 2, (b"+Y", b"-X"): 3, (b"+Y", b"+X"): 4,
    (b"+X", b"-Y"): 5, (b"+X", b"+Y"): 8, (b"-X", b"+Y"): 7, (b"-X", b"-Y"): 6,
}  # fmt: skip
"""EXIF's orientation for the directions of the lines and of the pixels within one."""
_BYTES_A_PIXEL = 40.0
_SHORTEST, _LONGEST = 8, 32767
"""Lines of other lengths are never encoded channel by channel."""
_MOST_EXPONENT = 20
"""Light beyond is as white; the numbers of a damaged file would overflow."""
_CUT_OFF = "the file ends before the picture does, a part of it is missing"


def decode_radiance(task: Task) -> Picture:
    """Decode a Radiance picture; a light of 1 is white.

    Raises:
        UnreadablePhotoError: it is damaged, incomplete or too large.
    """
    head = task.data[:_HEAD]
    found = _SIZE.search(head)
    orientation = _ORDERS.get((found[1], found[3])) if found is not None else None
    if found is None or orientation is None:
        raise DecoderRefusedError("the HDR cannot be decoded (its header is damaged)")
    lines, length = int(found[2]), int(found[4])
    task.check_size(length, lines)
    task.reserve(_BYTES_A_PIXEL * length * lines)
    samples = _samples(task.data, found.end(), lines, length)
    exponents = np.minimum(samples[..., 3:].astype(np.int32) - 136, _MOST_EXPONENT)
    light = np.ldexp(samples[..., :3].astype(np.float32), exponents)
    light *= samples[..., 3:] > 0
    if b"FORMAT=32-bit_rle_xyze" in head[: found.start()]:
        light = light @ np.linalg.inv(rgb_to_xyz(BT709)).T.astype(np.float32)
    pixels = np.ascontiguousarray(light_as_srgb(light)[..., ::-1])
    return Picture(pixels, length, lines, "radiance", Exif(orientation))


def _samples(data: bytes, at: int, lines: int, length: int) -> NDArray[np.uint8]:
    """Return uint8 (lines, length, 4): red, green, blue, exponent.

    Raises:
        DecoderRefusedError: the file ends early, or a run goes beyond its line.
    """
    whole = np.empty((lines, length, 4), np.uint8)
    try:
        for line in whole:
            if _SHORTEST <= length <= _LONGEST and data[at : at + 4] == bytes((2, 2, *divmod(length, 256))):
                at = _by_channel(data, at + 4, line)
            else:
                at = _by_pixel(data, at, line)
    except (IndexError, ValueError) as error:
        raise DecoderRefusedError(_CUT_OFF) from error
    return whole


def _by_channel(data: bytes, at: int, line: NDArray[np.uint8]) -> int:
    """Fill a line of four channels that are encoded one after the other; return where the next begins."""
    for channel in range(4):
        place = 0
        while place < len(line):
            count = data[at]
            run = count > 128
            count -= 128 if run else 0
            if not count or place + count > len(line):
                raise ValueError("a run beyond its line")
            size = 1 if run else count
            line[place : place + count, channel] = np.frombuffer(data, np.uint8, size, at + 1)
            at += 1 + size
            place += count
    return at


def _by_pixel(data: bytes, at: int, line: NDArray[np.uint8]) -> int:
    """Fill a line of whole pixels; one of 1, 1, 1, n repeats the pixel before it n times.

    Repetitions that follow each other are the bytes of one number, the lowest first.
    """
    plain = np.frombuffer(data, np.uint8, min(4 * len(line), len(data) - at), at).reshape(-1, 4)
    if len(plain) == len(line) and not (plain[:, :3] == 1).all(axis=1).any():
        line[:] = plain
        return at + 4 * len(line)
    place = shift = 0
    while place < len(line):
        pixel = np.frombuffer(data, np.uint8, 4, at)
        at += 4
        if place and (pixel[:3] == 1).all():
            count = int(pixel[3]) << shift
            line[place : place + count] = line[place - 1]
            place, shift = place + count, shift + 8
        else:
            line[place] = pixel
            place, shift = place + 1, 0
    return at
