"""From a picture of any size to the network's square, or to a thumbnail of its own proportions."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from photo_organizer.vision.decode.picture import Picture


def resize_to_square(picture: Picture, size: int) -> NDArray[np.uint8]:
    """The picture as a square uint8 (size, size, 3), see `resized`."""
    return resized(picture, size, size)


def fitted(picture: Picture, side: int) -> NDArray[np.uint8]:
    """The picture in its own proportions as uint8 (height, width, 3), `side` pixels along an edge at most."""
    scale = min(1.0, side / max(picture.width, picture.height))
    return resized(picture, max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))


def resized(picture: Picture, wide: int, high: int) -> NDArray[np.uint8]:
    """The picture as uint8 (high, wide, 3), each pixel the average of the area that it covers.

    A picture that was reduced by 8 while its width is no multiple of 8 ends within its last column. That
    column is left out where it stands for less than half of what the others do: counted in full, it would
    stretch the picture and move everything near its end. Pictures that are smaller are enlarged linearly.
    """
    height, width = picture.pixels.shape[:2]
    across = _whole(picture.width / picture.reduced[0], width)
    down = _whole(picture.height / picture.reduced[1], height)
    # first what shrinks: where one side grows, OpenCV averages neither
    shrunk = (min(across, wide), min(down, high))
    pixels = cv2.resize(picture.pixels[:down, :across], shrunk, interpolation=cv2.INTER_AREA)
    if shrunk != (wide, high):
        pixels = cv2.resize(pixels, (wide, high), interpolation=cv2.INTER_AREA)
    return np.asarray(pixels, np.uint8)


def _whole(extent: float, pixels: int) -> int:
    return min(pixels, max(1, round(extent)))
