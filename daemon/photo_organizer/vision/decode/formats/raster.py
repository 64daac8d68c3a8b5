"""PNG, GIF, WebP, BMP and AVIF, and TIFFs compressed as JPEG or fax: by Pillow.

Of an animation, a frame from the middle; of a TIFF with several pages, the first that is not a thumbnail.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from photo_organizer.vision.decode.budget.costs import TONE_MAPPED, pillow_cost
from photo_organizer.vision.decode.colour.code_points import code_points
from photo_organizer.vision.decode.colour.colour_space import CodePoints, profile_of_gamma
from photo_organizer.vision.decode.colour.conversion import over_white, to_srgb
from photo_organizer.vision.decode.colour.depth import to_eight_bits
from photo_organizer.vision.decode.colour.hdr import tone_map
from photo_organizer.vision.decode.exif import read_exif
from photo_organizer.vision.decode.formats.gif import read_gif_canvas
from photo_organizer.vision.decode.picture import ENOUGH, Picture, Task
from photo_organizer.vision.outcome import DecoderRefusedError

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
_DEEP_GREY = frozenset({"I", "I;16", "I;16B", "I;16L", "F"})
# What Pillow's readers raise on bad input. Nothing here is ours to repair; the reason is passed on.
PILLOW_ERRORS = (
    OSError, ValueError, SyntaxError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError,
    AssertionError, RuntimeError, MemoryError, struct.error,
)  # fmt: skip


def decode_raster(task: Task, *, container: str, label: str = "") -> Picture:
    """The picture in a file that Pillow calls `container` ("PNG", "TIFF", ...).

    Raises:
        UnreadablePhotoError: damaged, incomplete or too large.
    """
    try:
        with Image.open(BytesIO(task.data), formats=[container]) as image:
            return _decode(task, image, label or container.lower(), _choose_frame(task, image))
    except PILLOW_ERRORS as error:
        raise DecoderRefusedError(f"the {container} cannot be decoded ({error_text(error)})") from error


def decode_mended(task: Task, *, container: str, mend: Callable[[bytes], bytes | None]) -> Picture:
    """The picture in a copy of the file in which `mend` has put its container right.

    Raises:
        UnreadablePhotoError: there is nothing to be mended, or it cannot be decoded all the same.
    """
    mended = mend(task.data)
    if mended is None:
        raise DecoderRefusedError(f"there is nothing wrong with the {container} that could be mended")
    return decode_raster(replace(task, data=mended), container=container, label=f"{container.lower()} mended")


def decode_first_frame(task: Task, *, container: str) -> Picture:
    """The first frame of an animation of which a later one is damaged.

    Raises:
        UnreadablePhotoError: it is no animation, or its first frame is damaged, too.
    """
    try:
        with Image.open(BytesIO(task.data), formats=[container]) as image:
            if not getattr(image, "is_animated", False):
                raise DecoderRefusedError(f"the {container} is no animation")
            return _decode(task, image, container.lower(), " frame 1")
    except PILLOW_ERRORS as error:
        raise DecoderRefusedError(f"the {container} cannot be decoded ({error_text(error)})") from error


def _decode(task: Task, image: Image.Image, decoder: str, frame: str) -> Picture:
    task.check_size(*image.size)
    width, height = image.size
    frames = int(getattr(image, "n_frames", 1))
    cost = width * height * pillow_cost(image.format or "", image.mode, frames)
    task.reserve(cost)
    profile = image.info.get("icc_profile") or b""
    block = image.info.get("exif")
    exif = read_exif(block if block is not None else _other_exif(image), _xmp(image))
    if image.format == "TIFF":  # Pillow has turned it already
        exif = replace(exif, orientation=1)
    colours = code_points(task.data, image.format or "", profile)
    if colours is not None and colours.is_hdr:
        task.reserve(TONE_MAPPED * cost)
        return Picture(
            tone_map(_codes(task.data, image), colours, task.size),
            *image.size,
            f"{decoder}{frame} hdr",
            exif,
        )
    if image.format == "PNG" or not profile:
        profile = _own_profile(image, colours) or profile
    image.load()
    factors = factors_for(image.size, task.size)
    small = _plain(image).reduce(factors)
    pixels = to_srgb(small, profile) if small.mode == "CMYK" else over_white(small)
    return Picture(pixels, *image.size, decoder + frame, exif, profile, factors)


def _xmp(image: Image.Image) -> bytes:
    """The XMP packet; not that of AVIF, where the container alone says which way is up."""
    if image.format == "AVIF":
        return b""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return packet.encode("utf-8", "replace") if isinstance(packet, str) else bytes(packet)


def _own_profile(image: Image.Image, colours: CodePoints | None) -> bytes:
    """The profile that a file without an ICC profile describes in its format's own way; b"" for sRGB.

    In a PNG, `cICP` goes before everything, an ICC profile and `sRGB` before `gAMA` and `cHRM` (PNG, third
    edition, 4.3).
    """
    if colours is not None:
        return colours.profile()
    if image.format != "PNG" or "icc_profile" in image.info or "srgb" in image.info:
        return b""
    gamma, chromaticities = image.info.get("gamma"), image.info.get("chromaticity")
    return profile_of_gamma(gamma, chromaticities)


def _codes(data: bytes, image: Image.Image) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The samples of a PQ or HLG picture, red first; of a PNG with all its 16 bits, which Pillow halves."""
    if image.format == "PNG":
        deep = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if deep is not None and deep.dtype == np.uint16:
            whole = deep[..., None].repeat(3, axis=-1) if deep.ndim == 2 else deep
            return np.asarray(whole[..., [2, 1, 0, 3][: whole.shape[2]]], np.uint16)
    image.load()
    plain = _plain(image)
    return np.asarray(plain if plain.mode in {"RGB", "RGBA"} else plain.convert("RGB"))


def _other_exif(image: Image.Image) -> bytes:
    """EXIF from where else Pillow finds it: a TIFF's own tags, XMP, a PNG's text."""
    try:
        return image.getexif().tobytes()
    except PILLOW_ERRORS:  # what is wrong with it is no reason to turn the picture away
        return b""


def _choose_frame(task: Task, image: Image.Image) -> str:
    """Go to the frame that stands for the file; say which, where there are several."""
    task.check_size(*image.size)
    frames = int(getattr(image, "n_frames", 1))
    if image.format == "GIF":
        canvas = read_gif_canvas(task.data)
        task.check_size(canvas.width, canvas.height)
        frames = min(frames, canvas.frames)
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


def factors_for(sides: tuple[int, int], size: int) -> tuple[int, int]:
    """By which whole factors to average, across and down, so that both sides are still enough for `size`.

    Pillow's `reduce` weighs colours by alpha, so that what is transparent does not shine through.
    """
    across, down = (max(1, side // (ENOUGH * size)) for side in sides)
    return across, down


def error_text(error: BaseException) -> str:
    """What a decoder's error says, for people."""
    if isinstance(error, UnidentifiedImageError):
        return "its header is damaged, or of a kind that is not known"
    text = str(error)
    return text if text and "<_io" not in text else type(error).__name__
