"""Writes TIFFs for tests: any depth, layout and compression, whatever a library has a mode for."""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
NONE, LZW, JPEG, DEFLATE, PACKBITS, ADOBE_DEFLATE, LZMA, ZSTD = 1, 5, 7, 32946, 32773, 8, 34925, 50000
_BY_PILLOW = {LZW: "tiff_lzw", PACKBITS: "packbits", ZSTD: "zstd"}
_LETTERS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 11: "f", 16: "Q"}


@dataclass(frozen=True)
class Layout:
    """How a TIFF is laid out. `tags` are added, (type, values) each; `tile` is (width, height)."""

    bits: int = 8
    sample_format: int = UNSIGNED
    photometric: int = 2
    planar: bool = False
    compression: int = NONE
    predictor: int = 1
    order: str = "<"
    big: bool = False
    tile: tuple[int, int] | None = None
    rows: int = 16
    reversed_bits: bool = False
    extra: tuple[int, ...] = ()
    without_sizes: bool = False
    tags: dict[int, tuple[int, list[int]]] = field(default_factory=dict)


def write_tiff(samples: NDArray[np.generic], layout: Layout) -> bytes:
    """A TIFF of `samples` (height, width, channels): codes of `layout.bits` bits, or floating point."""
    height, width, channels = samples.shape
    planes = [samples[..., [k]] for k in range(channels)] if layout.planar else [samples]
    blocks = [_compressed(block, layout) for plane in planes for block in _cut(plane, layout)]
    return write_blocks(blocks, (width, height, channels), layout)


def write_blocks(blocks: list[bytes], size: tuple[int, int, int], layout: Layout) -> bytes:
    """A TIFF of strips or tiles that are compressed already; `size` is (width, height, channels)."""
    width, height, channels = size
    tags: dict[int, tuple[int, list[int]]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [layout.bits] * channels),
        259: (3, [layout.compression]),
        262: (3, [layout.photometric]),
        266: (3, [2 if layout.reversed_bits else 1]),
        277: (3, [channels]),
        284: (3, [2 if layout.planar else 1]),
        317: (3, [layout.predictor]),
        339: (3, [layout.sample_format] * channels),
    }
    if layout.extra:
        tags[338] = (3, list(layout.extra))
    places, sizes = (324, 325) if layout.tile else (273, 279)
    if layout.tile:
        tags[322], tags[323] = (4, [layout.tile[0]]), (4, [layout.tile[1]])
    else:
        tags[278] = (4, [layout.rows])
    tags[places] = (16 if layout.big else 4, [0] * len(blocks))
    if not layout.without_sizes:
        tags[sizes] = (4, [len(block) for block in blocks])
    tags |= layout.tags
    start = len(_directory(tags, layout))
    offsets = [start + sum(map(len, blocks[:number])) for number in range(len(blocks))]
    tags[places] = (tags[places][0], offsets)
    return _directory(tags, layout) + b"".join(blocks)


def _directory(tags: dict[int, tuple[int, list[int]]], layout: Layout) -> bytes:
    order, big = layout.order, layout.big
    mark = b"II" if order == "<" else b"MM"
    head = mark + (struct.pack(order + "HHHQ", 43, 8, 0, 16) if big else struct.pack(order + "HI", 42, 8))
    room = 8 if big else 4
    at = len(head) + (8 if big else 2) + (20 if big else 12) * len(tags) + room
    entries, extra = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        raw = struct.pack(f"{order}{len(values)}{_LETTERS[kind]}", *values)
        count = len(values) // 2 if kind == 5 else len(values)
        entries += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, count)
        if len(raw) <= room:
            entries += raw.ljust(room, b"\0")
        else:
            entries += struct.pack(order + ("Q" if big else "I"), at + len(extra))
            extra += raw + bytes(len(raw) % 2)
    return head + struct.pack(order + ("Q" if big else "H"), len(tags)) + entries + bytes(room) + extra


def _cut(plane: NDArray[np.generic], layout: Layout) -> list[NDArray[np.generic]]:
    height, width = plane.shape[:2]
    if layout.tile is None:
        return [plane[top : top + layout.rows] for top in range(0, height, layout.rows)]
    across, down = layout.tile
    whole = np.pad(plane, ((0, -height % down), (0, -width % across), (0, 0)))
    return [
        whole[top : top + down, left : left + across]
        for top in range(0, height, down)
        for left in range(0, width, across)
    ]


def _compressed(block: NDArray[np.generic], layout: Layout) -> bytes:
    rows = _packed(block, layout)
    data = compress(rows, layout.compression)
    if layout.reversed_bits:
        bits = np.unpackbits(np.frombuffer(data, np.uint8)).reshape(-1, 8)[:, ::-1]
        data = np.packbits(bits).tobytes()
    return data


def compress(rows: NDArray[np.uint8], compression: int) -> bytes:
    """Rows of bytes as a strip."""
    raw = rows.tobytes()
    if compression in {DEFLATE, ADOBE_DEFLATE}:
        return zlib.compress(raw)
    if compression == LZMA:
        return lzma.compress(raw, check=lzma.CHECK_NONE)
    if compression in _BY_PILLOW:
        file = io.BytesIO()
        Image.fromarray(rows).save(file, "TIFF", compression=_BY_PILLOW[compression])
        return strips_of(file.getvalue())[0]
    return raw


def strips_of(file: bytes) -> list[bytes]:
    """The strips of a TIFF that Pillow wrote."""
    with Image.open(io.BytesIO(file)) as image:
        assert isinstance(image, TiffImagePlugin.TiffImageFile)
        places = zip(image.tag_v2[273], image.tag_v2[279], strict=True)
        return [file[offset : offset + size] for offset, size in places]


def _packed(block: NDArray[np.generic], layout: Layout) -> NDArray[np.uint8]:
    rows, width, channels = block.shape
    bits, size = layout.bits, layout.bits // 8
    if layout.sample_format == FLOAT:
        if bits == 24:
            values = _float24(block).astype(layout.order + "u4").view(np.uint8).reshape(rows, -1, 4)
            return np.ascontiguousarray(values[..., :3] if layout.order == "<" else values[..., 1:]).reshape(
                rows, -1
            )
        if layout.predictor == 3:
            shuffled = block.astype(f">f{size}").view(np.uint8).reshape(rows, -1, size).transpose(0, 2, 1)
            flat = np.ascontiguousarray(shuffled).reshape(rows, -1, channels)
            return np.diff(flat, axis=1, prepend=np.uint8(0)).reshape(rows, -1)
        return block.astype(f"{layout.order}f{size}").reshape(rows, -1).view(np.uint8)
    if bits in {8, 16, 32, 64}:
        codes = block.astype(f"u{size}")
        if layout.predictor == 2:
            codes = np.diff(codes, axis=1, prepend=codes.dtype.type(0))
        return codes.astype(f"{layout.order}u{size}").reshape(rows, -1).view(np.uint8)
    shifts = np.arange(bits - 1, -1, -1, dtype=np.uint64)
    every = (block.astype(np.uint64).reshape(rows, width * channels, 1) >> shifts) & np.uint64(1)
    return np.packbits(every.astype(np.uint8).reshape(rows, -1), axis=1)


def _float24(block: NDArray[np.generic]) -> NDArray[np.uint32]:
    fraction, exponent = np.frexp(block.astype(np.float64))
    code = ((exponent + 62).astype(np.uint32) << 16) | ((2 * fraction - 1) * 65536).astype(np.uint32)
    return np.where(block > 0, code, 0).astype(np.uint32)
