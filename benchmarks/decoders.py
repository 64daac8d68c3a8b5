"""Is what the organizer sees in a file what other software shows?

Decodes every file of a folder with the organizer's decoder and with the independent ones that are installed
(libvips through `pyvips`, Pillow, OpenCV, ImageMagick's `convert`), squares all to the same size, and lists
the files in which the organizer stands against decoders that agree with each other, or nobody can tell.
`--sheet` draws the former, a row each, the organizer first.

    python benchmarks/decoders.py FOLDER --sheet differences.png

`pip install pyvips` and the package `libvips42` bring libvips; the organizer needs nothing of this. Each
decoder runs in a process of its own, since some of them crash on some of the files that this is for.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageDraw, ImageOps

Pixels = NDArray[np.uint8]
"""Red first, (size, size, 3)."""
_OURS = "organizer"
_LABEL_WIDTH = 360


@dataclass(frozen=True)
class Seen:
    """What a decoder made of a file: its pixels, or why there are none."""

    pixels: Pixels | None
    note: str = ""


def by_organizer(path: Path, size: int) -> Seen:
    """The decoder of this project."""
    from photo_organizer.vision.decode.decoder import decode  # noqa: PLC0415 (in its own process only)

    photo = decode(path.read_bytes(), size)
    return Seen(np.ascontiguousarray(photo.pixels[..., ::-1]), photo.decoder)


def by_libvips(path: Path, size: int) -> Seen:
    """libvips, with its embedded profile, upright, over white."""
    import pyvips  # noqa: PLC0415 (in its own process only, and only where it is installed)

    image = pyvips.Image.new_from_file(str(path))
    if str(image.get("vips-loader")).startswith("magick"):
        raise ValueError("libvips asks ImageMagick, which answers for itself")
    if image.get_typeof("icc-profile-data"):
        try:
            image = image.icc_transform("srgb", embedded=True)
        except pyvips.Error as error:
            warnings.warn(str(error), stacklevel=1)
    image = image.autorot().colourspace("srgb")
    if image.hasalpha():
        image = image.flatten(background=255)
    return Seen(_squared(image.cast("uchar").numpy(), size))


def by_pillow(path: Path, size: int) -> Seen:
    """Pillow, with the profile, upright, over white."""
    with Image.open(path) as opened:
        opened.load()
        profile = opened.info.get("icc_profile")
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I;16"):
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        if image.mode in {"P", "PA", "LA", "RGBA"} or "transparency" in image.info:
            image = image.convert("RGBA")
            white = Image.new("RGBA", image.size, "white")
            white.alpha_composite(image)
            image = white.convert("RGB")
        if profile and image.mode in {"L", "RGB", "CMYK"}:
            image = _to_srgb(image, profile)
        return Seen(_squared(np.asarray(image.convert("RGB")), size))


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # a profile for another kind of samples: ignored, as viewers do
        return image
    return converted if converted is not None else image


def by_opencv(path: Path, size: int) -> Seen:
    """OpenCV, which knows neither profiles nor alpha here."""
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("not decoded")
    return Seen(_squared(pixels[..., ::-1], size))


def by_imagemagick(path: Path, size: int) -> Seen:
    """ImageMagick's `convert`, the first picture of the file."""
    steps = ["-auto-orient", "-background", "white", "-alpha", "remove", "-colorspace", "sRGB", "-depth", "8"]
    command = ["convert", f"{path}[0]", *steps, "-strip", "ppm:-"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if not done.stdout:
        raise ValueError(done.stderr.decode(errors="replace").strip()[:200])
    with Image.open(io.BytesIO(done.stdout)) as image:
        return Seen(_squared(np.asarray(image.convert("RGB")), size))


def _squared(pixels: NDArray[np.uint8], size: int) -> Pixels:
    whole = pixels[..., None] if pixels.ndim == 2 else pixels
    if whole.shape[2] < 3:
        whole = whole[..., :1].repeat(3, axis=-1)
    shrunk = min(size, whole.shape[1]), min(size, whole.shape[0])  # OpenCV averages only where neither grows
    squared = cv2.resize(np.ascontiguousarray(whole[..., :3]), shrunk, interpolation=cv2.INTER_AREA)
    if shrunk != (size, size):
        squared = cv2.resize(squared, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(squared, np.uint8)


READERS: dict[str, Callable[[Path, int], Seen]] = {
    _OURS: by_organizer,
    "libvips": by_libvips,
    "pillow": by_pillow,
    "opencv": by_opencv,
    "imagemagick": by_imagemagick,
}


def installed() -> list[str]:
    """The names of the decoders that can be asked here, the organizer's first."""
    missing = set()
    if find_spec("pyvips") is None:
        missing.add("libvips")
    if shutil.which("convert") is None:
        missing.add("imagemagick")
    return [name for name in READERS if name not in missing]


def read(name: str, path: Path, size: int) -> Seen:
    """What the decoder `name` makes of a file; its errors, of any kind, are what it says."""
    warnings.simplefilter("ignore")
    cv2.utils.logging.setLogLevel(0)
    try:
        return READERS[name](path, size)
    except Exception as error:  # noqa: BLE001 (whatever a foreign decoder raises is its answer)
        return Seen(None, f"{type(error).__name__}: {error}"[:200])


class Readers:
    """A process for each decoder, started anew after it crashed."""

    def __init__(self, names: list[str], size: int) -> None:
        self._size = size
        self._pools = {name: self._pool() for name in names}

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def read(self, path: Path) -> dict[str, Seen]:
        """What each decoder makes of a file."""
        asked = {name: pool.submit(read, name, path, self._size) for name, pool in self._pools.items()}
        seen = {}
        for name, answer in asked.items():
            try:
                seen[name] = answer.result()
            except BrokenExecutor:
                self._pools[name] = self._pool()
                seen[name] = Seen(None, "crashed")
        return seen

    def close(self) -> None:
        """End the processes."""
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Compared:
    """A file, what was seen in it, and the verdict: "same", "differs", "refused" or "alone"."""

    path: Path
    seen: dict[str, Seen]
    differences: dict[str, float]
    verdict: str


def compare(path: Path, seen: dict[str, Seen], tolerance: float) -> Compared:
    """The verdict on a file.

    "same": the organizer agrees with another decoder. "differs" and "refused": it does not, or sees nothing,
    while at least two others agree with each other. "alone": no two others do, so nobody can tell.
    """
    ours = seen[_OURS].pixels
    others = {name: each.pixels for name, each in seen.items() if name != _OURS and each.pixels is not None}
    agreed = any(_distance(a, b) <= tolerance for a, b in combinations(others.values(), 2))
    differences = (
        {name: _distance(ours, pixels) for name, pixels in others.items()} if ours is not None else {}
    )
    if any(difference <= tolerance for difference in differences.values()):
        verdict = "same"
    elif not agreed:
        verdict = "alone"
    else:
        verdict = "refused" if ours is None else "differs"
    return Compared(path, seen, differences, verdict)


def _distance(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(np.int16) - other).mean())


def contact_sheet(rows: list[Compared], size: int) -> Image.Image:
    """A row a file: each decoder's picture (grey where it has none), then the name and the verdict."""
    names = list(rows[0].seen) if rows else [_OURS]
    sheet = Image.new("RGB", (size * len(names) + _LABEL_WIDTH, (size + 4) * max(1, len(rows)) + 16), "white")
    draw = ImageDraw.Draw(sheet)
    for column, name in enumerate(names):
        draw.text((column * size + 2, 2), name, fill="black")
    for number, row in enumerate(rows):
        top = 16 + number * (size + 4)
        for column, name in enumerate(names):
            pixels = row.seen[name].pixels
            picture = (
                Image.new("RGB", (size, size), "lightgrey") if pixels is None else Image.fromarray(pixels)
            )
            sheet.paste(picture, (column * size, top))
        text = f"{row.path.name}\n{row.verdict}\n{row.seen[_OURS].note[:55]}"
        draw.text((len(names) * size + 6, top), text, fill="black")
    return sheet


def files_in(folder: Path) -> Iterator[Path]:
    """All files of a folder and of those within it, by name."""
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def main(arguments: list[str] | None = None) -> int:
    """Exit code 1 where a file is refused or seen otherwise than by decoders that agree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sheet", type=Path, help="draw the files that differ into this PNG")
    parser.add_argument("--size", type=int, default=96, help="side of the square in pixels")
    parser.add_argument("--tolerance", type=float, default=8.0, help="mean difference of 255 that is none")
    given = parser.parse_args(arguments)
    readers = Readers(installed(), given.size)
    compared = []
    try:
        for path in files_in(given.folder):
            row = compare(path, readers.read(path), given.tolerance)
            compared.append(row)
            if row.verdict != "same" and any(each.pixels is not None for each in row.seen.values()):
                told = " ".join(f"{name} {value:.1f}" for name, value in row.differences.items())
                print(f"{row.verdict:8} {path.relative_to(given.folder)}: {row.seen[_OURS].note} | {told}")
    finally:
        readers.close()
    wrong = [row for row in compared if row.verdict in {"differs", "refused"}]
    counts = Counter(row.verdict for row in compared)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("same", "differs", "refused", "alone"))
    print(f"{len(compared)} files: {told}")
    if given.sheet and wrong:
        contact_sheet(wrong, given.size).save(given.sheet)
        print(f"contact sheet: {given.sheet}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
