"""Decode a photo to the pixels that the network sees, for serving and training alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from photo_organizer.vision.decode.budget.limits import FixedLimits, Limits
from photo_organizer.vision.decode.budget.memory import MemoryGate, OnWait, nothing, release_frames
from photo_organizer.vision.decode.colour.conversion import convert_profile
from photo_organizer.vision.decode.dispatch import open_picture
from photo_organizer.vision.decode.picture import OUT_OF_MEMORY, Picture, Task
from photo_organizer.vision.decode.resize import resize_to_square
from photo_organizer.vision.outcome import UnreadablePhotoError

# There are as many decoding threads as cores already, with a photo in each.
cv2.setNumThreads(1)
cv2.utils.logging.setLogLevel(0)  # the reason is reported once, with the photo

_HASH_SIDE = 8

Finished = TypeVar("Finished")


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """A photo as the network sees it, and its metadata.

    Attributes:
        pixels: uint8 (size, size, 3), blue first, sRGB: the whole upright photo, squashed to the square.
        width, height: of the upright original, in pixels.
        decoder: how it was decoded ("jpeg 1/4", "gif frame 5 of 10"), shown by `why`.
        taken: capture time from EXIF: DateTimeOriginal, else DateTimeDigitized, else DateTime.
        camera: maker and model from EXIF, or "".
        perceptual_hash: 64-bit difference hash of the upright photo, as 16 hexadecimal digits.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    decoder: str
    taken: datetime | None
    camera: str
    perceptual_hash: str


def decode(
    data: bytes,
    size: int,
    limits: Limits | None = None,
    *,
    gate: MemoryGate | None = None,
    on_wait: OnWait = nothing,
) -> DecodedPhoto:
    """Decode a photo of any supported format, recognised by its content.

    The whole photo is squashed to a square by area averaging, after EXIF or HEIF orientation, with alpha over
    white and other colour spaces converted to sRGB. JPEGs are decoded at the smallest DCT reduction that
    leaves twice the wanted side, so the result hardly depends on it.

    A photo that fails while others are being decoded is decoded again alone, because libraries report a lack
    of memory in many different ways.

    Args:
        data: the file's bytes.
        size: S, side of the wanted square in pixels.
        limits: pixels, file size and memory that a photo may take; the configuration's defaults when None.
        gate: shared by the threads that decode at the same time, to keep them within the limit together.
        on_wait: called when it starts and stops waiting for memory that others hold.

    Raises:
        PhotoRejectedError: UNREADABLE when it is damaged, incomplete or beyond a limit; NEEDS_EXTRA when the
            decoder is not installed; NOT_AN_IMAGE when the content is not of a known format.
    """
    return decode_with(data, size, lambda picture: _finish(picture, size), limits, gate=gate, on_wait=on_wait)


def decode_with(
    data: bytes,
    size: int,
    finish: Callable[[Picture], Finished],
    limits: Limits | None = None,
    *,
    gate: MemoryGate | None = None,
    on_wait: OnWait = nothing,
) -> Finished:
    """Decode a photo, and return `finish` of the picture, which is not yet turned or converted to sRGB.

    Args and Raises: as `decode`; the picture's shorter side is at least twice `size` where the photo's is.
    """
    limits = limits or FixedLimits()
    if not data:
        raise UnreadablePhotoError("the file is empty")
    if len(data) > limits.max_file_megabytes * 1_000_000:
        raise UnreadablePhotoError(
            f"the file has {len(data) // 1_000_000} MB, more than the {limits.max_file_megabytes} that "
            "limits.max_file_megabytes allows"
        )
    gate = gate or MemoryGate(limits.memory_megabytes * 1_000_000)
    with gate.share(on_wait) as memory:
        try:
            return _decode(Task(data, size, limits, memory), finish)
        except Exception as error:
            release_frames(error)  # before the others may have this memory
            memory.give_back()
            if not memory.was_crowded:
                raise
    with gate.alone(on_wait) as memory:
        return _decode(Task(data, size, limits, memory), finish)


def _decode(task: Task, finish: Callable[[Picture], Finished]) -> Finished:
    try:
        return finish(open_picture(task))
    except MemoryError as error:
        raise UnreadablePhotoError(OUT_OF_MEMORY) from error


def _finish(picture: Picture, size: int) -> DecodedPhoto:
    squashed = resize_to_square(picture, size)
    pixels = turn(convert_profile(squashed, picture.profile), picture.exif.orientation)
    on_its_side = picture.exif.orientation >= 5
    return DecodedPhoto(
        pixels=pixels,
        width=picture.height if on_its_side else picture.width,
        height=picture.width if on_its_side else picture.height,
        decoder=picture.decoder,
        taken=picture.exif.taken,
        camera=picture.exif.camera,
        perceptual_hash=difference_hash(pixels),
    )


def turn(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return the pixels upright, given their EXIF orientation (1 to 8)."""
    if orientation in {5, 6, 7, 8}:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def difference_hash(pixels: NDArray[np.uint8]) -> str:
    """Return the 64-bit dHash: whether each of 8 x 8 grey areas is brighter than its right neighbour."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    areas = cv2.resize(grey, (_HASH_SIDE + 1, _HASH_SIDE), interpolation=cv2.INTER_AREA)
    brighter = areas[:, :-1] > areas[:, 1:]
    return np.packbits(brighter).tobytes().hex()
