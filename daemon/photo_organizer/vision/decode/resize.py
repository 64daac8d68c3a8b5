"""From a picture of any proportions to the square that the network takes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from photo_organizer.vision.decode.picture import Picture


def squash(picture: Picture, size: int) -> NDArray[np.uint8]:
    """The picture as a square uint8 (size, size, 3), each pixel the average of the area that it covers.

    A picture that was reduced by 8 while its width is no multiple of 8 ends within its last column. That
    column is left out where it stands for less than half of what the others do: counted in full, it would
    stretch the picture and move everything near its end. Pictures smaller than the square are enlarged
    linearly.
    """
    height, width = picture.pixels.shape[:2]
    across = _whole(picture.width / picture.reduced[0], width)
    down = _whole(picture.height / picture.reduced[1], height)
    # first what shrinks: where one side grows, OpenCV averages neither
    shrunk = (min(across, size), min(down, size))
    squashed = cv2.resize(picture.pixels[:down, :across], shrunk, interpolation=cv2.INTER_AREA)
    if shrunk != (size, size):
        squashed = cv2.resize(squashed, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(squashed, np.uint8)


def _whole(extent: float, pixels: int) -> int:
    return min(pixels, max(1, round(extent)))
