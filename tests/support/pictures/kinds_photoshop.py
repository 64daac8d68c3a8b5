"""The kinds of Photoshop documents, written here: nothing that is installed writes them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image

from support.pictures.drawn import stored_for, with_exif
from support.pictures.kinds import (
    Kind,
    Shares,
    codes,
    eight,
    grey,
    inks,
    light,
    on_white,
    opacity,
    photo,
    rounded,
)

BITMAP, GREY, INDEXED, RGB, CMYK, MULTICHANNEL, LAB = 0, 1, 2, 3, 4, 7, 9
RAW, PACKED, ZIPPED, DIFFERENCES = range(4)


@dataclass(frozen=True)
class Document:
    """How a document is written; `layers` is what its count of layers says, negative for transparency."""

    mode: int = RGB
    depth: int = 8
    compression: int = RAW
    large: bool = False
    palette: bytes = b""
    resources: bytes = b""
    layers: int = 0


def photoshop_kinds() -> Iterator[Kind]:
    """All of them."""
    for compression, name in enumerate(("raw", "packed", "zipped", "differences")):
        for depth in (8, 16, 32):
            document = Document(depth=depth, compression=compression)
            yield Kind(f"psd {depth} bits {name}", lambda d=document: _of(photo(), d), photo)
    for depth in (8, 16, 32):
        document = Document(depth=depth, compression=PACKED, large=True)
        yield Kind(f"psb {depth} bits", lambda d=document: _of(photo(), d), photo)
        yield Kind(f"psd grey {depth} bits", lambda d=depth: _of(grey(), Document(GREY, d)), grey)
    for depth in (8, 16):
        cmyk, several = Document(CMYK, depth), Document(MULTICHANNEL, depth)
        yield Kind(f"psd cmyk {depth} bits", lambda d=cmyk: _of(1 - inks(photo()), d), photo)
        yield Kind(f"psd multichannel {depth} bits", lambda d=several: _of(photo(), d), photo)
        yield Kind(f"psd lab {depth} bits", lambda d=depth: _of(_lab(), Document(LAB, d)), photo, 3)
    yield Kind(
        "psd bitmap", lambda: _of(1 - rounded(grey(), 1), Document(BITMAP, 1)), lambda: rounded(grey(), 1)
    )
    yield Kind("psd with a palette", _indexed, lambda: rounded(grey(), 8))
    yield from _with_alpha()
    for orientation in (3, 6, 8):
        yield Kind(f"psd orientation {orientation}", lambda o=orientation: _turned(o), photo)


def _with_alpha() -> Iterator[Kind]:
    seen = on_white(photo(), opacity())
    unblended = np.concatenate([photo(), opacity()], axis=-1)
    blended = np.concatenate([seen, opacity()], axis=-1)
    with_layers = Document(layers=-1)
    yield Kind("psd with alpha", lambda: _of(unblended, with_layers), lambda: seen)
    yield Kind("psd laid over white by photoshop", lambda: _of(blended, with_layers), lambda: seen)
    yield Kind("psd with a saved selection", lambda: _of(unblended, Document()), photo)


def _of(shares: Shares, document: Document) -> bytes:
    """A document of the merged picture alone (Adobe Photoshop File Formats Specification, 2019)."""
    height, width, channels = shares.shape
    planes = [_plane(shares[..., channel], document.depth) for channel in range(channels)]
    version = 2 if document.large else 1
    head = struct.pack(
        ">4sH6xHIIHH", b"8BPS", version, channels, height, width, document.depth, document.mode
    )
    wide = ">Q" if document.large else ">I"
    layers = struct.pack(wide, 2) + struct.pack(">h", document.layers) if document.layers else b""
    for section, size in ((document.palette, ">I"), (document.resources, ">I"), (layers, wide)):
        head += struct.pack(size, len(section)) + section
    return head + struct.pack(">H", document.compression) + _compressed(planes, document)


def _plane(shares: Shares, depth: int) -> np.ndarray:
    """The bytes of each row."""
    if depth == 1:
        return np.packbits(shares > 0.5, axis=1)
    if depth == 32:
        return light(shares).astype(">f4").view(np.uint8)
    return codes(shares, depth).astype(f">u{depth // 8}").view(np.uint8)


def _compressed(planes: list[np.ndarray], document: Document) -> bytes:
    if document.compression == DIFFERENCES:
        planes = [_differences(plane, document.depth) for plane in planes]
    if document.compression in {ZIPPED, DIFFERENCES}:
        return zlib.compress(b"".join(plane.tobytes() for plane in planes))
    rows = [row.tobytes() for plane in planes for row in plane]
    if document.compression == RAW:
        return b"".join(rows)
    packed = [_packed(row) for row in rows]
    lengths = np.array([len(row) for row in packed], ">u4" if document.large else ">u2")
    return lengths.tobytes() + b"".join(packed)


def _packed(row: bytes) -> bytes:
    """PackBits: a run where a byte stands twice, else literals; a last literal that runs beyond the row."""
    parts, at = [], 0
    while at < len(row):
        run = len(row[at : at + 128]) - len(row[at : at + 128].lstrip(row[at : at + 1]))
        if run > 1:
            parts.append(bytes([257 - run]) + row[at : at + 1])
        else:
            run = min(16, len(row) - at)
            parts.append(bytes([run - 1]) + row[at : at + run])
        at += run
    return b"".join(parts)


def _differences(plane: np.ndarray, depth: int) -> np.ndarray:
    if depth == 16:
        words = plane.view(">u2").astype(np.uint16)
        return np.diff(words, axis=1, prepend=np.uint16(0)).astype(">u2").view(np.uint8)
    if depth == 32:  # the first bytes of all samples of a row, then the second ones ...
        plane = np.ascontiguousarray(plane.reshape(len(plane), -1, 4).transpose(0, 2, 1)).reshape(plane.shape)
    return np.diff(plane, axis=1, prepend=np.uint8(0))


def _lab() -> Shares:
    lab = cv2.cvtColor(photo().astype(np.float32), cv2.COLOR_RGB2Lab).astype(np.float64)
    return ((lab + np.array([0, 128, 128])) / [100, 255, 255]).clip(0, 1)


def _indexed() -> bytes:
    table = np.arange(255, -1, -1, dtype=np.uint8)
    return _of(1 - rounded(grey(), 8), Document(INDEXED, palette=table.tobytes() * 3))


def _turned(orientation: int) -> bytes:
    exif = with_exif(orientation=orientation).removeprefix(b"Exif\0\0")
    resource = b"8BIM" + struct.pack(">H2xI", 1058, len(exif)) + exif + bytes(len(exif) % 2)
    stored = np.asarray(stored_for(Image.fromarray(eight(photo())), orientation)) / 255
    return _of(stored, replace(Document(), resources=resource))
