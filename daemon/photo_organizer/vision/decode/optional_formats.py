"""Formats whose decoders are extras: HEIC (`heif`) and JPEG XL (`jxl`); `raw.py` has the third."""

from __future__ import annotations

import warnings
from dataclasses import replace
from types import ModuleType

from photo_organizer.vision.decode.colour import over_white
from photo_organizer.vision.decode.exif import read_exif
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.decode.raster import PILLOW_ERRORS, decode_raster, factors_for
from photo_organizer.vision.outcome import PhotoRejectedError, RejectionKind, UnreadablePhotoError


def decode_heif(task: Task) -> Picture:
    """HEIC, HEIF: the primary image, turned by libheif itself.

    Raises:
        PhotoRejectedError: damaged, too large, or the extra is not installed.
    """
    pillow_heif = load("pillow_heif", extra="heif", name="HEIC")
    try:
        container = pillow_heif.open_heif(task.data, convert_hdr_to_8bit=True)
        width, height = container.size
        task.check_size(width, height)
        cost = 8 * width * height
        task.check_memory(cost)
        exif = replace(read_exif(container.info.get("exif")), orientation=1)
        profile = container.info.get("icc_profile") or b""
        with task.gate.hold(cost):
            factors = factors_for((width, height), task.size)
            pixels = over_white(container.to_pillow().reduce(factors))
    except IndexError as error:
        raise UnreadablePhotoError("the HEIC holds no picture of a kind that can be decoded") from error
    except PILLOW_ERRORS as error:
        raise UnreadablePhotoError(f"the HEIC cannot be decoded ({error})") from error
    return Picture(pixels, width, height, "heif", exif, profile, factors)


def decode_jxl(task: Task) -> Picture:
    """JPEG XL, through its Pillow plugin, which applies the orientation.

    Raises:
        PhotoRejectedError: damaged, too large, or the extra is not installed.
    """
    load("pillow_jxl", extra="jxl", name="JPEG XL")
    picture = decode_raster(task, "JXL")
    return replace(picture, exif=replace(picture.exif, orientation=1))


def load(module: str, *, extra: str, name: str) -> ModuleType:
    """A decoder's module.

    Raises:
        PhotoRejectedError: NEEDS_EXTRA when it is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return __import__(module)
        except ImportError as error:
            raise PhotoRejectedError(
                RejectionKind.NEEDS_EXTRA,
                f"{name} needs the extra `{extra}`: pip install 'smart-photo-organizer[{extra}]'",
            ) from error
