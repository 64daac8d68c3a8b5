"""Photos to measure with: as large as a phone's, all different, made from small ones or from nothing.

A benchmark is given a folder of any photos (`--photos DIR`); 200 of them, of all its subfolders, are scaled
to 12 megapixels, given the noise of a sensor (its variance grows with brightness) and encoded as JPEGs of
2 to 4 MB. Each file has one of these pictures and an EXIF block of its own, which makes its bytes unique.
Without a folder the pictures are drawn. The files are kept outside the repository, so that a second run
starts at once; the same arguments make the same photos.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SCRATCH = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "photo-organizer-benchmarks"
_SHORT_TO_LONG = 3 / 4
_PICTURES = 200
_QUALITY = 92
_NOISE_AT_BLACK, _NOISE_AT_WHITE = 1.5, 6.0  # standard deviation in steps of 256, a phone at ISO 400 or so
_KINDS = {".jpg", ".jpeg", ".png", ".webp"}


def make_photos(
    count: int, source: Path | None = None, megapixels: float = 12.0, scratch: Path = SCRATCH
) -> list[Path]:
    """`count` JPEG files of different bytes; those made by an earlier run are taken again.

    Args:
        count: how many files; a larger number adds to those of a smaller one.
        source: folder (with subfolders) of photos to make them from; drawn when None.
        megapixels: size of each, landscape 4:3.
        scratch: where they are kept; a folder is made in it for each source and size.
    """
    name = "drawn" if source is None else str(source.resolve()).strip("/").replace("/", "-")
    directory = scratch / f"photos-{megapixels:g}MP-{name}"
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"IMG_{number:05}.jpg" for number in range(count)]
    missing = [number for number, path in enumerate(paths) if not path.exists()]
    if missing:
        _make(paths, missing, None if source is None else _spread(source), megapixels)
    return paths


def make_tiny_photos(directory: Path, count: int, per_folder: int = 1000) -> None:
    """`count` different JPEG files of about 1 KB (32 x 32 pixels) in `directory`, in folders.

    One picture is encoded and a comment makes each file its own: what is measured with them is what a photo
    costs apart from its pixels.
    """
    pixels = np.random.default_rng(1).integers(0, 256, (4, 4, 3), np.uint8)
    small = cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_CUBIC)
    jpeg = cv2.imencode(".jpg", small)[1].tobytes()
    for first in range(0, count, per_folder):
        folder = directory / f"{first // per_folder:04}"
        folder.mkdir(parents=True)
        for number in range(first, min(first + per_folder, count)):
            comment = f"photo {number}".encode()
            segment = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
            (folder / f"IMG_{number:06}.jpg").write_bytes(jpeg[:2] + segment + jpeg[2:])


def _make(
    paths: Sequence[Path], missing: Sequence[int], sources: list[Path] | None, megapixels: float
) -> None:
    print(f"making {len(missing)} photos of {megapixels:g} megapixels in {paths[0].parent} ...", flush=True)
    short = round((megapixels * 1e6 * _SHORT_TO_LONG) ** 0.5 / 8) * 8
    size = (round(short / _SHORT_TO_LONG), short)
    noise = _noise(size)
    numbers: dict[int, list[int]] = {}
    for number in missing:
        numbers.setdefault(number % _PICTURES, []).append(number)

    def encode(picture: int) -> bytes:
        random = np.random.default_rng(picture)
        small = _drawn(random) if sources is None else _read(sources[picture % len(sources)])
        pixels = _enlarge(small, size, noise, random)
        return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()

    def make(picture: int) -> None:
        jpeg = encode(picture)
        for number in numbers[picture]:
            unfinished = paths[number].with_suffix(".part")
            unfinished.write_bytes(jpeg[:2] + _exif(number) + jpeg[2:])
            unfinished.replace(paths[number])

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(make, numbers))


def _spread(source: Path) -> list[Path]:
    """The photos below `source`, its subfolders in turn, so that the first few are of every kind."""
    folders: dict[Path, list[Path]] = {}
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() in _KINDS and path.is_file():
            folders.setdefault(path.parent, []).append(path)
    if not folders:
        raise SystemExit(f"{source}: no photos ({', '.join(sorted(_KINDS))}) in it")
    longest = max(map(len, folders.values()))
    columns: Iterator[tuple[Path, ...]] = zip(
        *(islice(cycle(f), longest) for f in folders.values()), strict=True
    )
    return [path for column in columns for path in column]


def _read(path: Path) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SystemExit(f"{path}: not a readable photo")
    return np.asarray(pixels, np.uint8)


def _drawn(random: np.random.Generator) -> NDArray[np.uint8]:
    """Soft shapes and some edges, for lack of a photo."""
    pixels = cv2.resize(
        random.integers(0, 256, (6, 8, 3), np.uint8), (320, 240), interpolation=cv2.INTER_CUBIC
    )
    for _ in range(12):
        x, y, radius = (int(value) for value in random.integers((0, 0, 5), (320, 240, 50)))
        colour = tuple(int(value) for value in random.integers(0, 256, 3))
        cv2.circle(pixels, (x, y), radius, colour, thickness=-1, lineType=cv2.LINE_AA)
    return np.asarray(pixels, np.uint8)


def _noise(size: tuple[int, int]) -> NDArray[np.float32]:
    """Noise of deviation 1, a little blurred as a camera's is; larger than a photo, so that parts differ."""
    width, height = size
    field = np.random.default_rng(0).standard_normal((height + 256, width + 256, 3), np.float32)
    field = cv2.GaussianBlur(field, (3, 3), 0.6)
    return np.asarray(field / field.std(), np.float32)


def _enlarge(
    small: NDArray[np.uint8], size: tuple[int, int], noise: NDArray[np.float32], random: np.random.Generator
) -> NDArray[np.uint8]:
    """(height, width, 3) in the given size, landscape, with noise."""
    width, height = size
    top, left = (int(value) for value in random.integers(0, 256, 2))
    large = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
    levels = np.arange(256, dtype=np.float32)
    slope = (_NOISE_AT_WHITE**2 - _NOISE_AT_BLACK**2) / 255
    deviation = np.sqrt(_NOISE_AT_BLACK**2 + slope * levels)
    amount = cv2.LUT(large, deviation.astype(np.float32))
    cv2.multiply(amount, noise[top : top + height, left : left + width], dst=amount)
    return np.asarray(cv2.add(large, amount, dtype=cv2.CV_8U), np.uint8)


def _exif(number: int) -> bytes:
    """An APP1 segment with camera and date; the date, a minute later each, makes the bytes unique."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Benchmark", "Camera One", 1
    day, minute = divmod(number, 24 * 60)
    moment = f"2026:{1 + day // 28 % 12:02}:{1 + day % 28:02} {minute // 60:02}:{minute % 60:02}:00"
    exif.get_ifd(0x8769)[0x9003] = moment
    block = exif.tobytes()
    return b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
