"""BMP whose masks say where in a pixel its colours lie, in layouts that Pillow and OpenCV do not know.

Source: Microsoft's BITMAPV5HEADER. Masks of any width and place, 16 or 32 bits a pixel.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photo_organizer.vision.decode.colour.conversion import over_white
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.outcome import DecoderRefusedError, UnreadablePhotoError

_INFO_HEADER, _WITH_ALPHA = 40, 56
_BIT_FIELDS, _ALPHA_BIT_FIELDS = 3, 6
_BYTES_A_PIXEL = 16.0


@dataclass(frozen=True, slots=True)
class _BmpHeader:
    width: int
    height: int
    top_down: bool
    bits: int
    masks: tuple[int, int, int, int]  # red, green, blue, alpha
    pixels: int


def decode_bmp_masks(task: Task) -> Picture:
    """The picture of a BMP with masks.

    Raises:
        UnreadablePhotoError: it has none, is damaged, incomplete or too large.
    """
    header = _read_header(task.data)
    task.check_size(header.width, header.height)
    task.reserve(_BYTES_A_PIXEL * header.width * header.height)
    row = (header.width * header.bits + 31) // 32 * 4
    if header.pixels + row * header.height > len(task.data):
        raise UnreadablePhotoError("the file ends before the picture does, a part of it is missing")
    stored = np.frombuffer(task.data, np.uint8, row * header.height, header.pixels)
    words = stored.reshape(header.height, row).view(f"<u{header.bits // 8}")[:, : header.width]
    upright = words if header.top_down else words[::-1]
    red, green, blue, alpha = (_channel(upright, mask) for mask in header.masks)
    opaque = not header.masks[3] or not alpha.any()  # many programs write zeros for nothing
    bands = [red, green, blue] if opaque else [red, green, blue, alpha]
    pixels = over_white(Image.fromarray(np.stack(bands, axis=-1)))
    return Picture(pixels, header.width, header.height, "bmp with masks")


def _read_header(data: bytes) -> _BmpHeader:
    try:
        pixels, size, width, height, _, bits, compression = struct.unpack_from("<IIiiHHI", data, 10)
        if size < _INFO_HEADER or compression not in {_BIT_FIELDS, _ALPHA_BIT_FIELDS} or bits not in {16, 32}:
            raise DecoderRefusedError("the BMP has no masks")
        has_alpha = size >= _WITH_ALPHA or compression == _ALPHA_BIT_FIELDS
        masks = struct.unpack_from("<IIII" if has_alpha else "<III", data, 14 + _INFO_HEADER)
    except struct.error as error:
        raise DecoderRefusedError("the BMP header is damaged") from error
    red, green, blue, *alpha = masks
    if width < 1 or not (red | green | blue):
        raise DecoderRefusedError("the BMP header is damaged")
    return _BmpHeader(width, abs(height), height < 0, bits, (red, green, blue, *(alpha or [0])), pixels)


def _channel(words: NDArray[np.unsignedinteger], mask: int) -> NDArray[np.uint8]:
    """The bits under `mask` as 0 to 255."""
    if not mask:
        return np.zeros(words.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    highest = mask >> shift
    values = (words & words.dtype.type(mask & (2 ** (8 * words.itemsize) - 1))) >> words.dtype.type(shift)
    return np.asarray(values * (255.0 / highest) + 0.5, np.uint8)
