"""The kinds of PCX and Targa, written here: Pillow writes the ordinary ones alone."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from support.pictures.kinds import HEIGHT, WIDTH, Kind, codes, eight, grey, on_white, opacity, photo, rounded


def old_kinds() -> Iterator[Kind]:
    """All of them."""
    yield from _pcx_kinds()
    yield from _targa_kinds()


def _pcx_kinds() -> Iterator[Kind]:
    palette = np.arange(16, dtype=np.uint8)[::-1] * 17
    four = eight(rounded(grey(), 4))[..., 0] // 17
    two = eight(rounded(grey(), 2))[..., 0] // 85
    table = palette[:, None].repeat(3, axis=1)
    yield Kind("pcx of 4 bits", lambda: _pcx([15 - four], 4, table), lambda: rounded(grey(), 4))
    yield Kind(
        "pcx of 2 bits", lambda: _pcx([3 - two], 2, (table[12:] // 17 * 85)), lambda: rounded(grey(), 2)
    )
    planes = [(15 - four) >> plane & 1 for plane in range(4)]
    yield Kind("pcx of 4 planes", lambda: _pcx(planes, 1, table), lambda: rounded(grey(), 4))
    rgba = np.concatenate([photo(), opacity()], axis=-1)
    colours = [eight(rgba)[..., channel] for channel in range(4)]
    seen = on_white(photo(), opacity())
    yield Kind("pcx with alpha", lambda: _pcx(colours, 8, table), lambda: seen)
    yield Kind("pcx with runs beyond its rows", lambda: _pcx(colours[:3], 8, table, across=True), photo)


def _pcx(planes: list[np.ndarray], bits: int, palette: np.ndarray, *, across: bool = False) -> bytes:
    """Packed row by row, or with runs `across` rows (ZSoft PCX File Format Technical Reference Manual)."""
    places = np.arange(bits)[::-1].astype(np.uint8)
    packed = [np.packbits(plane.astype(np.uint8)[..., None] >> places & 1, axis=None) for plane in planes]
    rows = np.stack([plane.reshape(HEIGHT, -1) for plane in packed], axis=1)
    head = struct.pack("<4B6H", 10, 5, 1, bits, 0, 0, WIDTH - 1, HEIGHT - 1, 72, 72)
    head += palette.astype(np.uint8).tobytes().ljust(48, b"\0") + struct.pack(
        "<xBHH", len(planes), rows.shape[2], 1
    )
    lines = [rows.tobytes()] if across else [row.tobytes() for row in rows.reshape(-1, rows.shape[2])]
    return head.ljust(128, b"\0") + b"".join(map(_runs, lines))


def _runs(row: bytes) -> bytes:
    parts, at = [], 0
    while at < len(row):
        run = len(row[at : at + 63]) - len(row[at : at + 63].lstrip(row[at : at + 1]))
        parts.append(bytes([0xC0 | run]) + row[at : at + 1])
        at += run
    return b"".join(parts)


def _targa_kinds() -> Iterator[Kind]:
    fives = codes(photo(), 5).astype(np.uint16)
    words = (fives[..., 0] << 10 | fives[..., 1] << 5 | fives[..., 2]).astype("<u2")
    for flags, stored in {
        0x00: words[::-1],
        0x10: words[::-1, ::-1],
        0x20: words,
        0x30: words[:, ::-1],
    }.items():
        name = f"tga with runs beyond its rows, flags {flags:02x}"
        yield Kind(name, lambda s=stored, f=flags: _targa(s, f), lambda: rounded(photo(), 5))
    entries = np.arange(32, dtype="<u2")
    palette = (entries << 10 | entries << 5 | entries).astype("<u2").tobytes()
    indices = codes(grey(), 5)[::-1].astype(np.uint8).tobytes()
    head = struct.pack("<BBBHHBHHHHBB", 0, 1, 1, 0, 32, 15, 0, 0, WIDTH, HEIGHT, 8, 0)
    yield Kind("tga with a palette of 15 bits", lambda: head + palette + indices, lambda: rounded(grey(), 5))


def _targa(words: np.ndarray, flags: int) -> bytes:
    """A Targa of 15 bits a pixel, its packets as long as they can be (Truevision TGA, 2.0)."""
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 10, 0, 0, 0, 0, 0, WIDTH, HEIGHT, 16, flags)
    pixels = words.reshape(-1)
    parts, at = [head], 0
    while at < len(pixels):
        rest = pixels[at : at + 128]
        run = int(np.argmax(rest != rest[0])) or len(rest)
        parts.append(bytes([0x80 | run - 1]) + rest[:1].tobytes())
        at += run
    return b"".join(parts)
