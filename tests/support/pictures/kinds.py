"""What a row of the table of kinds is, and the picture that most of them hold."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 96, 64
Shares = NDArray[np.float64]
"""A picture as red, green, blue or grey from 0 to 1: (height, width, 3 or 1)."""


@dataclass(frozen=True)
class Kind:
    """A kind of file: how it is made, and the sRGB picture that should be seen in it.

    `tolerance` is the mean difference of 255 that the codec may cause; `needs` a module without which it
    cannot be made or decoded.
    """

    name: str
    make: Callable[[], bytes]
    picture: Callable[[], Shares]
    tolerance: float = 1.5
    needs: str = ""

    @property
    def can_be_made(self) -> bool:
        return not self.needs or importlib.util.find_spec(self.needs) is not None


def photo() -> Shares:
    """Smooth shapes from dark to bright in all colours, upright and unlike its mirror image."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    red = 0.5 + 0.45 * np.sin(x / 15 + y / 40)
    green = 0.5 + 0.45 * np.sin(y / 12 - x / 60 + 1)
    blue = np.clip(0.9 - x / 140 - y / 110, 0, 1)
    whole = np.stack([red, green, blue], axis=-1)
    whole[4:20, 6:26] = 0.97
    whole[40:60, 70:90] = 0.02
    return whole


def grey() -> Shares:
    """The same in shades of grey."""
    return (photo() @ np.array([0.3, 0.5, 0.2]))[..., None]


def codes(shares: Shares, bits: int) -> NDArray[np.uint64]:
    """The nearest codes of this many bits."""
    top = 2.0**bits - 1
    return np.minimum(np.rint(shares * top), np.nextafter(2.0**bits, 0)).astype(np.uint64)


def rounded(shares: Shares, bits: int) -> Shares:
    """What is left of a picture in this many bits."""
    return codes(shares, bits) / (2.0**bits - 1)


def on_white(shares: Shares, alpha: Shares) -> Shares:
    return shares * alpha + (1 - alpha)


def opacity() -> Shares:
    """Alpha that is 1 on the left and falls to the right."""
    x = np.linspace(1.4, 0.2, WIDTH).clip(0, 1)
    return np.repeat(x[None, :, None], HEIGHT, axis=0)


def light(shares: Shares) -> Shares:
    """sRGB codes as light (IEC 61966-2-1)."""
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def inks(shares: Shares) -> Shares:
    """Cyan, magenta, yellow and black that look like this without a profile."""
    black = 1 - shares.max(axis=-1, keepdims=True)
    left = np.maximum(1 - black, 1e-9)
    return np.concatenate([(1 - shares - black) / left, black], axis=-1).clip(0, 1)


def eight(shares: Shares) -> NDArray[np.uint8]:
    return codes(shares, 8).astype(np.uint8)


def photo_image() -> Image.Image:
    """`photo` in 8 bits, as Pillow holds it."""
    return Image.fromarray(eight(photo()))
