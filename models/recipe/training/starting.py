"""Start training from a model directory, which has neither normalisation nor distillation heads.

Both are computed on training photos: mean and variance of a convolution's output are those of its
normalisation, with gamma and beta chosen so that the network computes the same as before; and the embedding
head is the ridge regression from the features to the teacher's embedding.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats
from photo_organizer.models.manifest import BACKBONE_FILE
from recipe.arrays import float32
from recipe.data.batches import whole_pictures
from recipe.data.prepare import Prepared
from recipe.training.folding import BLOCKS, EPSILON, PLACES

NORMALISATION_PHOTOS = 256
HEAD_PHOTOS = 4096
BATCH = 64
RIDGE = 1e-2  # Share of the features' variance.


def start_from(model: keras.Model, directory: Path, prepared: Prepared, side: int) -> None:
    """Give the training network the weights of a model directory.

    Args:
        model: from `network.build_training_network`.
        directory: holds ``backbone.npz`` and ``head.npz``, with the categories of ``prepared``.
        prepared: its training photos, whole and at ``side`` pixels, are used.
        side: input size of the directory's model.
    """
    rows = np.random.default_rng(5).permutation(prepared.training_rows)
    pixels = prepared.corpus.pixels
    with np.load(directory / BACKBONE_FILE) as folded:
        unfold_into(model, folded, whole_pictures(pixels, rows[:NORMALISATION_PHOTOS], side))
    reader = keras.Model(model.input, model.get_layer("features").output)
    rows = rows[:HEAD_PHOTOS]
    parts = np.array_split(rows, max(1, len(rows) // BATCH))
    features = np.concatenate(
        [float32(reader.predict_on_batch(whole_pictures(pixels, part, side))) for part in parts]
    )
    model.get_layer("embedding").set_weights(
        ridge_regression(features, float32(prepared.targets.embedding[rows]))
    )
    classes = model.get_layer("classes")
    classes.set_weights([np.zeros_like(values) for values in classes.get_weights()])
    with np.load(directory / "head.npz") as head:
        model.get_layer("category").set_weights([head["kernel"], head["bias"]])


def unfold_into(model: keras.Model, folded: Mapping[str, NDArray[Any]], pictures: Floats) -> None:
    """Undo `folding.fold`: scale kernels as in a new network, and set the normalisation to compensate.

    Args:
        model: the training network.
        folded: ``blockB_convK/kernel`` and ``/bias``.
        pictures: float32 (N, S, S, 3), run through the network in one batch.
    """
    x = ops.convert_to_tensor(pictures)
    channels_first = model.get_layer(PLACES[0].convolution).data_format == "channels_first"
    x = model.get_layer("to_layout")(x) if channels_first else x
    places = (0, 2, 3) if channels_first else (0, 1, 2)
    for place in PLACES:
        convolution, norm = model.get_layer(place.convolution), model.get_layer(place.normalisation)
        kernel = float32(folded[f"{place.convolution}/kernel"])
        # The variance of He's initialisation, 2 / inputs, makes 2 for the sum of a channel's squares.
        size = np.maximum(np.sqrt((kernel**2).sum((0, 1, 2)) / 2), 1e-6)
        convolution.kernel.assign(kernel / size)
        x = convolution(x)
        mean, variance = (_numpy(value) for value in ops.moments(ops.cast(x, "float32"), places))
        norm.moving_mean.assign(mean)
        norm.moving_variance.assign(variance)
        norm.gamma.assign(size * np.sqrt(variance + EPSILON))
        norm.beta.assign(float32(folded[f"{place.convolution}/bias"]) + size * mean)
        x = ops.relu(norm(x, training=False))
        if place.number == BLOCKS[place.block - 1][1]:
            x = model.get_layer(f"block{place.block}_pool")(x)


def _numpy(tensor: Any) -> Floats:  # noqa: ANN401 (a tensor)
    return float32(ops.convert_to_numpy(tensor))


def ridge_regression(features: Floats, targets: Floats) -> list[Floats]:
    """Return kernel (F, T) and bias (T,) of the ridge regression from (N, F) to (N, T)."""
    mean, middle = features.mean(0), targets.mean(0)
    centred = np.asarray(features - mean, np.float64)
    covariance = centred.T @ centred
    covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    kernel = np.linalg.solve(covariance, centred.T @ (targets - middle))
    return [float32(kernel), float32(middle - mean @ kernel)]
