"""The formats whose decoders are extras: HEIC (`heif`), JPEG XL (`jxl`) and camera RAW (`raw`)."""

from __future__ import annotations

import warnings
from dataclasses import replace
from io import BytesIO
from types import ModuleType
from typing import Any

import numpy as np

from photo_organizer.vision.colour import over_white
from photo_organizer.vision.exif import read_exif
from photo_organizer.vision.jpeg import decode_jpeg
from photo_organizer.vision.outcome import PhotoRejectedError, RejectionKind, UnreadablePhotoError
from photo_organizer.vision.picture import Picture, Task
from photo_organizer.vision.raster import PILLOW_ERRORS, decode_raster, factors_for

_FLIP_TO_ORIENTATION = {0: 1, 3: 3, 5: 8, 6: 6}  # LibRaw's `flip`: 3 half a turn, 5 and 6 quarter turns


def decode_heif(task: Task) -> Picture:
    """HEIC, HEIF: the primary image, turned by libheif itself.

    Raises:
        PhotoRejectedError: damaged, too large, or the extra is not installed.
    """
    pillow_heif = _load("pillow_heif", extra="heif", name="HEIC")
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
    except PILLOW_ERRORS as error:
        raise UnreadablePhotoError(f"the HEIC cannot be decoded ({error})") from error
    return Picture(pixels, width, height, "heif", exif, profile, factors)


def decode_jxl(task: Task) -> Picture:
    """JPEG XL, through its Pillow plugin, which applies the orientation.

    Raises:
        PhotoRejectedError: damaged, too large, or the extra is not installed.
    """
    _load("pillow_jxl", extra="jxl", name="JPEG XL")
    picture = decode_raster(task, "JXL")
    return replace(picture, exif=replace(picture.exif, orientation=1))


def decode_raw(task: Task) -> Picture:
    """Camera RAW and DNG: the embedded preview, far larger than any input size; else developed at half size.

    Raises:
        PhotoRejectedError: damaged, too large, or the extra is not installed.
    """
    rawpy = _load("rawpy", extra="raw", name="RAW")
    exif = read_exif(task.data)
    try:
        with rawpy.imread(BytesIO(task.data)) as raw:
            sizes = raw.sizes
            task.check_size(sizes.width, sizes.height)
            turned = replace(exif, orientation=_FLIP_TO_ORIENTATION.get(sizes.flip, 1))
            preview = _preview(rawpy, raw)
            if isinstance(preview, bytes):
                picture = decode_jpeg(replace(task, data=preview), label="raw preview, jpeg")
                return replace(picture, exif=turned)
            if preview is not None:
                return Picture(preview, preview.shape[1], preview.shape[0], "raw preview", turned)
            cost = 10 * sizes.width * sizes.height
            task.check_memory(cost)
            with task.gate.hold(cost):
                developed = raw.postprocess(half_size=True, use_camera_wb=True, user_flip=0, output_bps=8)
    except rawpy.LibRawFileUnsupportedError:
        return decode_raster(task, "TIFF")  # it only looked like a camera's
    except (rawpy.LibRawError, *PILLOW_ERRORS) as error:
        raise UnreadablePhotoError(f"the RAW file cannot be decoded ({error})") from error
    pixels = np.ascontiguousarray(developed[..., ::-1])
    return Picture(pixels, sizes.width, sizes.height, "raw developed", turned)


def _preview(rawpy: ModuleType, raw: Any) -> Any:  # noqa: ANN401 (rawpy has no types)
    """The embedded preview as JPEG bytes or blue-first pixels; None where there is none that can be used."""
    try:
        preview = raw.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        return None
    if preview.format == rawpy.ThumbFormat.JPEG:
        return bytes(preview.data)
    pixels = np.asarray(preview.data)
    if preview.format != rawpy.ThumbFormat.BITMAP or pixels.ndim != 3 or pixels.shape[2] != 3:
        return None
    return np.ascontiguousarray(pixels[..., ::-1])


def _load(module: str, *, extra: str, name: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return __import__(module)
        except ImportError as error:
            raise PhotoRejectedError(
                RejectionKind.NEEDS_EXTRA,
                f"{name} needs the extra `{extra}`: pip install 'smart-photo-organizer[{extra}]'",
            ) from error
