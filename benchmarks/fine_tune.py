"""Fine-tuning on cached activations against a plain Keras loop that recomputes the whole network each epoch.

Both do the same work on the same photos: a new head on the frozen backbone, then block 5 and the head with a
low rate, random augmentation, the same number of epochs and batches. The plain loop is what the tutorials
have: augmentation layers, VGG16 with `trainable` set, `model.fit`. Early stopping is off on both sides, so
that the epochs are equal.

    python benchmarks/fine_tune.py --model models/starter --photos DIR [--count 400]

Without --photos, random pixels are used: the arithmetic is the same.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from numpy.typing import NDArray

from harness.report import Figure, Report, Target
from photo_organizer.learning.finetune.activations import BATCH, augmentation, compute_activations, keras_vgg
from photo_organizer.learning.finetune.block5 import Photos, Schedule, train_block5
from photo_organizer.learning.finetune.fine_tune import VIEWS
from photo_organizer.models.manifest import BACKBONE_FILE
from photo_organizer.models.serving_model import read_model
from photo_organizer.vision.backbone.weights import read_backbone
from photo_organizer.vision.labelled_photos import LabelledPixels, read_labelled_photos

HEAD_EPOCHS, BLOCK_EPOCHS = 4, 8
CATEGORIES = 10


def main() -> None:
    """Measure both and print the table."""
    options = _options()
    report = Report("fine_tune")
    photos = _photos(options)
    cached, views = _cached(options.model, photos)
    plain = _plain(options.model, photos)
    report.figures.append(Figure("plain Keras loop", plain, "s"))
    report.figures.append(Figure("on cached activations", cached, "s", peer=plain))
    goal = Target("value", at_least=3.0)
    report.figures.append(Figure("times faster", plain / cached, "x", target=goal))
    report.notes.append(
        f"{len(photos.labels)} photos, {views} views each; "
        f"{HEAD_EPOCHS} epochs of the head, {BLOCK_EPOCHS} of block 5"
    )
    report.publish(details={"plain_seconds": plain, "cached_seconds": cached, "photos": len(photos.labels)})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/starter"))
    parser.add_argument("--photos", type=Path, help="a folder with a folder of photos for each category")
    parser.add_argument("--count", type=int, default=400)
    return parser.parse_args()


def _photos(options: argparse.Namespace) -> LabelledPixels:
    model = read_model(options.model)
    if options.photos:
        return read_labelled_photos(options.photos, model.categories, model.input_size, most=options.count)
    random = np.random.default_rng(0)
    shape = (options.count, model.input_size, model.input_size, 3)
    return LabelledPixels(
        random.integers(0, 256, shape, dtype=np.uint8), random.integers(0, CATEGORIES, options.count)
    )


def _parts(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.random.default_rng(0).permutation(count)
    return np.sort(order[count // 6 :]), np.sort(order[: count // 6])


def _cached(path: Path, photos: LabelledPixels) -> tuple[float, int]:
    model, layers = read_model(path), read_backbone(path / BACKBONE_FILE)
    training, validation = _parts(len(photos.labels))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        activations = compute_activations(
            layers,
            model.feature_layers,
            photos.pixels,
            views=VIEWS,
            folder=Path(folder),
            progress=lambda done, total: None,
        )
        labels = photos.labels.astype(np.int64)
        train_block5(
            layers,
            model.feature_layers,
            activations,
            Photos(labels, np.ones(len(labels), np.float32), training, validation, len(model.categories)),
            schedule=Schedule(head_epochs=HEAD_EPOCHS, block_epochs=BLOCK_EPOCHS, patience=99),
            progress=lambda stage, epoch, of: None,
        )
    return time.monotonic() - started, VIEWS


def _plain(path: Path, photos: LabelledPixels) -> float:
    model = read_model(path)
    training, validation = _parts(len(photos.labels))
    pixels, labels = photos.pixels.astype(np.float32), photos.labels.astype(np.int64)
    started = time.monotonic()
    vgg = keras_vgg(read_backbone(path / BACKBONE_FILE), model.input_size)
    network = keras.Sequential(
        [
            keras.Input((model.input_size, model.input_size, 3)),
            augmentation(keras),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            vgg,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(len(model.categories)),
        ]
    )
    sets = ((pixels[training], labels[training]), (pixels[validation], labels[validation]))
    vgg.trainable = False
    _fit(network, 1e-3, HEAD_EPOCHS, *sets)
    vgg.trainable = True
    for layer in vgg.layers:
        layer.trainable = layer.name.startswith("block5")
    _fit(network, 3e-5, BLOCK_EPOCHS, *sets)
    return time.monotonic() - started


Set = tuple[NDArray[np.float32], NDArray[np.int64]]


def _fit(network: Any, rate: float, epochs: int, training: Set, validation: Set) -> None:  # noqa: ANN401 (Keras)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer=keras.optimizers.Adam(rate), loss=loss, metrics=["accuracy"])
    network.fit(*training, validation_data=validation, epochs=epochs, batch_size=BATCH, verbose=0)


if __name__ == "__main__":
    main()
