"""The pixel cache of all photos of a corpus, labelled or not.

The cache is a directory:

``pixels.npy``   uint8 (N, 136, 136, 3), BGR as OpenCV decodes, the whole photo squeezed to a square by area
                 interpolation: the same geometry as in serving;
``index.csv``    N rows ``name,category,source,origin`` (category and source empty where unknown).

136 pixels is the size in which the unlabelled photos are stored.
"""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

CACHE_SIDE = 136

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class PhotoEntry:
    """A photo of the corpus.

    Args:
        name: ``Category/file.jpg`` for a labelled photo, the archive member's name for another.
        category: the label, or ``""``.
        source: the collection that the label came from, or ``""``.
        origin: the file or archive that holds it.
    """

    name: str
    category: str
    source: str
    origin: str


@dataclass(frozen=True)
class Corpus:
    """An opened cache. ``pixels`` is memory-mapped."""

    entries: tuple[PhotoEntry, ...]
    pixels: Pixels

    @property
    def categories(self) -> tuple[str, ...]:
        """Return the category names in alphabetical order, the order of the classes everywhere."""
        return tuple(sorted({entry.category for entry in self.entries if entry.category}))

    @property
    def labels(self) -> NDArray[np.int64]:
        """Return class indices, int64 (N,), -1 for photos without a label."""
        index = {category: number for number, category in enumerate(self.categories)}
        return np.array([index.get(entry.category, -1) for entry in self.entries], np.int64)

    @property
    def sources(self) -> NDArray[np.str_]:
        """Return source names, str (N,), empty if unknown."""
        return np.array([entry.source for entry in self.entries], np.str_)


def decode(encoded: bytes) -> Pixels:
    """Decode an image file's bytes to uint8 (height, width, 3) BGR, upright.

    Raises:
        ValueError: the bytes are not an image that OpenCV can read.
    """
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR) if encoded else None
    if image is None:
        raise ValueError("not a readable image")
    return np.asarray(image, np.uint8)


def squeeze(image: Pixels, side: int) -> Pixels:
    """Resize a photo to uint8 (side, side, 3), by area interpolation when shrinking, else cubic."""
    shrinking = side <= min(image.shape[:2])
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (side, side), interpolation=interpolation), np.uint8)


def labelled_photos(directory: Path) -> Iterator[tuple[PhotoEntry, bytes]]:
    """Yield the photos of ``directory/<Category>/``, with sources from ``manifest.csv`` if there is one."""
    sources: dict[str, str] = {}
    manifest = directory / "manifest.csv"
    if manifest.is_file():
        with manifest.open(newline="", encoding="utf-8") as file:
            sources = {row["file"]: row["source"] for row in csv.DictReader(file)}
    for path in sorted(directory.glob("*/*")):
        if path.is_file():
            name = f"{path.parent.name}/{path.name}"
            yield (
                PhotoEntry(name, path.parent.name, sources.get(name, "unknown"), str(path)),
                path.read_bytes(),
            )


def archived_photos(archive: Path) -> Iterator[tuple[PhotoEntry, bytes]]:
    """Yield the unlabelled photos of a tar archive with their bytes."""
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is not None:
                yield PhotoEntry(member.name, "", "", str(archive)), file.read()


def all_photos(photos: Path, archives: list[Path]) -> Iterator[tuple[PhotoEntry, Pixels]]:
    """Yield every readable photo once, decoded, in a fixed order."""
    seen: set[str] = set()
    for stream in (labelled_photos(photos), *(archived_photos(archive) for archive in archives)):
        for entry, encoded in stream:
            if entry.name in seen:
                continue
            seen.add(entry.name)
            try:
                yield entry, decode(encoded)
            except ValueError:
                continue  # One damaged file should not stop a run over tens of thousands.


def build_cache(photos: Path, archives: list[Path], cache: Path) -> int:
    """Write the cache directory and return the number of photos in it."""
    cache.mkdir(parents=True, exist_ok=True)
    entries: list[PhotoEntry] = []
    raw = cache / "pixels.raw"
    with raw.open("wb") as file:
        for entry, image in all_photos(photos, archives):
            file.write(squeeze(image, CACHE_SIDE).tobytes())
            entries.append(entry)
    flat = np.memmap(raw, np.uint8, "r", shape=(len(entries), CACHE_SIDE, CACHE_SIDE, 3))
    np.save(cache / "pixels.npy", flat)
    del flat
    raw.unlink()
    with (cache / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "category", "source", "origin"])
        writer.writerows([entry.name, entry.category, entry.source, entry.origin] for entry in entries)
    return len(entries)


def open_cache(cache: Path) -> Corpus:
    """Open a cache that `build_cache` wrote."""
    with (cache / "index.csv").open(newline="", encoding="utf-8") as file:
        entries = tuple(
            PhotoEntry(row["name"], row["category"], row["source"], row["origin"])
            for row in csv.DictReader(file)
        )
    pixels: Pixels = np.load(cache / "pixels.npy", mmap_mode="r")
    if len(pixels) != len(entries):
        raise ValueError(
            f"{cache}: {len(pixels)} photos in pixels.npy but {len(entries)} in index.csv; build it again"
        )
    return Corpus(entries, pixels)
