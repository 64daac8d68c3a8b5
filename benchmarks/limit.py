"""What the machine can do at best: the work that no organizer can leave out, and nothing else.

A photo must be hashed, decoded (reduced, as far as the model's input size allows) and run through the
network. The core-seconds of these three, each run alone on all cores, give the limit: a program that spent no
time on anything else and kept every core busy would file `cores / core_seconds` photos a second.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from photo_organizer.vision.backbone.engine import Engine, load_engine

CORES = len(os.sched_getaffinity(0))
_REDUCED = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    1: cv2.IMREAD_COLOR,
}
_ENOUGH = 2  # the reduced photo keeps this many times the input size, as in serving
_AT_ONCE = 64  # photos whose bytes are held in memory together


@dataclass(frozen=True, slots=True)
class CoreSeconds:
    """Processor seconds of each kind of work, in all, for `photos` photos."""

    photos: int
    decode: float
    forward: float
    hash: float

    @property
    def per_photo(self) -> float:
        """Core-seconds that a photo costs at least."""
        return (self.decode + self.forward + self.hash) / self.photos

    @property
    def photos_per_second(self) -> float:
        """The limit, on all cores."""
        return CORES / self.per_photo

    def __add__(self, other: CoreSeconds) -> CoreSeconds:
        return CoreSeconds(
            *(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True))
        )


NOTHING = CoreSeconds(0, 0.0, 0.0, 0.0)


def measure_limit(paths: Sequence[Path], engine: Engine) -> CoreSeconds:
    """Does the three kinds of work for the files at `paths`, one kind after the other, each on all cores."""
    total = NOTHING
    with ThreadPoolExecutor(CORES) as pool:
        for first in range(0, len(paths), _AT_ONCE):
            files = [path.read_bytes() for path in paths[first : first + _AT_ONCE]]
            started = time.process_time()
            collections.deque(pool.map(_digest, files), maxlen=0)
            hashed = time.process_time()
            photos = list(pool.map(partial(decode_reduced, size=engine.input_size), files))
            decoded = time.process_time()
            stacked = np.stack(photos)
            stacking = time.process_time()
            engine.features(stacked)
            forwarded = time.process_time()
            total += CoreSeconds(len(files), decoded - hashed, forwarded - stacking, hashed - started)
    return total


def decode_reduced(data: bytes, size: int) -> NDArray[np.uint8]:
    """The photo squashed to (size, size, 3), from the smallest JPEG scale that is still large enough."""
    height, width = _dimensions(data)
    factor = next(
        factor for factor in _REDUCED if factor == 1 or min(height, width) >= factor * _ENOUGH * size
    )
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[factor])
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _dimensions(data: bytes) -> tuple[int, int]:
    """Height and width from the frame header of a baseline JPEG, as the benchmark's photos are."""
    at = 2
    while data[at + 1] not in {0xC0, 0xC1, 0xC2}:
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def one_alone(path: Path, engine: Engine) -> float:
    """Seconds to read, hash, decode and classify one photo, one step after the other."""
    started = time.perf_counter()
    data = path.read_bytes()
    _digest(data)
    engine.features(decode_reduced(data, engine.input_size)[np.newaxis])
    return time.perf_counter() - started


def main(model: Path, *photos: Path) -> None:
    """Prints the median of `one_alone` as JSON: `python benchmarks/limit.py MODEL PHOTO...`."""
    engine = load_engine(model, "auto")
    one_alone(photos[0], engine)
    print(json.dumps({"median_seconds": median(one_alone(photo, engine) for photo in photos)}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
