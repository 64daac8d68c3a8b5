"""The samples of a TIFF page, of any depth, format, layout and compression without loss.

libtiff decompresses what the standard library does not, asked through Pillow: each strip or tile is given to
it as a grey picture whose pixels are the bytes. So nothing depends on which kinds of pixels Pillow has a mode
for. JPEG 2000, WebP and JPEG XL inside a TIFF are whole files of those formats.

`tifffile` with `imagecodecs` (looked at in November 2026) reads more compressions, at 60 MB of decoders; what
they would add here is JBIG and LERC.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photo_organizer.vision.decode.tiff_directory import PHOTOMETRIC, YCBCR_SUBSAMPLING, Page
from photo_organizer.vision.outcome import UnreadablePhotoError

Samples = NDArray[Any]
"""uint8, uint16, uint32 or float32 (height, width, samples)."""

NONE, LZW, DEFLATE, LZMA, PACKBITS, ZSTD = 1, 5, 8, 34925, 32773, 50000
_DEFLATE_TOO = 32946
_BY_BYTES = frozenset({NONE, LZW, DEFLATE, _DEFLATE_TOO, LZMA, PACKBITS, ZSTD})
_WHOLE_FILES = {
    33003: "JPEG2000", 33004: "JPEG2000", 33005: "JPEG2000", 34712: "JPEG2000",
    50001: "WEBP", 50002: "JXL", 52546: "JXL",
}  # fmt: skip
_JPEG2000_IN_YCBCR = frozenset({33003, 33004})
RGB, PALETTE, YCBCR = 2, 3, 6
FLOAT = 3
_SIGNED = 2
_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3
_REVERSED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]
_BITS_AT_ONCE = 1 << 24
_LZMA_MEMORY = 256_000_000
_LARGEST_BLOCK = 1 << 22
_CUT_OFF = "the file ends before the picture does, a part of it is missing"


class UnsupportedTiffError(Exception):
    """The page is of a kind that is not read here; another decoder may be asked."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A strip or tile: where it stands in the picture, its extent, and its bytes in the file."""

    plane: int
    left: int
    top: int
    width: int
    height: int
    data: memoryview


def can_read(page: Page) -> bool:
    """Whether `read_samples` knows the page's compression and layout."""
    known = page.compression in _BY_BYTES or page.compression in _WHOLE_FILES
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
    for block in _blocks(page, data):
        if page.planar and block.plane >= wanted:
            break
        samples = _samples_of(page, block)[..., : 1 if page.planar else wanted]
        if picture is None:
            picture = np.zeros((page.height, page.width, wanted), samples.dtype)
        if samples.dtype != picture.dtype or (not page.planar and samples.shape[2] != wanted):
            raise UnsupportedTiffError("tiles of different kinds")
        place = picture[block.top : block.top + block.height, block.left : block.left + block.width]
        if samples.shape[0] < place.shape[0] or samples.shape[1] < place.shape[1]:
            raise UnreadablePhotoError(_CUT_OFF)
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


def _blocks(page: Page, data: bytes) -> Iterator[_Block]:
    width, height = page.block_size
    largest = max(_LARGEST_BLOCK, 4 * page.width * page.height)
    if width < 1 or height < 1 or width * height > largest:
        raise UnreadablePhotoError("the TIFF header is damaged")
    across, down = -(-page.width // width), -(-page.height // height)
    planes = page.samples if page.planar else 1
    places = page.blocks(len(data))
    if len(places) < across * down * planes:
        raise UnreadablePhotoError(_CUT_OFF)
    view = memoryview(data)
    tiled = page.is_tiled
    for number in range(across * down * planes):
        offset, size = places[number]
        plane, place = divmod(number, across * down)
        row, column = divmod(place, across)
        rows = height if tiled else min(height, page.height - row * height)
        if offset >= len(data):
            raise UnreadablePhotoError(_CUT_OFF)
        yield _Block(plane, column * width, row * height, width, rows, view[offset : offset + size])


def _samples_of(page: Page, block: _Block) -> Samples:
    kind = _WHOLE_FILES.get(page.compression)
    if kind is not None:
        return _whole_file(block.data, kind)
    samples = 1 if page.planar else page.samples
    if page.photometric == YCBCR and samples == 3 and page.subsampling != (1, 1):
        return _subsampled(page, block)
    row_bytes = -(-block.width * samples * page.bits // 8)
    raw = _decompressed(page, block.data, row_bytes, block.height)
    return _unpacked(page, raw.reshape(block.height, row_bytes), block.width, samples)


def _decompressed(page: Page, data: memoryview, row_bytes: int, rows: int) -> NDArray[np.uint8]:
    """The bytes of a block.

    Raises:
        UnreadablePhotoError: they are fewer than the block has.
    """
    wanted = row_bytes * rows
    if page.reversed_bits:
        data = memoryview(_REVERSED[np.frombuffer(data, np.uint8)].tobytes())
    match page.compression:
        case 1:
            raw = bytes(data[:wanted])
        case 8 | 32946:
            raw = zlib.decompressobj().decompress(data, wanted)
        case 34925:
            raw = lzma.LZMADecompressor(memlimit=_LZMA_MEMORY).decompress(bytes(data), wanted)
        case _:
            raw = _by_libtiff(page.compression, data, row_bytes, rows)
    if len(raw) < wanted:
        raise UnreadablePhotoError(_CUT_OFF)
    return np.frombuffer(raw, np.uint8, wanted)


def _by_libtiff(compression: int, data: memoryview, row_bytes: int, rows: int) -> bytes:
    entries = {
        256: row_bytes, 257: rows, 258: 8, 259: compression, 262: 1, 273: 0, 277: 1, 278: rows,
        279: len(data),
    }  # fmt: skip
    entries[273] = 8 + 2 + 12 * len(entries) + 4
    header = b"II*\0" + struct.pack("<IH", 8, len(entries))
    header += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items()) + bytes(4)
    with Image.open(BytesIO(header + data), formats=["TIFF"]) as image:
        return image.tobytes()


def _whole_file(data: memoryview, kind: str) -> Samples:
    if kind == "JXL":
        try:
            __import__("pillow_jxl")  # registers itself with Pillow
        except ImportError as error:
            raise UnsupportedTiffError("JPEG XL") from error
    with Image.open(BytesIO(data), formats=[kind]) as image:
        if image.mode in {"P", "1"}:
            raise UnsupportedTiffError(f"{kind} {image.mode}")
        pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def as_decoded(page: Page) -> Page:
    """The page with the photometric interpretation that `read_samples` gives.

    Decoders of WebP and JPEG XL answer YCbCr as RGB. What is in the codestream of a JPEG 2000 is told by the
    compression, not by the tag: Aperio (33003) and libvips (33004) write YCbCr where the tag says RGB.
    """
    if page.compression not in _WHOLE_FILES:
        return page
    photometric = RGB if page.photometric == YCBCR else page.photometric
    if page.compression in _JPEG2000_IN_YCBCR and page.samples == 3:
        photometric = YCBCR
    return replace(page, tags={**page.tags, PHOTOMETRIC: (photometric,), YCBCR_SUBSAMPLING: (1, 1)})


def _subsampled(page: Page, block: _Block) -> NDArray[np.uint8]:
    """YCbCr whose colours have fewer samples: units of `across * down` Y, one Cb, one Cr (TIFF 6.0, 21)."""
    across, down = page.subsampling
    if page.bits != 8 or not {across, down} <= {1, 2, 4}:
        raise UnsupportedTiffError("subsampled YCbCr that is not of 8 bits")
    columns, lines = -(-block.width // across), -(-block.height // down)
    unit = across * down + 2
    raw = _decompressed(page, block.data, columns * unit, lines).reshape(lines, columns, unit)
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
