"""HEIC, whose decoder is the extra `heif`, and how the modules of extras are loaded."""

from __future__ import annotations

import warnings
from dataclasses import replace
from importlib import import_module
from types import ModuleType

import numpy as np

from photo_organizer.formats import EXTRAS
from photo_organizer.vision.decode.budget.costs import HEIF, HEIF_HDR, HEIF_WITH_ALPHA
from photo_organizer.vision.decode.colour.code_points import code_points
from photo_organizer.vision.decode.colour.conversion import over_white
from photo_organizer.vision.decode.colour.hdr import tone_map
from photo_organizer.vision.decode.exif import read_exif
from photo_organizer.vision.decode.formats.raster import PILLOW_ERRORS, factors_for
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.outcome import DecoderRefusedError, PhotoRejectedError, RejectionKind


def decode_heif(task: Task) -> Picture:
    """HEIC, HEIF: the primary image, turned by libheif itself.

    Raises:
        PhotoRejectedError: damaged, too large, or the extra is not installed.
    """
    pillow_heif = load("heif")
    try:
        container = pillow_heif.open_heif(task.data, convert_hdr_to_8bit=True)
        width, height = container.size
        task.check_size(width, height)
        exif = replace(read_exif(container.info.get("exif")), orientation=1)
        profile = container.info.get("icc_profile") or b""
        colours = code_points(task.data, "HEIF", profile)
        if colours is not None and colours.is_hdr:
            task.reserve(HEIF_HDR * width * height)
            deep = pillow_heif.open_heif(task.data, convert_hdr_to_8bit=False)
            pixels = tone_map(np.asarray(deep), colours, task.size)
            return Picture(pixels, width, height, "heif hdr", exif)
        task.reserve((HEIF_WITH_ALPHA if container.has_alpha else HEIF) * width * height)
        if colours is not None and not profile:
            profile = colours.profile()
        factors = factors_for((width, height), task.size)
        pixels = over_white(container.to_pillow().reduce(factors))
    except IndexError as error:
        raise DecoderRefusedError("the HEIC holds no picture of a kind that can be decoded") from error
    except PILLOW_ERRORS as error:
        raise DecoderRefusedError(f"the HEIC cannot be decoded ({error})") from error
    return Picture(pixels, width, height, "heif", exif, profile, factors)


def load(extra: str) -> ModuleType:
    """Return the decoder's module of an extra ("heif", "jxl", "raw").

    Raises:
        PhotoRejectedError: NEEDS_EXTRA when it is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = EXTRAS[extra]
        try:
            return import_module(wanted.module)
        except ImportError as error:
            raise PhotoRejectedError(
                RejectionKind.NEEDS_EXTRA,
                f"{wanted.title} needs the extra `{extra}`: pip install 'smart-photo-organizer[{extra}]'",
            ) from error
