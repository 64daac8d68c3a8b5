"""PNG, GIF, WebP, BMP, TIFF and AVIF: by Pillow, and the TIFFs that Pillow does not know by OpenCV.

Of an animation, a frame from the middle; of a TIFF with several pages, the first that is not a thumbnail.
"""

from __future__ import annotations

import struct
import warnings
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from photo_organizer.vision.decode.colour import over_white, to_srgb
from photo_organizer.vision.decode.containers import declared_size
from photo_organizer.vision.decode.exif import read_exif
from photo_organizer.vision.decode.picture import ENOUGH, Picture, Task
from photo_organizer.vision.outcome import UnreadablePhotoError

# The header is checked against limits.max_pixels before anything is decoded, for every format; Pillow's own
# limit would refuse what the owner allows.
Image.MAX_IMAGE_PIXELS = None
# Its limits of text would turn away a picture for a large colour profile or a long description; what may be
# kept of a file is bounded by the process' memory.
PngImagePlugin.MAX_TEXT_CHUNK = 16 * 1024 * 1024
# Corrupt metadata is no reason to turn a photo away, and nothing that its owner could do anything about.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_ANIMATED = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
FRAME_BUDGET = 250_000_000  # pixels of earlier frames that are decoded on the way to the middle one
_MOST_PAGES = 8
_NEW_SUBFILE_TYPE, _REDUCED_RESOLUTION = 254, 1
_BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "LA": 4, "I;16": 2, "I;16B": 2}
_BRIGHTEST = 16.0
"""Highlights of a floating-point image go up to this; one in 0 to 255 whose brightest is 16 shows nothing."""
_DEEP_GREY = frozenset({"I", "I;16", "I;16B", "I;16L", "F"})
# What Pillow's readers raise on bad input. Nothing here is ours to repair; the reason is passed on.
PILLOW_ERRORS = (
    OSError, ValueError, SyntaxError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError,
    AssertionError, RuntimeError, MemoryError, struct.error,
)  # fmt: skip


def decode_raster(task: Task, container: str, *, label: str = "") -> Picture:
    """The picture in a file that Pillow calls `container` ("PNG", "TIFF", ...).

    Raises:
        UnreadablePhotoError: damaged, incomplete or too large.
    """
    try:
        with Image.open(BytesIO(task.data), formats=[container]) as image:
            return _decode(task, image, label or container.lower())
    except PILLOW_ERRORS as error:
        # what Pillow has begun to read and found damaged is damaged, whatever OpenCV would make of it
        unknown = isinstance(error, UnidentifiedImageError) or not isinstance(error, OSError)
        if container == "TIFF" and unknown and (picture := _by_opencv(task)) is not None:
            return picture
        raise UnreadablePhotoError(f"the {container} cannot be decoded ({_words(error)})") from error


def _decode(task: Task, image: Image.Image, decoder: str) -> Picture:
    task.check_size(*image.size)
    frame = _choose_frame(image, decoder)
    task.check_size(*image.size)
    width, height = image.size
    cost = width * height * (_BYTES_A_PIXEL.get(image.mode, 4) + (0 if image.mode in {"RGB", "L"} else 4))
    task.check_memory(cost)
    profile = image.info.get("icc_profile") or b""
    block = image.info.get("exif")
    exif = read_exif(block if block is not None else _other_exif(image))
    if image.format == "TIFF":  # Pillow has turned it already
        exif = replace(exif, orientation=1)
    with task.gate.hold(cost):
        image.load()
        factors = factors_for(image.size, task.size)
        small = _plain(image).reduce(factors)
        pixels = to_srgb(small, profile) if small.mode == "CMYK" else over_white(small)
    return Picture(pixels, *image.size, decoder + frame, exif, profile, factors)


def _other_exif(image: Image.Image) -> bytes:
    """EXIF from where else Pillow finds it: a TIFF's own tags, XMP, a PNG's text."""
    try:
        return image.getexif().tobytes()
    except PILLOW_ERRORS:  # what is wrong with it is no reason to turn the picture away
        return b""


def _choose_frame(image: Image.Image, decoder: str) -> str:
    """Goes to the frame that stands for the file; says which, where there are several."""
    frames = int(getattr(image, "n_frames", 1))
    if frames < 2:
        return ""
    if image.format in _ANIMATED:
        middle = min(frames // 2, max(1, FRAME_BUDGET // max(1, image.width * image.height)))
        image.seek(middle)
        return f" frame {middle + 1} of {frames}"
    if image.format == "TIFF":
        for page in range(min(frames, _MOST_PAGES)):
            image.seek(page)
            if not image.tag_v2.get(_NEW_SUBFILE_TYPE, 0) & _REDUCED_RESOLUTION:  # type: ignore[attr-defined]
                return f" page {page + 1} of {frames}"
        image.seek(0)
        return f" page 1 of {frames}"
    return ""


def _plain(image: Image.Image) -> Image.Image:
    """The image as L, RGB, RGBA or CMYK with 8 bits a channel."""
    if image.mode in _DEEP_GREY:
        return Image.fromarray(to_eight_bits(np.asarray(image)))
    if image.mode in {"P", "PA", "LA", "La", "RGBa"} or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in {"L", "RGB", "RGBA", "CMYK"}:
        return image
    return image.convert("RGB")


def to_eight_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Samples of any depth as 0 to 255: unsigned ones by their type's range, others by what occurs."""
    if values.dtype == np.uint8:
        return values.astype(np.uint8)
    if values.dtype == np.uint16:
        high: NDArray[np.uint8] = (values.astype(np.uint16) >> 8).astype(np.uint8)
        return high
    if values.dtype == np.int32 and values.min(initial=0) < 0:  # Pillow reads unsigned ones as signed
        values = values.view(np.uint32)
    numbers = np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0)
    highest = float(numbers.max(initial=0))
    # 1 is white in floating-point images, and what shines more is beyond white; 65535 in deep integer ones;
    # anything else is scaled to its highest
    if values.dtype.kind == "f" and highest <= _BRIGHTEST:
        white = 1.0
    else:
        white = next((white for white in (1.0, 255.0, 65535.0) if highest <= white), highest)
    scaled: NDArray[np.uint8] = np.clip(numbers * (255 / white), 0, 255).astype(np.uint8)
    return scaled


def factors_for(sides: tuple[int, int], size: int) -> tuple[int, int]:
    """By which whole factors to average, across and down, so that both sides are still enough for `size`.

    Pillow's `reduce` weighs colours by alpha, so that what is transparent does not shine through.
    """
    across, down = (max(1, side // (ENOUGH * size)) for side in sides)
    return across, down


def _by_opencv(task: Task) -> Picture | None:
    """What Pillow refused, such as deep TIFF in uncommon layouts; None where OpenCV does too."""
    data = np.frombuffer(task.data, np.uint8)
    size = declared_size(task.data)
    if size is None:
        return None
    task.check_size(*size)
    cost = 12 * size[0] * size[1]
    task.check_memory(cost)
    try:
        with task.gate.hold(cost):
            pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)  # as colour it refuses 32 and 64 bits a sample
    except cv2.error:
        return None
    if pixels is None:
        return None
    colours = pixels[..., :3] if pixels.ndim == 3 else cv2.cvtColor(to_eight_bits(pixels), cv2.COLOR_GRAY2BGR)
    return Picture(to_eight_bits(colours), pixels.shape[1], pixels.shape[0], "tiff by opencv")


def _words(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "its header is damaged, or of a kind that is not known"
    text = str(error)
    return text if text and "<_io" not in text else type(error).__name__
