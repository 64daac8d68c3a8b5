"""TIFF: any photometric interpretation, depth and layout, and every compression that its decoders have.

Pages without loss are read by `tiff_samples`, so that no decoder's table of modes decides what is seen; those
compressed as JPEG or fax by Pillow; the rest by OpenCV, but only what its libtiff is built for: it answers a
compression that it lacks with a black picture.
"""

from __future__ import annotations

import lzma
import zlib
from dataclasses import replace

import cv2
import numpy as np

from photo_organizer.vision.decode.colour.depth import finite, to_eight_bits
from photo_organizer.vision.decode.colour.hdr import light_to_srgb
from photo_organizer.vision.decode.exif import read_exif
from photo_organizer.vision.decode.formats.raster import PILLOW_ERRORS, decode_raster, error_text
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.decode.tiff.tiff_blocks import UnsupportedTiffError
from photo_organizer.vision.decode.tiff.tiff_colour import (
    CIELAB,
    ICCLAB,
    SEPARATED,
    channels_of,
    reduced,
    srgb,
)
from photo_organizer.vision.decode.tiff.tiff_directory import Page, chosen_page
from photo_organizer.vision.decode.tiff.tiff_samples import (
    FLOAT,
    PALETTE,
    as_decoded,
    can_read,
    read_samples,
)
from photo_organizer.vision.outcome import UnreadablePhotoError

_SGILOG, _SGILOG24 = 34676, 34677
_KNOWN_TO_OPENCV = frozenset(
    {1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 32771, 32766, 32809, 32909, _SGILOG, _SGILOG24}
)
_NAMES = {
    34661: "JBIG compression", 34887: "LERC compression", 34892: "lossy DNG compression",
    32809: "ThunderScan compression", 32766: "NeXT compression",
}  # fmt: skip


_PREFIX = "the TIFF cannot be decoded ("


def decode_tiff(task: Task) -> Picture:
    """The first page that is no thumbnail.

    Raises:
        UnreadablePhotoError: damaged, incomplete, too large, or of a kind that no decoder here can read.
    """
    page = chosen_page(task.data)
    task.check_size(page.width, page.height)
    reason, damaged = "", False
    if can_read(page):
        try:
            return _by_samples(task, page)
        except UnsupportedTiffError as error:
            reason = str(error)
        except (*PILLOW_ERRORS, zlib.error, lzma.LZMAError, UnreadablePhotoError) as error:
            reason, damaged = error_text(error), True
    if not can_read(page) or damaged:
        try:
            return decode_raster(task, container="TIFF")
        except UnreadablePhotoError as error:
            reason = reason or error.reason.removeprefix(_PREFIX).removesuffix(")")
    # what is damaged is damaged, whatever OpenCV would make of it
    found = None if damaged else _by_opencv(task, page)
    if found is not None:
        return found
    if page.compression in _NAMES or (page.compression not in _KNOWN_TO_OPENCV and not can_read(page)):
        name = _NAMES.get(page.compression, f"compression {page.compression}")
        reason = f"{name} is not supported"
    raise UnreadablePhotoError(f"{_PREFIX}{reason})")


def _by_samples(task: Task, page: Page) -> Picture:
    page = as_decoded(page)
    channels = channels_of(page)
    cost = _memory_needed(page, channels.wanted)
    task.reserve(cost)
    samples = read_samples(page, task.data, channels.wanted)
    small = reduced(page, samples, task.size)
    pixels = srgb(page, small, channels)
    exif = replace(read_exif(task.data), orientation=page.orientation)
    number = f" page {page.number} of {page.pages}" if page.pages > 1 else ""
    profile = b"" if page.photometric in {SEPARATED, CIELAB, ICCLAB} else page.profile
    return Picture(pixels, page.width, page.height, f"tiff{number}", exif, profile)


def _memory_needed(page: Page, wanted: int) -> int:
    """Bytes for a page in one strip: as it is in the file and in the machine's byte order, then as samples,
    as comparable samples and a plane of them.
    """
    kept = 1 if page.bits <= 8 else 2 if page.bits <= 16 and page.sample_format != FLOAT else 4
    colours = 8 if page.photometric == PALETTE else 0
    return page.width * page.height * (page.samples * -(-page.bits // 8) * 2 + wanted * kept * 3 + colours)


def _by_opencv(task: Task, page: Page) -> Picture | None:
    """What Pillow refused too; None where OpenCV does, and where it may have seen nothing."""
    if page.compression not in _KNOWN_TO_OPENCV or page.number != 1:
        return None
    cost = 12 * page.width * page.height
    task.reserve(cost)
    try:
        # as colour it refuses 32 and 64 bits a sample
        pixels = cv2.imdecode(np.frombuffer(task.data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if pixels is None:
        return None
    colours = pixels[..., :3] if pixels.ndim == 3 else pixels[..., None].repeat(3, axis=-1)
    if page.compression in {_SGILOG, _SGILOG24}:  # light, not codes; 1 is white, as for libtiff
        colours = np.asarray(light_to_srgb(np.clip(finite(colours), 0, 1)), np.float32)
    exif = replace(read_exif(task.data), orientation=1)
    picture = Picture(
        to_eight_bits(colours), pixels.shape[1], pixels.shape[0], "tiff by opencv", exif, page.profile
    )
    return None if picture.is_blank else picture
