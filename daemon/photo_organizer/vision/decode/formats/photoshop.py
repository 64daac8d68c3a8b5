"""Photoshop documents (PSD and PSB): the merged picture of any depth and mode. No layer is looked at.

Source: Adobe Photoshop File Formats Specification (2019).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photo_organizer.vision.decode.colour.conversion import to_srgb
from photo_organizer.vision.decode.colour.depth import finite
from photo_organizer.vision.decode.colour.hdr import light_to_srgb
from photo_organizer.vision.decode.exif import read_exif
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.decode.tiff.tiff_blocks import CUT_OFF, PACKBITS, decompressed_by_libtiff
from photo_organizer.vision.outcome import DecoderRefusedError, UnreadablePhotoError

_HEADER = struct.Struct(">4sH6xHIIHH")
_LARGE_DOCUMENT = 2
_BITMAP, _GREY, _INDEXED, _RGB, _CMYK, _MULTICHANNEL, _DUOTONE, _LAB = 0, 1, 2, 3, 4, 7, 8, 9
_COLOURS = {_BITMAP: 1, _GREY: 1, _INDEXED: 1, _RGB: 3, _CMYK: 4, _MULTICHANNEL: 1, _DUOTONE: 1, _LAB: 3}
_RAW, _PACKED, _ZIPPED, _ZIPPED_DIFFERENCES = range(4)
_PROFILE, _EXIF, _XMP = 1039, 1058, 1060
_MOST_RESOURCES = 2000
_BYTES_A_SAMPLE = 8.0
"""The samples as they are in the file, decompressed, of 8 bits, and what is made of these."""


@dataclass(frozen=True, slots=True)
class _Document:
    """What stands before the merged picture. `pixels`: where that begins.

    `is_transparent`: whether the first channel beyond the colours is the opacity of the merged picture. Other
    channels are saved selections.
    """

    is_large: bool
    channels: int
    width: int
    height: int
    depth: int
    mode: int
    palette: bytes
    resources: dict[int, bytes]
    is_transparent: bool
    pixels: int

    @property
    def colours(self) -> int:
        """Channels that make a colour; those of a multichannel document are inks."""
        if self.mode == _MULTICHANNEL:
            return min(4, self.channels) if self.channels >= 3 else 1
        return _COLOURS[self.mode]


def decode_photoshop(task: Task) -> Picture:
    """The merged picture of a document.

    Raises:
        UnreadablePhotoError: damaged, incomplete, too large, or of a kind that is not known.
    """
    try:
        document = _read(task.data)
    except struct.error as error:
        raise UnreadablePhotoError(CUT_OFF) from error
    task.check_size(document.width, document.height)
    wanted = document.colours + (1 if _has_opacity(document) else 0)
    size = document.width * document.height * max(1, document.depth // 8)
    task.reserve(_BYTES_A_SAMPLE * size * wanted)
    planes = _planes(task.data, document, wanted)
    eight = np.stack([_eight_bits(plane, document) for plane in planes], axis=-1)
    pixels, profile = _blue_first(document, eight[..., : document.colours])
    if wanted > document.colours:
        pixels = _on_white(pixels, eight[..., -1:])
    resources = document.resources
    exif = read_exif(resources.get(_EXIF), resources.get(_XMP, b""))
    return Picture(pixels, document.width, document.height, "photoshop", exif, profile)


def _read(data: bytes) -> _Document:
    signature, version, channels, height, width, depth, mode = _HEADER.unpack_from(data)
    if signature != b"8BPS" or version not in {1, _LARGE_DOCUMENT}:
        raise DecoderRefusedError("the PSD header is damaged")
    if mode not in _COLOURS or depth not in {1, 8, 16, 32} or channels < _COLOURS[mode]:
        raise DecoderRefusedError(f"a PSD of mode {mode} with {channels} channels of {depth} bits")
    is_large = version == _LARGE_DOCUMENT
    palette, at = _section(data, _HEADER.size, wide=False)
    resources, at = _section(data, at, wide=False)
    layers, at = _section(data, at, wide=is_large)
    layer_info = layers[8 if is_large else 4 :][:2]
    is_transparent = len(layer_info) == 2 and int.from_bytes(layer_info, signed=True) < 0
    return _Document(
        is_large, channels, width, height, depth, mode, palette, _resources(resources), is_transparent, at
    )


def _section(data: bytes, at: int, *, wide: bool) -> tuple[bytes, int]:
    """A section's first bytes, all of them unless it is the one of the layers, and where the next begins."""
    (length,) = struct.unpack_from(">Q" if wide else ">I", data, at)
    start = at + (8 if wide else 4)
    if start + length > len(data):
        raise UnreadablePhotoError(CUT_OFF)
    return data[start : start + length], start + length


def _resources(section: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    for _ in range(_MOST_RESOURCES):
        if section[at : at + 4] != b"8BIM" or at + 12 > len(section):
            break
        number = int.from_bytes(section[at + 4 : at + 6])
        at += 6 + (section[at + 6] + 2) // 2 * 2  # after its name, padded to an even length
        length = int.from_bytes(section[at : at + 4])
        if number in {_PROFILE, _EXIF, _XMP}:
            found[number] = section[at + 4 : at + 4 + length]
        at += 4 + length + length % 2
    return found


def _has_opacity(document: _Document) -> bool:
    return document.is_transparent and document.channels > document.colours and document.depth > 1


def _planes(data: bytes, document: _Document, wanted: int) -> list[NDArray[np.uint8]]:
    """The bytes of the first channels, each (height, bytes a row)."""
    row = -(-document.width * document.depth // 8)
    height, plane = document.height, document.height * row
    (compression,) = struct.unpack_from(">H", data, document.pixels)
    start = document.pixels + 2
    match compression:
        case 0:
            raw = data[start : start + wanted * plane]
        case 1:
            raw = _unpacked(data, start, document, wanted, row)
        case 2 | 3:
            try:
                raw = zlib.decompressobj().decompress(memoryview(data)[start:], wanted * plane)
            except zlib.error as error:
                raise UnreadablePhotoError(f"the PSD cannot be decoded ({error})") from error
        case _:
            raise DecoderRefusedError(f"a PSD of compression {compression}")
    if len(raw) < wanted * plane:
        raise UnreadablePhotoError(CUT_OFF)
    planes = list(np.frombuffer(raw, np.uint8, wanted * plane).reshape(wanted, height, row))
    if compression == _ZIPPED_DIFFERENCES:
        planes = [_summed(plane, document.depth) for plane in planes]
    return planes


def _unpacked(data: bytes, start: int, document: _Document, wanted: int, row: int) -> bytes:
    """The rows of the first channels, each packed on its own; first stand the lengths of all rows."""
    rows = document.height * document.channels
    kind = ">u4" if document.is_large else ">u2"
    table = rows * np.dtype(kind).itemsize
    if start + table > len(data):
        raise UnreadablePhotoError(CUT_OFF)
    lengths = np.frombuffer(data, kind, rows, start)[: document.height * wanted]
    ends = start + table + np.cumsum(lengths, dtype=np.int64)
    if not len(ends) or ends[-1] > len(data):
        raise UnreadablePhotoError(CUT_OFF)
    view = memoryview(data)
    strips = [view[end - length : end] for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)]
    try:
        return decompressed_by_libtiff(PACKBITS, strips, row, 1)
    except OSError as error:
        raise UnreadablePhotoError(f"the PSD cannot be decoded ({error})") from error


def _summed(plane: NDArray[np.uint8], depth: int) -> NDArray[np.uint8]:
    """Samples from the differences between neighbours; 32 bits are split into their bytes first."""
    if depth == 16:
        return np.cumsum(plane.view(">u2"), axis=1, dtype=np.uint16).astype(">u2").view(np.uint8)
    summed = np.cumsum(plane, axis=1, dtype=np.uint8)
    if depth != 32:
        return summed
    return np.ascontiguousarray(summed.reshape(len(plane), 4, -1).transpose(0, 2, 1)).reshape(plane.shape)


def _eight_bits(plane: NDArray[np.uint8], document: _Document) -> NDArray[np.uint8]:
    match document.depth:
        case 1:
            return np.unpackbits(plane, axis=1, count=document.width) * np.uint8(255)
        case 8:
            return plane
        case 16:
            return ((plane.view(">u2").astype(np.uint32) + 128) // 257).astype(np.uint8)
    light = finite(plane.view(">f4"))  # a document of 32 bits holds light, of which 1 is white
    return np.round(light_to_srgb(np.clip(light, 0, 1)) * 255).astype(np.uint8)


def _blue_first(document: _Document, samples: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bytes]:
    """The colours as blue-first pixels, and the profile that is still to be applied."""
    profile = document.resources.get(_PROFILE, b"") if document.depth < 32 else b""
    match document.mode:
        case 4 | 7 if document.colours >= 3:
            return _from_inks(document, samples, profile), b""
        case 9:
            lab = np.ascontiguousarray(samples.astype(np.float32))
            lab = lab * np.array([100 / 255, 1, 1], np.float32) - np.array([0, 128, 128], np.float32)
            light = cv2.cvtColor(lab, cv2.COLOR_Lab2BGR)
            return (np.clip(light, 0, 1) * 255 + 0.5).astype(np.uint8), b""
        case 3:
            return np.ascontiguousarray(samples[..., ::-1]), profile
        case 2:
            return _looked_up(document.palette, samples[..., 0]), profile
        case 0:  # 1 is black
            samples = 255 - samples
    return samples.repeat(3, axis=-1), profile


def _from_inks(document: _Document, samples: NDArray[np.uint8], profile: bytes) -> NDArray[np.uint8]:
    """Cyan, magenta, yellow and, where it is there, black, which are stored from full to none."""
    inks = np.zeros((document.height, document.width, 4), np.uint8)
    inks[..., : samples.shape[2]] = 255 - samples
    return to_srgb(Image.frombytes("CMYK", (document.width, document.height), inks.tobytes()), profile)


def _looked_up(palette: bytes, indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if len(palette) < 768:
        raise DecoderRefusedError("a PSD without its palette")
    return np.ascontiguousarray(np.frombuffer(palette, np.uint8, 768).reshape(3, 256)[::-1].T)[indices]


def _on_white(pixels: NDArray[np.uint8], opacity: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture over white. Photoshop has laid it over white already; other programs have not.

    What lies over white is nowhere darker than the white that shines through.
    """
    shines_through = 255 - opacity.astype(np.int16)
    if (pixels >= shines_through - 2).all():
        return pixels
    share = opacity.astype(np.float32) / 255
    return (pixels * share + 255 * (1 - share) + 0.5).astype(np.uint8)
