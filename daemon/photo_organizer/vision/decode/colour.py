"""Colours: profiles other than sRGB converted by LittleCMS, alpha laid over white."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms


def convert_profile(pixels: NDArray[np.uint8], profile: bytes) -> NDArray[np.uint8]:
    """Blue-first pixels of the colour space `profile` as sRGB; unchanged where it is sRGB, none, or not RGB.

    A profile that cannot be used is ignored, as viewers do.
    """
    transform = _transform(profile, "RGB") if profile else None
    if transform is None:
        return pixels
    image = Image.fromarray(np.ascontiguousarray(pixels[..., ::-1]))
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
    """From `profile` to sRGB; None where nothing is to be done or can be."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space.strip() != space:
            return None
        if space == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), space, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
