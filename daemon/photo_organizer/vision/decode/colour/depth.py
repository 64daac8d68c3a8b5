"""Samples of any depth brought to the 8 bits that the network sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WHITES = (1.0, 255.0, 65535.0)


def to_eight_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Samples as 0 to 255.

    White is the highest value of the type for 8 and 16 bits; for deeper integers the least of 255, 65535 and
    the highest value of the type that covers what occurs; for floating point see `white_of`. Values below 0
    and what is no number become black.
    """
    if values.dtype == np.uint8:
        return values.astype(np.uint8)
    if values.dtype == np.uint16:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if values.dtype.kind == "i" and values.min(initial=0) < 0:  # Pillow reads unsigned ones as signed
        values = values.view(f"u{values.dtype.itemsize}")
    numbers = finite(values)
    white = white_of(numbers) if values.dtype.kind == "f" else _white_of_integers(values)
    scaled: NDArray[np.uint8] = (np.clip(numbers * np.float32(1 / white), 0, 1) * 255 + 0.5).astype(np.uint8)
    return scaled


def finite(values: NDArray[np.generic]) -> NDArray[np.float32]:
    """As float32; infinite values become the highest one, and what is no number 0."""
    numbers = values.astype(np.float32)
    return np.nan_to_num(numbers, copy=False, posinf=float(np.finfo(np.float32).max), neginf=0.0)


def white_of(numbers: NDArray[np.float32]) -> float:
    """The value that is white in a floating-point picture: 1 unless most of the picture is beyond that.

    A few highlights beyond white are only very bright. Where most is beyond 1, the numbers are those of 8 or
    16 bits; if they are not, all but the brightest thousandth has to fit.
    """
    positive = numbers[numbers > 0]
    if not positive.size or float(np.median(positive)) <= 1:
        return 1.0
    bright = float(np.percentile(positive, 99.9))
    return next((white for white in _WHITES[1:] if bright <= white), bright)


def _white_of_integers(values: NDArray[np.generic]) -> float:
    highest = int(values.max(initial=0))
    return next(
        (white for white in _WHITES[1:] if highest <= white), float(2 ** (8 * values.dtype.itemsize) - 1)
    )
