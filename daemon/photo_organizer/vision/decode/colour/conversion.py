"""Colours: profiles other than sRGB converted by LittleCMS, alpha laid over white."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from photo_organizer.vision.decode.colour.colour_space import code_points_in_profile
from photo_organizer.vision.decode.colour.hdr import tone_map


def convert_profile(pixels: NDArray[np.uint8], profile: bytes) -> NDArray[np.uint8]:
    """Blue-first pixels of the colour space `profile` as sRGB; unchanged where it is none that fits them.

    A profile for grey is used for a grey picture. One that cannot be used is ignored, as viewers do. What a
    profile is called does not count: there are linear ones with "sRGB" in their names.
    """
    if not profile:
        return pixels
    colours = code_points_in_profile(profile)
    if colours is not None and colours.is_hdr:
        return tone_map(np.ascontiguousarray(pixels[..., ::-1]), colours, max(pixels.shape[:2]))
    grey = bool((pixels == pixels[..., :1]).all())
    if grey and (transform := _transform(profile, "GRAY")) is not None:
        image = Image.fromarray(np.ascontiguousarray(pixels[..., 0]))
    elif (transform := _transform(profile, "RGB")) is not None:
        image = Image.fromarray(np.ascontiguousarray(pixels[..., ::-1]))
    else:
        return pixels
    converted = np.asarray(ImageCms.applyTransform(image, transform))
    return np.ascontiguousarray(converted[..., ::-1])


def to_srgb(image: Image.Image, profile: bytes) -> NDArray[np.uint8]:
    """A CMYK image as blue-first sRGB, by its own profile where it has a usable one."""
    transform = _transform(profile, "CMYK") if profile else None
    if transform is None:
        converted = image.convert("RGB")
    else:
        applied = ImageCms.applyTransform(image, transform)
        converted = applied if applied is not None else image
    return np.ascontiguousarray(np.asarray(converted)[..., ::-1])


def over_white(image: Image.Image) -> NDArray[np.uint8]:
    """An image with or without alpha as blue-first pixels, on white."""
    if image.mode != "RGBA":
        return np.ascontiguousarray(np.asarray(image.convert("RGB"))[..., ::-1])
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    return np.ascontiguousarray(np.asarray(white)[..., 2::-1])


@lru_cache(maxsize=16)
def _transform(profile: bytes, space: str) -> ImageCms.ImageCmsTransform | None:
    """From `profile` to sRGB; None where it cannot be used for samples of `space` ("GRAY", "RGB", "CMYK")."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space.strip() != space:
            return None
        mode = "L" if space == "GRAY" else space
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
