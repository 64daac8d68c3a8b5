"""VGG16 with batch normalisation, for training.

The plain network is Simonyan and Zisserman, 'Very Deep Convolutional Networks for Large-Scale Image
Recognition' (2015), configuration D without its three dense layers; layer names are those of
``keras.applications.VGG16``. Batch normalisation (Ioffe and Szegedy, 2015) after each convolution lets it
train from random weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from recipe.arrays import Arrays, float32
from recipe.training.folding import BLOCKS, EPSILON, MOMENTUM, PLACES
from recipe.training.normalisation import FusedBatchNormalization

EMBEDDING_SIZE = 1280
TEACHER_CLASSES = 1001


def build_training_network(
    categories: int,
    embedding_size: int = EMBEDDING_SIZE,
    *,
    width: float = 1.0,
    dtype: str = "mixed_bfloat16",
) -> keras.Model:
    """Build the training network.

    Input: float (batch, side, side, 3), BGR / 127.5 - 1, any side that is a multiple of 32.
    Outputs (float32): ``embedding`` (batch, E) standardised, ``classes`` (batch, 1001) logits,
    ``category`` (batch, categories) logits, all from the 512 averages of block5_pool; and ``places``, the
    embedding of each place of block5_pool, (batch, side / 32, side / 32, E), by the same dense layer, so
    that their average is the embedding.

    Args:
        categories: number of categories.
        embedding_size: E, of all teachers together.
        width: scales the channels, for tests; only 1.0 can be exported.
        dtype: a Keras dtype policy for the convolutions; variables and outputs stay float32.
    """
    layout = _fast_layout()
    channels_axis = 1 if layout == "channels_first" else -1
    pixels = keras.Input((None, None, 3), name="pixels")
    x = pixels if layout == "channels_last" else keras.layers.Permute((3, 1, 2), name="to_layout")(pixels)
    for place in PLACES:
        channels = max(1, int(place.channels * width))
        x = keras.layers.Conv2D(
            channels,
            3,
            padding="same",
            use_bias=False,  # The normalisation's beta is the bias.
            kernel_initializer="he_normal",
            name=place.convolution,
            dtype=dtype,
            data_format=layout,
        )(x)
        x = FusedBatchNormalization(
            axis=channels_axis, momentum=MOMENTUM, epsilon=EPSILON, name=place.normalisation, dtype=dtype
        )(x)
        x = keras.layers.ReLU(name=f"{place.normalisation}_relu", dtype=dtype)(x)
        if place.number == BLOCKS[place.block - 1][1]:
            pool = keras.layers.MaxPooling2D(
                2, name=f"block{place.block}_pool", dtype=dtype, data_format=layout
            )
            x = pool(x)
    if layout == "channels_first":
        x = keras.layers.Permute((2, 3, 1), name="from_layout")(x)
    features = keras.layers.GlobalAveragePooling2D(name="features", dtype="float32")(x)
    embedding = keras.layers.Dense(embedding_size, name="embedding", dtype="float32")
    outputs = {
        "embedding": embedding(features),
        "places": embedding(x),
        "classes": keras.layers.Dense(TEACHER_CLASSES, name="classes", dtype="float32")(features),
        "category": keras.layers.Dense(categories, name="category", dtype="float32")(features),
    }
    return keras.Model(pixels, outputs, name="pretraining")


def _fast_layout() -> str:
    """Return the faster layout.

    On PyTorch, Keras copies channels-last tensors before and after each operation. A permuted view is
    channels-first to Keras and channels-last to PyTorch, and 1.6 times as fast.
    """
    return "channels_first" if keras.backend.backend() == "torch" else "channels_last"


def get_named_weights(model: keras.Model) -> Arrays:
    """Return every variable of the model by ``layer/variable``, as float32 arrays."""
    return {
        f"{layer.name}/{variable.name}": np.asarray(keras.ops.convert_to_numpy(variable), np.float32)
        for layer in model.layers
        for variable in layer.variables
        if variable.dtype.startswith(("float", "bfloat"))
    }


def set_named_weights(model: keras.Model, weights: Mapping[str, NDArray[Any]]) -> list[str]:
    """Assign the named variables; return the names that the model has and ``weights`` lacks."""
    missing = []
    for layer in model.layers:
        for variable in layer.variables:
            name = f"{layer.name}/{variable.name}"
            if name in weights:
                variable.assign(float32(weights[name]))
            else:
                missing.append(name)
    return missing
