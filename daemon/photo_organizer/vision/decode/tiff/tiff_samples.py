"""The samples of a TIFF page, of any depth, format, layout and compression without loss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photo_organizer.vision.decode.tiff.tiff_blocks import (
    BY_BYTES,
    CUT_OFF,
    WHOLE_FILES,
    YCBCR,
    Block,
    UnsupportedTiffError,
    blocks_of,
    decompressed,
    is_subsampled,
    whole_file,
)
from photo_organizer.vision.decode.tiff.tiff_directory import PHOTOMETRIC, YCBCR_SUBSAMPLING, Page
from photo_organizer.vision.outcome import UnreadablePhotoError

Samples = NDArray[Any]
"""uint8, uint16, uint32 or float32 (height, width, samples)."""

_JPEG2000_IN_YCBCR = frozenset({33003, 33004})
RGB, PALETTE = 2, 3
FLOAT = 3
_SIGNED = 2
_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3
_BITS_AT_ONCE = 1 << 24


def can_read(page: Page) -> bool:
    """Whether `read_samples` knows the page's compression and layout."""
    known = page.compression in BY_BYTES or page.compression in WHOLE_FILES
    return known and page.same_bits and (page.bits <= 32 or page.bits == 64)


def read_samples(page: Page, data: bytes, wanted: int) -> Samples:
    """The first `wanted` samples of each pixel, (height, width, wanted).

    Unsigned ones of up to 8 bits are scaled to 0 to 255, of up to 16 bits to 0 to 65535, deeper ones to 32
    bits; signed ones as `_moved_up` says; palette indices are left as they are; floating-point ones are
    float32.

    Raises:
        UnsupportedTiffError: of a kind that is not read here.
        UnreadablePhotoError: a part of it is missing.
    """
    if not can_read(page):
        raise UnsupportedTiffError(f"compression {page.compression}")
    picture: Samples | None = None
    blocks = blocks_of(page, data)
    if page.planar:
        blocks = takewhile(lambda block: block.plane < wanted, blocks)
    for block, whole in _samples_of(page, blocks):
        samples = whole[..., : 1 if page.planar else wanted]
        if picture is None:
            picture = np.zeros((page.height, page.width, wanted), samples.dtype)
        if samples.dtype != picture.dtype or (not page.planar and samples.shape[2] != wanted):
            raise UnsupportedTiffError("tiles of different kinds")
        place = picture[block.top : block.top + block.height, block.left : block.left + block.width]
        if samples.shape[0] < place.shape[0] or samples.shape[1] < place.shape[1]:
            raise UnreadablePhotoError(CUT_OFF)
        samples = samples[: place.shape[0], : place.shape[1]]
        if page.planar:
            place[..., block.plane] = samples[..., 0]
        else:
            place[...] = samples
    if picture is None:
        raise UnreadablePhotoError("the TIFF holds no picture")
    return _moved_up(picture) if page.sample_format == _SIGNED else picture


def _moved_up(samples: Samples) -> Samples:
    """Samples that are called signed, with black at 0.

    Writers mean two things by it: black is the least value, or the samples are unsigned all the same. Read in
    the wrong way, every step across the middle tears the picture, so the smoother of the two is taken.
    """
    half = samples.dtype.type(1 << (8 * samples.dtype.itemsize - 1))
    moved = samples ^ half
    return moved if (samples >= half).any() and _jumps(moved) <= _jumps(samples) else samples


def _jumps(samples: Samples) -> float:
    """How much neighbours in a row differ, on average."""
    rows = samples[:: max(1, len(samples) // 256)].astype(np.float32)
    return float(np.abs(np.diff(rows, axis=1)).mean()) if rows.shape[1] > 1 else 0.0


def _samples_of(page: Page, blocks: Iterable[Block]) -> Iterator[tuple[Block, Samples]]:
    """Yield each block with its samples, (height, width, samples)."""
    kind = WHOLE_FILES.get(page.compression)
    if kind is not None:
        for block in blocks:
            yield block, whole_file(block, kind)
        return
    subsampled = is_subsampled(page)
    samples = 1 if page.planar else page.samples
    for block, rows in decompressed(page, blocks):
        yield (
            block,
            _subsampled(page, block, rows) if subsampled else _unpacked(page, rows, block.width, samples),
        )


def as_decoded(page: Page) -> Page:
    """The page with the photometric interpretation that `read_samples` gives.

    Decoders of WebP and JPEG XL answer YCbCr as RGB. What is in the codestream of a JPEG 2000 is told by the
    compression, not by the tag: Aperio (33003) and libvips (33004) write YCbCr where the tag says RGB.
    """
    if page.compression not in WHOLE_FILES:
        return page
    photometric = RGB if page.photometric == YCBCR else page.photometric
    if page.compression in _JPEG2000_IN_YCBCR and page.samples == 3:
        photometric = YCBCR
    return replace(page, tags={**page.tags, PHOTOMETRIC: (photometric,), YCBCR_SUBSAMPLING: (1, 1)})


def _subsampled(page: Page, block: Block, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """YCbCr whose colours have fewer samples: units of `across * down` Y, one Cb, one Cr (TIFF 6.0, 21)."""
    across, down = page.subsampling
    unit = across * down + 2
    raw = rows.reshape(len(rows), -1, unit)
    lines, columns = raw.shape[:2]
    whole = np.empty((lines * down, columns * across, 3), np.uint8)
    light = raw[..., :-2].reshape(lines, columns, down, across)
    whole[..., 0] = light.transpose(0, 2, 1, 3).reshape(lines * down, columns * across)
    for channel in (1, 2):
        whole[..., channel] = raw[..., unit - 3 + channel].repeat(down, 0).repeat(across, 1)
    return whole[: block.height, : block.width]


def _unpacked(page: Page, rows: NDArray[np.uint8], width: int, samples: int) -> Samples:
    """Rows of bytes as samples (rows, width, samples)."""
    bits, count = page.bits, width * samples
    if page.sample_format == FLOAT:
        return _floats(page, rows, samples).reshape(len(rows), width, samples)
    if bits in {8, 16, 32, 64}:
        values = (
            rows.view(f"{page.order}u{bits // 8}")
            .astype(f"u{bits // 8}", copy=False)
            .reshape(len(rows), width, samples)
        )
        if page.predictor == _DIFFERENCES:
            values = np.cumsum(values, axis=1, dtype=values.dtype)
        elif page.predictor != 1:
            raise UnsupportedTiffError(f"predictor {page.predictor}")
    else:
        values = _odd_bits(rows, count, bits).reshape(len(rows), width, samples)
    return values if page.photometric == PALETTE else _scaled(values, bits)


def _odd_bits(rows: NDArray[np.uint8], count: int, bits: int) -> Samples:
    """Samples of any number of bits up to 32, packed from the highest bit of each byte on."""
    if bits > 32:
        raise UnsupportedTiffError(f"{bits} bits a sample")
    values = np.zeros((len(rows), count), np.uint8 if bits < 8 else np.uint16 if bits < 16 else np.uint32)
    step = max(1, _BITS_AT_ONCE // (count * bits))
    for top in range(0, len(rows), step):
        every = np.unpackbits(rows[top : top + step], axis=1, count=count * bits)
        part = values[top : top + step]
        for bit in range(bits):
            part <<= 1
            part |= every[:, bit::bits]
    return values


def _scaled(values: Samples, bits: int) -> Samples:
    """The full range of 8, 16 or 32 bits for samples of `bits`: their highest bits fill those below."""
    if bits < 8:
        return (values.astype(np.uint16) * 255 // ((1 << bits) - 1)).astype(np.uint8)
    if bits == 64:
        return (values >> np.uint64(32)).astype(np.uint32)
    missing = 8 * values.dtype.itemsize - bits
    return values << missing | values >> (bits - missing) if missing else values


def _floats(page: Page, rows: NDArray[np.uint8], samples: int) -> NDArray[np.float32]:
    """Floating-point samples of 16, 24, 32 or 64 bits, with the predictor of TIFF Technical Note 3."""
    size = page.bits // 8
    if page.bits not in {16, 24, 32, 64} or page.predictor not in {1, _DIFFERENCES, _FLOAT_DIFFERENCES}:
        raise UnsupportedTiffError(f"floating point of {page.bits} bits, predictor {page.predictor}")
    order = page.order
    if page.predictor == _DIFFERENCES and size != 3:
        bits = rows.view(f"{order}u{size}").reshape(len(rows), -1, samples)
        rows = np.cumsum(bits, axis=1, dtype=f"u{size}").astype(f"{order}u{size}").reshape(len(rows), -1)
        rows = rows.view(np.uint8)
    if page.predictor == _FLOAT_DIFFERENCES:
        summed = np.cumsum(rows.reshape(len(rows), -1, samples), axis=1, dtype=np.uint8).reshape(
            len(rows), size, -1
        )
        rows, order = np.ascontiguousarray(summed.transpose(0, 2, 1)).reshape(len(rows), -1), ">"
    if size == 3:
        return _floats_of_24_bits(rows, order)
    with np.errstate(over="ignore", invalid="ignore"):
        return rows.view(f"{order}f{size}").astype(np.float32)


def _floats_of_24_bits(rows: NDArray[np.uint8], order: str) -> NDArray[np.float32]:
    """One sign bit, seven of exponent (bias 63), sixteen of fraction (DNG 1.4, on floating point)."""
    parts = rows.reshape(len(rows), -1, 3)[..., :: 1 if order == ">" else -1].astype(np.uint32)
    value = parts[..., 0] << 16 | parts[..., 1] << 8 | parts[..., 2]
    exponent = (value >> 16 & 0x7F).astype(np.int32)
    fraction = (value & 0xFFFF).astype(np.float64) / 65536
    size = np.where(exponent == 0, np.ldexp(fraction, -62), np.ldexp(1 + fraction, exponent - 63))
    return np.where(value >> 23, -size, size).astype(np.float32)
