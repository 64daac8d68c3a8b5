"""Augmented batches, prepared by one thread ahead of the training step.

Batch number ``step`` depends on the seed and the step alone, not on what came before, so that a resumed
training sees exactly what an uninterrupted one would have seen.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.pretrain.arrays import float32
from photo_organizer.learning.pretrain.corpus import Pixels
from photo_organizer.learning.pretrain.split import Integers

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Targets:
    """What the network should answer, row by row: ``embedding`` float16 (N, 1280) standardised,
    ``classes`` float16 (N, 1001), ``category`` float32 (N, C) and its ``category_weight`` float32 (N,).
    """

    embedding: NDArray[np.float16]
    classes: NDArray[np.float16]
    category: Floats
    category_weight: Floats


@dataclass(frozen=True)
class TrainingData:
    """``pixels`` uint8 (N, 136, 136, 3), targets of all N photos, and ``rows`` to train on, int64 (M,)."""

    pixels: Pixels
    targets: Targets
    rows: Integers


@dataclass(frozen=True)
class Batch:
    """``pixels`` float32 (B, side, side, 3), BGR / 127.5 - 1, with the rows' targets."""

    pixels: Floats
    embedding: Floats
    classes: Floats
    category: Floats
    category_weight: Floats


def augment(image: Pixels, side: int, random: np.random.Generator) -> Floats:
    """A random crop, flip and colour change of one photo.

    The crop covers 65 to 100 % of the side with an aspect within exp(+-0.2); brightness and contrast change
    by up to a quarter, single channels by up to a tenth, and one photo in ten loses its colour.

    Args:
        image: uint8 (136, 136, 3).
        side: pixels of the result.
        random: the batch's generator.

    Returns:
        float32 (side, side, 3) in about [-1, 1].
    """
    height, width = image.shape[:2]
    scale = random.uniform(0.65, 1.0)
    aspect = float(np.exp(random.uniform(-0.2, 0.2) / 2))
    crop_height = min(height, max(8, round(height * scale * aspect)))
    crop_width = min(width, max(8, round(width * scale / aspect)))
    top = int(random.integers(0, height - crop_height + 1))
    left = int(random.integers(0, width - crop_width + 1))
    crop = image[top : top + crop_height, left : left + crop_width]
    if random.random() < 0.5:
        crop = crop[:, ::-1]
    shrinking = side <= min(crop_height, crop_width)
    crop = cv2.resize(
        np.ascontiguousarray(crop),
        (side, side),
        interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR,
    )
    values = np.asarray(crop, np.float32) / 127.5 - 1.0
    if random.random() < 0.1:
        values = np.repeat(values.mean(2, keepdims=True), 3, 2)
    gain = random.uniform(0.75, 1.25) * random.uniform(0.9, 1.1, 3)
    offset = random.uniform(-0.2, 0.2)
    middle = values.mean()
    return np.asarray(np.clip((values - middle) * gain + middle + offset, -1.0, 1.0), np.float32)


def rows_of_step(rows: Integers, step: int, size: int, seed: int) -> Integers:
    """The row numbers of one batch: every epoch is a permutation of ``rows`` of its own; its last partial
    batch is left out.
    """
    steps = len(rows) // size
    if steps == 0:
        raise ValueError(f"a batch of {size} needs at least {size} photos; there are {len(rows)}")
    epoch, place = divmod(step, steps)
    order = np.random.default_rng((seed, epoch)).permutation(rows)
    return np.asarray(order[place * size : (place + 1) * size], np.int64)


def make_batch(data: TrainingData, step: int, *, size: int, side: int, seed: int) -> Batch:
    """Batch number ``step``: ``size`` photos at ``side`` pixels."""
    rows = rows_of_step(data.rows, step, size, seed)
    random = np.random.default_rng((seed, step, 1))
    targets = data.targets
    return Batch(
        np.stack([augment(data.pixels[row], side, random) for row in rows]),
        float32(targets.embedding[rows]),
        float32(targets.classes[rows]),
        targets.category[rows],
        targets.category_weight[rows],
    )


def prefetch(make: Callable[[int], Batch], first_step: int, ahead: int = 3) -> Iterator[Batch]:
    """Yield ``make(first_step)``, ``make(first_step + 1)``, ... prepared up to ``ahead`` steps before they
    are needed.

    OpenCV and NumPy release the interpreter lock for most of it. An error in ``make`` is raised to the
    caller.
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
            except Exception as error:  # noqa: BLE001 - handed over to the consumer, which raises it
                put(error)
                return
            step += 1

    threading.Thread(target=work, name="batches", daemon=True).start()
    try:
        while True:
            item = waiting.get()
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stopped.set()
