"""What the samples of a TIFF page look like: its photometric interpretation, alpha and inks.

Sources: TIFF 6.0 (sections 16, 18, 20, 21 and 23); TIFF Technical Note 1 (ICC L*a*b*); DNG 1.7 (LinearRaw).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photo_organizer.vision.decode.colour.conversion import to_srgb
from photo_organizer.vision.decode.colour.depth import finite, to_eight_bits, white_of
from photo_organizer.vision.decode.colour.hdr import light_to_srgb
from photo_organizer.vision.decode.picture import ENOUGH
from photo_organizer.vision.decode.tiff.tiff_blocks import UnsupportedTiffError
from photo_organizer.vision.decode.tiff.tiff_directory import (
    COLOUR_MAP,
    INK_SET,
    REFERENCE_BLACK_WHITE,
    YCBCR_COEFFICIENTS,
    Page,
)
from photo_organizer.vision.decode.tiff.tiff_samples import Samples

_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, PALETTE, _MASK, SEPARATED, _YCBCR = range(7)
CIELAB, ICCLAB = 8, 9
_LINEAR_RAW = 34892
_COLOURS = {
    _MIN_IS_WHITE: 1, _MIN_IS_BLACK: 1, _RGB: 3, PALETTE: 1, SEPARATED: 4, _YCBCR: 3, CIELAB: 3,
    ICCLAB: 3, _LINEAR_RAW: 3,
}  # fmt: skip
_CMYK_INKS = 1
_ASSOCIATED, _UNASSOCIATED = 1, 2
_MOST_AT_ONCE = 4
"""Channels that OpenCV averages together."""
_BT601 = (0.299, 0.587, 0.114)
_BLACK_WHITE = (0, 255, 128, 255, 128, 255)


@dataclass(frozen=True, slots=True)
class Channels:
    """The first `colours` samples of a pixel are its colour; `alpha` is the place of its opacity, or None.

    `associated`: the colours are multiplied by it already.
    """

    colours: int
    alpha: int | None
    associated: bool

    @property
    def wanted(self) -> int:
        """How many samples have to be read."""
        return self.colours if self.alpha is None else self.alpha + 1


def channels_of(page: Page) -> Channels:
    """Which samples of a pixel are its colour, and which is alpha. Spot inks and depth maps are neither.

    Raises:
        UnsupportedTiffError: of a photometric interpretation that is none of a picture.
    """
    colours = _COLOURS.get(page.photometric)
    if colours is None:
        raise UnsupportedTiffError(f"photometric interpretation {page.photometric}")
    if page.photometric == SEPARATED:
        if page.value(INK_SET, _CMYK_INKS) != _CMYK_INKS and page.samples < 4:
            raise UnsupportedTiffError("inks that are not cyan, magenta, yellow and black")
        colours = (
            min(4, page.samples - len(page.extra_samples)) if page.extra_samples else min(4, page.samples)
        )
        if colours not in {1, 3, 4}:
            raise UnsupportedTiffError(f"{colours} inks")
    if page.photometric in {CIELAB, _RGB} and page.samples < colours:
        colours = 1
    if page.samples < colours:
        raise UnsupportedTiffError(f"{page.samples} samples a pixel")
    first = page.samples - len(page.extra_samples)
    places = {first + at: kind for at, kind in enumerate(page.extra_samples) if first + at >= colours}
    alpha = next((at for at, kind in places.items() if kind in {_ASSOCIATED, _UNASSOCIATED}), None)
    return Channels(colours, alpha, places.get(alpha) == _ASSOCIATED if alpha is not None else False)


def _comparable(page: Page, samples: Samples) -> Samples:
    """Samples whose average means something, of a type that OpenCV averages."""
    if page.photometric == PALETTE:
        return _looked_up(page, samples)
    if page.photometric == CIELAB and samples.shape[2] >= 3 and samples.dtype in (np.uint8, np.uint16):
        samples = samples.copy()
        samples[..., 1:3] ^= 1 << (8 * samples.dtype.itemsize - 1)  # a* and b* are signed
    if samples.dtype == np.uint32:
        return to_eight_bits(samples)
    if samples.dtype == np.float32:
        numbers = finite(samples)
        lab = page.photometric in {CIELAB, ICCLAB}
        return (
            numbers if lab else np.clip(numbers * np.float32(1 / white_of(numbers)), 0, 1).astype(np.float32)
        )
    return samples


def _looked_up(page: Page, samples: Samples) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Palette indices as their colours, uint16; of 8 bits where a writer took the map to be so."""
    entries = np.asarray(page.tags.get(COLOUR_MAP, ()), np.uint16)
    if page.bits > 16 or len(entries) < 3:
        raise UnsupportedTiffError("a palette without colours")
    table = entries[: len(entries) // 3 * 3].reshape(3, -1).T
    if table.max(initial=0) < 256:
        table = table * np.uint16(257)
    colours = table[np.minimum(samples[..., 0], len(table) - 1)]
    if samples.shape[2] == 1:
        return colours
    top = (1 << page.bits) - 1
    alpha = (samples[..., 1:].astype(np.uint32) * 65535 // top).astype(np.uint16)
    return np.concatenate([colours, alpha], axis=-1)


def reduced(page: Page, samples: Samples, size: int) -> NDArray[np.float32]:
    """Averaged to what a square of `size` needs, as 0 to 1."""
    whole = _comparable(page, samples)
    height, width = whole.shape[:2]
    wanted = min(width, ENOUGH * size), min(height, ENOUGH * size)
    top = 1.0 if whole.dtype.kind == "f" else float(2 ** (8 * whole.dtype.itemsize) - 1)
    if wanted != (width, height):
        whole = _averaged(whole, wanted)
    return np.asarray(whole.astype(np.float32) / np.float32(top))


def _averaged(samples: Samples, wanted: tuple[int, int]) -> Samples:
    """Samples resized by area averaging to `wanted` (width, height)."""
    channels = samples.shape[2]
    if channels > _MOST_AT_ONCE:
        planes = [_averaged(samples[..., channel : channel + 1], wanted) for channel in range(channels)]
        return np.concatenate(planes, axis=-1)
    averaged = cv2.resize(np.ascontiguousarray(samples), wanted, interpolation=cv2.INTER_AREA)
    return np.asarray(averaged).reshape(wanted[1], wanted[0], channels)


def srgb(page: Page, small: NDArray[np.float32], channels: Channels) -> NDArray[np.uint8]:
    """Blue-first pixels on white."""
    colours = _rgb(page, small[..., : 3 if page.photometric == PALETTE else channels.colours])
    if channels.alpha is not None:
        opaque = np.clip(small[..., -1:], 0, 1)
        additive = page.photometric in {_MIN_IS_BLACK, _RGB}
        colours = (colours if channels.associated and additive else colours * opaque) + (1 - opaque)
    return np.ascontiguousarray((np.clip(colours, 0, 1) * 255 + 0.5).astype(np.uint8)[..., ::-1])


def _rgb(page: Page, small: NDArray[np.float32]) -> NDArray[np.float32]:
    match page.photometric:
        case 6:
            return _from_ycbcr(page, small)
        case 5:
            return _from_inks(page, small)
        case 8 | 9 if small.shape[2] == 3:
            return _from_lab(page, small)
        case 0:
            small = 1 - small
        case 34892:
            return np.asarray(light_to_srgb(small), np.float32)
    return small.repeat(3, axis=-1) if small.shape[2] == 1 else small


def _from_inks(page: Page, small: NDArray[np.float32]) -> NDArray[np.float32]:
    if small.shape[2] == 1:
        return (1 - small).repeat(3, axis=-1)
    inks = small if small.shape[2] == 4 else np.concatenate([small, np.zeros_like(small[..., :1])], axis=-1)
    image = Image.frombytes("CMYK", inks.shape[1::-1], (inks * 255 + 0.5).astype(np.uint8).tobytes())
    return to_srgb(image, page.profile)[..., ::-1].astype(np.float32) / np.float32(255)


def _from_lab(page: Page, small: NDArray[np.float32]) -> NDArray[np.float32]:
    """From CIE L*a*b*; the white of the file becomes white."""
    if page.sample_format == 3:
        lab = small.copy()
    else:
        # 128 is the zero of a* and b*; ICC's 16 bits count to 0xFF00 (TIFF 6.0, 23; Technical Note 1)
        deep = page.photometric == ICCLAB and page.bits > 8
        scale = np.float32(65535 / 65280 if deep else 1)
        lab = small * scale * np.array([100, 255, 255], np.float32) - np.array([0, 128, 128], np.float32)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(lab), cv2.COLOR_Lab2RGB), np.float32)


def _from_ycbcr(page: Page, small: NDArray[np.float32]) -> NDArray[np.float32]:
    """TIFF 6.0, section 21, with the coefficients and the range that the file names."""
    told = page.tags.get(YCBCR_COEFFICIENTS, ())
    red, green, blue = told if len(told) == 3 and told[1] > 0 else _BT601
    black_white = page.tags.get(REFERENCE_BLACK_WHITE, ())
    if len(black_white) < 6:
        black_white = _BLACK_WHITE
    top = 255 if page.bits <= 8 else (1 << page.bits) - 1
    low = np.array(black_white[0:6:2], np.float32)
    high = np.array(black_white[1:6:2], np.float32)
    full = np.array([top, top / 2, top / 2], np.float32)
    luma, cb, cr = np.moveaxis((small * top - low) * (full / np.maximum(high - low, 1)) / top, -1, 0)
    r = luma + cr * (2 - 2 * red)
    b = luma + cb * (2 - 2 * blue)
    return np.stack([r, (luma - blue * b - red * r) / green, b], axis=-1).astype(np.float32)
