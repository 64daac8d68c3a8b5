"""The strips and tiles of a TIFF page, and their bytes as they were before compression.

libtiff decompresses what the standard library does not, asked through Pillow: each strip or tile is given to
it as a grey picture whose pixels are the bytes. So nothing depends on which kinds of pixels Pillow has a mode
for. JPEG 2000, WebP and JPEG XL inside a TIFF are whole files of those formats.

`tifffile` with `imagecodecs` (looked at in November 2026) reads more compressions, at 80 MB of decoders; what
they would add here is LERC, which cameras and scanners do not write.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photo_organizer.vision.decode.tiff.tiff_directory import Page
from photo_organizer.vision.outcome import UnreadablePhotoError

NONE, LZW, DEFLATE, LZMA, PACKBITS, ZSTD = 1, 5, 8, 34925, 32773, 50000
_DEFLATE_TOO = 32946
_BY_LIBTIFF = frozenset({LZW, PACKBITS, ZSTD})
BY_BYTES = frozenset({NONE, DEFLATE, _DEFLATE_TOO, LZMA}) | _BY_LIBTIFF
YCBCR = 6
WHOLE_FILES = {
    33003: "JPEG2000", 33004: "JPEG2000", 33005: "JPEG2000", 34712: "JPEG2000",
    50001: "WEBP", 50002: "JXL", 52546: "JXL",
}  # fmt: skip
_REVERSED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]
_LZMA_MEMORY = 256_000_000
_LARGEST_BLOCK = 1 << 22
_BYTES_AT_ONCE = 1 << 20
CUT_OFF = "the file ends before the picture does, a part of it is missing"


class UnsupportedTiffError(Exception):
    """The page is of a kind that is not read here; another decoder may be asked."""


@dataclass(frozen=True, slots=True)
class Block:
    """A strip or tile: where it stands in the picture, its extent, and its bytes in the file."""

    plane: int
    left: int
    top: int
    width: int
    height: int
    data: memoryview


def blocks_of(page: Page, data: bytes) -> Iterator[Block]:
    """The strips or tiles of a page.

    Raises:
        UnreadablePhotoError: some are missing, or they are far larger than the page.
    """
    width, height = page.block_size
    largest = max(_LARGEST_BLOCK, 4 * page.width * page.height)
    if width < 1 or height < 1 or width * height > largest:
        raise UnreadablePhotoError("the TIFF header is damaged")
    across, down = -(-page.width // width), -(-page.height // height)
    planes = page.samples if page.planar else 1
    places = page.blocks(len(data))
    if len(places) < across * down * planes:
        raise UnreadablePhotoError(CUT_OFF)
    view = memoryview(data)
    tiled = page.is_tiled
    for number in range(across * down * planes):
        offset, size = places[number]
        plane, place = divmod(number, across * down)
        row, column = divmod(place, across)
        rows = height if tiled else min(height, page.height - row * height)
        if offset >= len(data):
            raise UnreadablePhotoError(CUT_OFF)
        yield Block(plane, column * width, row * height, width, rows, view[offset : offset + size])


def decompressed(page: Page, blocks: Iterable[Block]) -> Iterator[tuple[Block, NDArray[np.uint8]]]:
    """Yield each block with its bytes, uint8 (lines, bytes a line).

    What libtiff decompresses is given to it many blocks at a time: opening a file costs as much as
    decompressing 30 kB, and scanners write one row a strip.

    Raises:
        UnreadablePhotoError: they are fewer than the block has.
    """
    if page.compression not in _BY_LIBTIFF:
        for block in blocks:
            yield block, _decompressed_here(page, block)
        return
    for batch in _batches(page, blocks):
        row_bytes, lines = extent_in_bytes(page, batch[0])
        strips = [_in_bit_order(page, block.data) for block in batch]
        raw = decompressed_by_libtiff(page.compression, strips, row_bytes, lines)
        if len(raw) < len(batch) * lines * row_bytes:
            raise UnreadablePhotoError(CUT_OFF)
        whole = np.frombuffer(raw, np.uint8, len(batch) * lines * row_bytes)
        yield from zip(batch, whole.reshape(len(batch), lines, row_bytes), strict=True)


def extent_in_bytes(page: Page, block: Block) -> tuple[int, int]:
    """Return the bytes a line and the lines of a block; subsampled YCbCr has one line for a row of units."""
    samples = 1 if page.planar else page.samples
    if is_subsampled(page):
        across, down = page.subsampling
        return -(-block.width // across) * (across * down + 2), -(-block.height // down)
    return -(-block.width * samples * page.bits // 8), block.height


def is_subsampled(page: Page) -> bool:
    """Whether the colours of the page's YCbCr have fewer samples than its light.

    Raises:
        UnsupportedTiffError: in a way that is not read here.
    """
    if page.photometric != YCBCR or page.planar or page.samples != 3 or page.subsampling == (1, 1):
        return False
    if page.bits != 8 or not set(page.subsampling) <= {1, 2, 4}:
        raise UnsupportedTiffError("subsampled YCbCr that is not of 8 bits")
    return True


def _batches(page: Page, blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Yield neighbours of the same extent, in lists that decompress to about a megabyte."""
    batch: list[Block] = []
    for block in blocks:
        row_bytes, lines = extent_in_bytes(page, block)
        if batch and (
            extent_in_bytes(page, batch[0]) != (row_bytes, lines)
            or (len(batch) + 1) * row_bytes * lines > _BYTES_AT_ONCE
        ):
            yield batch
            batch = []
        batch.append(block)
    if batch:
        yield batch


def _decompressed_here(page: Page, block: Block) -> NDArray[np.uint8]:
    row_bytes, lines = extent_in_bytes(page, block)
    wanted = row_bytes * lines
    data = _in_bit_order(page, block.data)
    raw: bytes | memoryview
    match page.compression:
        case 1:
            raw = data[:wanted]
        case 34925:
            raw = lzma.LZMADecompressor(memlimit=_LZMA_MEMORY).decompress(bytes(data), wanted)
        case _:
            raw = zlib.decompressobj().decompress(data, wanted)
    if len(raw) < wanted:
        raise UnreadablePhotoError(CUT_OFF)
    return np.frombuffer(raw, np.uint8, wanted).reshape(lines, row_bytes)


def _in_bit_order(page: Page, data: memoryview) -> memoryview:
    return memoryview(_REVERSED[np.frombuffer(data, np.uint8)].tobytes()) if page.reversed_bits else data


def decompressed_by_libtiff(
    compression: int, strips: Sequence[memoryview], row_bytes: int, rows: int
) -> bytes:
    """The bytes of strips of `rows` rows each.

    Raises:
        OSError: they are damaged, or fewer.
    """
    sizes = np.array([len(strip) for strip in strips], "<u4")
    count = len(strips)
    entries = {
        256: row_bytes, 257: rows * count, 258: 8, 259: compression, 262: 1, 273: 0, 277: 1, 278: rows,
        279: 0,
    }  # fmt: skip
    tables = 8 + 2 + 12 * len(entries) + 4
    places = (tables + 8 * count + np.cumsum(sizes) - sizes).astype("<u4")
    lists = {273: (places, tables), 279: (sizes, tables + 4 * count)}
    header = b"II*\0" + struct.pack("<IH", 8, len(entries))
    for tag, value in entries.items():
        values, place = lists.get(tag, (np.array([value], "<u4"), 0))
        header += struct.pack("<HHII", tag, 4, len(values), int(values[0]) if len(values) == 1 else place)
    whole = b"".join((header, bytes(4), places.tobytes(), sizes.tobytes(), *strips))
    with Image.open(BytesIO(whole), formats=["TIFF"]) as image:
        return image.tobytes()


def whole_file(block: Block, kind: str) -> NDArray[Any]:
    """The samples of a block that is a file of the format that Pillow calls `kind`.

    Raises:
        UnsupportedTiffError: it is not what the directory says, or JPEG XL without its plugin.
    """
    if kind == "JXL":
        try:
            __import__("pillow_jxl")  # registers itself with Pillow
        except ImportError as error:
            raise UnsupportedTiffError("JPEG XL") from error
    with Image.open(BytesIO(block.data), formats=[kind]) as image:
        if image.mode in {"P", "1"} or image.width > block.width or image.height > block.height:
            raise UnsupportedTiffError(f"{kind} {image.mode}")
        pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]
