"""Augmented batches, prepared by one thread ahead of the training step.

Batch number ``step`` depends on the seed and the step alone, not on what came before, so that a resumed
training sees exactly what an uninterrupted one would have seen.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats
from recipe.data.corpus import Pixels, squeeze
from recipe.data.split import Integers
from recipe.data.teacher import Answer, Teacher

# Standard deviation of single places of the map relative to that of a photo's average: measured, 1.3 to 1.5.
PLACE_DEVIATION = 1.5
STRIDE = 32  # Pixels per place of the network's last map.


@dataclass(frozen=True)
class Standard:
    """The teacher's embedding in standard deviations.

    Args:
        mean: of the training photos, float32 (E,).
        deviation: likewise.
        clip: limit, so that single extreme activations do not dominate the squared error.
    """

    mean: Floats
    deviation: Floats
    clip: float = 4.0

    def of(self, embedding: Floats) -> Floats:
        """Return the embedding standardised and clipped, float32 (..., E)."""
        return self._within(embedding, self.clip)

    def of_places(self, places: Floats) -> Floats:
        """Standardise single places of a map, which vary more and are clipped further out."""
        return self._within(places, self.clip * PLACE_DEVIATION)

    def _within(self, values: Floats, limit: float) -> Floats:
        return np.asarray(np.clip((values - self.mean) / self.deviation, -limit, limit), np.float32)


@dataclass(frozen=True)
class Targets:
    """Targets of the whole photos, row by row: the teacher's ``embedding`` float16 (N, E), standardised,
    ``category`` float32 (N, C) and its ``category_weight`` float32 (N,).
    """

    embedding: NDArray[np.float16]
    category: Floats
    category_weight: Floats


@dataclass(frozen=True)
class TrainingData:
    """``pixels`` uint8 (N, 136, 136, 3), targets of all N photos, ``rows`` to train on, int64 (M,), and the
    ``teacher`` to run on each crop, with the ``standard`` of its embedding.
    """

    pixels: Pixels
    targets: Targets
    rows: Integers
    teacher: Teacher
    standard: Standard


@dataclass(frozen=True)
class Batch:
    """``pixels`` float32 (B, side, side, 3), BGR / 127.5 - 1; the teacher's output for them, ``embedding``
    (B, E), ``places`` (B, side / 32, side / 32, E) and ``classes`` (B, 1001); category targets.
    """

    pixels: Floats
    embedding: Floats
    places: Floats
    classes: Floats
    category: Floats
    category_weight: Floats


def whole_pictures(pixels: Pixels, rows: Iterable[int], side: int) -> Floats:
    """Return the network's input for these rows, float32 (N, side, side, 3) in [-1, 1]."""
    return _scaled(np.stack([squeeze(pixels[row], side) for row in rows]))


def _scaled(values: Pixels) -> Floats:
    return np.asarray(values, np.float32) / 127.5 - 1.0


def crop(image: Pixels, random: np.random.Generator) -> Pixels:
    """Return a random part of a photo, flipped or not.

    It covers 65 to 100 % of the side, with an aspect ratio within exp(+-0.2) of the photo's.
    """
    height, width = image.shape[:2]
    scale = random.uniform(0.65, 1.0)
    aspect = float(np.exp(random.uniform(-0.2, 0.2) / 2))
    crop_height = min(height, max(8, round(height * scale * aspect)))
    crop_width = min(width, max(8, round(width * scale / aspect)))
    top = int(random.integers(0, height - crop_height + 1))
    left = int(random.integers(0, width - crop_width + 1))
    part = image[top : top + crop_height, left : left + crop_width]
    return np.ascontiguousarray(part[:, ::-1] if random.random() < 0.5 else part)


def recolour(image: Pixels, random: np.random.Generator) -> Floats:
    """Return a photo with other colours, float32 in [-1, 1].

    Brightness and contrast change by up to a quarter, single channels by up to a tenth, and one photo in ten
    loses its colour.
    """
    values = _scaled(image)
    if random.random() < 0.1:
        values = np.repeat(values.mean(2, keepdims=True), 3, 2)
    gain = random.uniform(0.75, 1.25) * random.uniform(0.9, 1.1, 3)
    offset = random.uniform(-0.2, 0.2)
    middle = values.mean()
    return np.asarray(np.clip((values - middle) * gain + middle + offset, -1.0, 1.0), np.float32)


def resample(places: Floats, side: int) -> Floats:
    """Average a map, float32 (H, W, F), by area to (side, side, F)."""
    rows, columns = (_overlaps(length, side) for length in places.shape[:2])
    return np.asarray(np.einsum("ah,bw,hwf->abf", rows, columns, places, optimize=True), np.float32)


def _overlaps(length: int, cells: int) -> Floats:
    """Return the share of each of ``length`` places in each of ``cells`` equal parts, float32 (cells,
    length).
    """
    edges = np.arange(cells + 1) * (length / cells)
    places = np.arange(length)
    shared = np.minimum(edges[1:, None], places + 1) - np.maximum(edges[:-1, None], places)
    return np.asarray(np.clip(shared, 0, None) * (cells / length), np.float32)


def rows_of_step(rows: Integers, step: int, size: int, seed: int) -> Integers:
    """Return the row numbers of a batch.

    Each epoch is a new permutation of ``rows``; its last partial batch is left out.
    """
    steps = len(rows) // size
    if steps == 0:
        raise ValueError(f"a batch of {size} needs at least {size} photos; there are {len(rows)}")
    epoch, place = divmod(step, steps)
    order = np.random.default_rng((seed, epoch)).permutation(rows)
    return np.asarray(order[place * size : (place + 1) * size], np.int64)


def make_batch(data: TrainingData, step: int, *, size: int, side: int, seed: int) -> Batch:
    """Make batch number ``step``: ``size`` photos at ``side`` pixels.

    The teacher sees the same crop as the network, at full resolution and in its original colours.
    """
    rows = rows_of_step(data.rows, step, size, seed)
    random = np.random.default_rng((seed, step, 1))
    crops = [crop(data.pixels[row], random) for row in rows]
    answers: list[Answer] = [data.teacher(part) for part in crops]
    return Batch(
        np.stack([recolour(squeeze(part, side), random) for part in crops]),
        data.standard.of(np.stack([answer.embedding for answer in answers])),
        data.standard.of_places(np.stack([resample(answer.places, side // STRIDE) for answer in answers])),
        np.stack([answer.probabilities for answer in answers]),
        data.targets.category[rows],
        data.targets.category_weight[rows],
    )


def prefetch(make: Callable[[int], Batch], first_step: int, ahead: int = 3) -> Iterator[Batch]:
    """Yield ``make(first_step)``, ``make(first_step + 1)``, ..., prepared up to ``ahead`` steps in advance.

    OpenCV and NumPy release the interpreter lock for most of the work. An error in ``make`` is raised here.
    """
    waiting: queue.Queue[Batch | Exception] = queue.Queue(ahead)
    stopped = threading.Event()

    def put(item: Batch | Exception) -> None:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.5)
            except queue.Full:
                continue
            return

    def work() -> None:
        step = first_step
        while not stopped.is_set():
            try:
                put(make(step))
            except Exception as error:  # noqa: BLE001 (raised by the consumer)
                put(error)
                return
            step += 1

    thread = threading.Thread(target=work, name="batches", daemon=True)
    thread.start()
    try:
        while True:
            item = waiting.get()
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()  # A teacher must not be run by two threads at once.
