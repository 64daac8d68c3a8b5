"""A small JPEG of a photo for people: upright, in sRGB, in its own proportions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import cv2

from photo_organizer.vision.decode.budget.limits import Limits
from photo_organizer.vision.decode.budget.memory import MemoryGate, OnWait
from photo_organizer.vision.decode.colour.conversion import convert_profile
from photo_organizer.vision.decode.decoder import decode_with, turn
from photo_organizer.vision.decode.picture import ENOUGH, Picture
from photo_organizer.vision.decode.resize import fitted

_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A thumbnail, and what was learned on the way.

    Attributes:
        jpeg: the file's bytes.
        taken: capture time from EXIF, local to where it was taken.
        camera: maker and model from EXIF, or "".
    """

    jpeg: bytes
    taken: datetime | None
    camera: str


def make_thumbnail(data: bytes, side: int, limits: Limits, gate: MemoryGate, on_wait: OnWait) -> Thumbnail:
    """Decode a photo, and make it small.

    Args:
        data: the file's bytes.
        side: of the longer edge, in pixels; smaller photos keep their size.
        limits: what the photo may cost.
        gate: shared by the threads that decode at the same time.
        on_wait: told when it begins to wait for memory that others hold, and when it goes on.

    Raises:
        PhotoRejectedError: as `decode`.
    """
    return decode_with(
        data, side // ENOUGH, lambda picture: _small(picture, side), limits, gate=gate, on_wait=on_wait
    )


def _small(picture: Picture, side: int) -> Thumbnail:
    pixels = turn(convert_profile(fitted(picture, side), picture.profile), picture.exif.orientation)
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    return Thumbnail(encoded[1].tobytes(), picture.exif.taken, picture.exif.camera)
