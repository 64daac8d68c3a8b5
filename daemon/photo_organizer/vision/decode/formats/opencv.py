"""OpenCV as the second decoder, for what Pillow refuses.

It refuses files that end early (checked for every format that it is asked about, in November 2026).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photo_organizer.vision.decode.budget.costs import OPENCV
from photo_organizer.vision.decode.budget.declared import declared_size
from photo_organizer.vision.decode.colour.conversion import over_white
from photo_organizer.vision.decode.colour.depth import to_eight_bits
from photo_organizer.vision.decode.formats.mended import png_is_whole
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.outcome import DecoderRefusedError

_NO_PICTURE = "OpenCV makes no picture of it"


def decode_opencv(task: Task, *, container: str) -> Picture:
    """The picture in a file of a format that Pillow calls `container`.

    Raises:
        UnreadablePhotoError: OpenCV refuses it, too, or it is too large.
    """
    if container == "PNG" and not png_is_whole(task.data):  # OpenCV takes the memory that a chunk claims
        raise DecoderRefusedError(_NO_PICTURE)
    pixels = _samples(task, container)
    if pixels.ndim == 2 or pixels.shape[2] < 3:
        pixels = pixels.reshape(*pixels.shape[:2], -1)[..., 0]
        colours = pixels[..., None].repeat(3, axis=-1)
    elif pixels.shape[2] == 4 and pixels.dtype == np.uint8:
        colours = over_white(Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA)))
    else:
        colours = pixels[..., :3]
    eight = to_eight_bits(colours)
    name = container.lower()
    picture = Picture(np.ascontiguousarray(eight), pixels.shape[1], pixels.shape[0], f"{name} by opencv")
    if picture.is_blank:
        raise DecoderRefusedError(_NO_PICTURE)
    return picture


def _samples(task: Task, container: str) -> NDArray[np.generic]:
    size = declared_size(task.data, container)
    if size is None:
        raise DecoderRefusedError(_NO_PICTURE)
    task.check_size(*size)
    task.reserve(OPENCV * size[0] * size[1])
    try:
        pixels = cv2.imdecode(np.frombuffer(task.data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DecoderRefusedError(_NO_PICTURE) from error
    if pixels is None or pixels.size == 0:
        raise DecoderRefusedError(_NO_PICTURE)
    return np.asarray(pixels)
