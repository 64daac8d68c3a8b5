"""Pictures for decoding tests, drawn here: a scene whose corners can be told apart, saved in any way."""

from __future__ import annotations

import io
import struct
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from PIL import Image

TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT, BOTTOM_RIGHT = (220, 40, 40), (40, 200, 60), (50, 60, 210), (230, 220, 70)
"""Red, green, blue of the quarters: red, green / blue, yellow."""
QUARTERS = (TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT, BOTTOM_RIGHT)


def scene(width: int = 120, height: int = 80) -> Image.Image:
    """Four quarters in colours of their own."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = TOP_LEFT
    pixels[: height // 2, width // 2 :] = TOP_RIGHT
    pixels[height // 2 :, : width // 2] = BOTTOM_LEFT
    pixels[height // 2 :, width // 2 :] = BOTTOM_RIGHT
    return Image.fromarray(pixels)


def noisy(width: int, height: int, seed: int = 0) -> Image.Image:
    """Something like a photo: smooth shapes, fine structure and sensor noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [np.sin(x / width * random.uniform(3, 25) + y / height * random.uniform(3, 25)) for _ in range(6)]
    layers = np.stack([sum(waves[k::3]) for k in range(3)], axis=-1)
    pixels = 128 + 40 * layers + random.normal(0, 6, layers.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a file of this kind ("JPEG", "PNG", ...)."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def quarters_of(pixels: NDArray[np.uint8]) -> list[tuple[int, int, int]]:
    """Red, green, blue in the middle of each quarter of a decoded square."""
    size = len(pixels)
    near, far = size // 4, 3 * size // 4
    places = ((near, near), (near, far), (far, near), (far, far))
    return [(int(pixels[y, x, 2]), int(pixels[y, x, 1]), int(pixels[y, x, 0])) for y, x in places]


def far_from(found: list[tuple[int, int, int]], wanted: tuple[tuple[int, int, int], ...] = QUARTERS) -> int:
    """The largest difference of any channel."""
    return max(
        abs(a - b) for one, other in zip(found, wanted, strict=True) for a, b in zip(one, other, strict=True)
    )


def with_exif(*, orientation: int | None = None, taken: str = "", make: str = "", model: str = "") -> bytes:
    """An EXIF block."""
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    if make:
        exif[0x010F] = make
    if model:
        exif[0x0110] = model
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    return exif.tobytes()


def stored_for(image: Image.Image, orientation: int) -> Image.Image:
    """The image as a camera stores it that notes this orientation."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return image.transpose(undo[orientation]) if orientation in undo else image


def wide_gamut_profile() -> bytes:
    """A minimal ICC profile with the primaries of Display P3 and a gamma of 2.2 (ICC.1:2010, version 2)."""
    columns = {
        b"rXYZ": (0.5151, 0.2412, -0.0011),
        b"gXYZ": (0.2919, 0.6922, 0.0419),
        b"bXYZ": (0.1572, 0.0666, 0.7841),
    }

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(
            struct.pack(">i", round(Fraction(value) * 65536)) for value in values
        )

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 11) + b"Wide gamut\0" + bytes(78)
    name += bytes(-len(name) % 4)
    tags = {
        b"desc": name,
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        **{tag: xyz(values) for tag, values in columns.items()},
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for tag, value in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(value))
        body += value
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += struct.pack(">iii", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def tiff_file(tags: dict[int, tuple[int, list[int]]], data: bytes = b"", *, next_directory: int = 0) -> bytes:
    """A little-endian TIFF of one directory: tag -> (1 or 2 bytes, 3 shorts, 4 longs; values), then `data`.

    A value of -1 stands for the place of `data`.
    """
    count = len(tags)
    place = 8 + 2 + 12 * count + 4
    extra = b""
    entries = b""
    sizes = {1: "B", 3: "H", 4: "I", 2: "B"}
    blobs: list[tuple[int, bytes]] = []
    for tag, (kind, values) in sorted(tags.items()):
        raw = b"".join(struct.pack("<" + sizes[kind], value) for value in values if value >= 0)
        if values == [-1]:
            raw = b"DATA"
        blobs.append((tag, raw))
    for (tag, raw), (kind, values) in zip(blobs, (tags[tag] for tag in sorted(tags)), strict=True):
        entries += struct.pack("<HHI", tag, kind, len(values))
        if len(raw) <= 4:
            entries += raw.ljust(4, b"\0")
        else:
            entries += struct.pack("<I", place + len(extra))
            extra += raw + b"\0" * (len(raw) % 2)
    entries = entries.replace(b"DATA", struct.pack("<I", place + len(extra)))
    return (
        b"II*\0" + struct.pack("<IH", 8, count) + entries + struct.pack("<I", next_directory) + extra + data
    )


def raw_file(preview: bytes = b"", *, side: int = 128, orientation: int = 1, exposed: bool = True) -> bytes:
    """A DNG with a Bayer mosaic (red, green / green, blue) of the scene, and a JPEG where cameras put it.

    The sensor's data comes first, the preview is what the second directory points to.
    """
    width, height = side, 3 * side // 4
    pixels = np.asarray(scene(width, height)).astype(np.float32) / 255
    linear = (pixels**2.2 * 60000).astype(np.uint16)
    mosaic = linear[..., 1].copy()
    mosaic[0::2, 0::2] = linear[0::2, 0::2, 0]
    mosaic[1::2, 1::2] = linear[1::2, 1::2, 2]
    data = (mosaic * exposed).astype("<u2").tobytes()
    tags = {
        254: (4, [0]), 256: (4, [width]), 257: (4, [height]), 258: (3, [16]), 259: (3, [1]),
        262: (3, [32803]), 271: (2, [*b"Maker\0"]), 272: (2, [*b"Camera\0"]), 273: (4, [-1]),
        274: (3, [orientation]), 277: (3, [1]), 278: (4, [height]), 279: (4, [len(data)]),
        33421: (3, [2, 2]), 33422: (1, [0, 1, 1, 2]), 50706: (1, [1, 4, 0, 0]), 50708: (2, [*b"Camera\0"]),
        50717: (4, [60000]),
    }  # fmt: skip
    if not preview:
        return tiff_file(tags, data)
    end = len(tiff_file(tags, data))
    entries = {254: 1, 259: 6, 513: end + 2 + 4 * 12 + 4, 514: len(preview)}
    second = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items())
    return (
        tiff_file(tags, data, next_directory=end)
        + struct.pack("<H", len(entries))
        + second
        + bytes(4)
        + preview
    )
