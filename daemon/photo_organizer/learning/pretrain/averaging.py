"""A network between two checkpoints of one training: weights averaged, normalisation measured again.

Where a training could not be annealed, averaging its noisy end with its beginning does some of that
(Izmailov et al., 'Averaging Weights Leads to Wider Optima and Better Generalization', 2018; Wortsman et
al., 'Robust fine-tuning of zero-shot models', 2022).
The moving statistics of the two do not fit the averaged weights and are measured on training photos.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.pretrain.arrays import Arrays, float32, save_arrays
from photo_organizer.learning.pretrain.batches import Floats
from photo_organizer.learning.pretrain.checkpoint import load_weights
from photo_organizer.learning.pretrain.features import cached_photos
from photo_organizer.learning.pretrain.folding import PLACES
from photo_organizer.learning.pretrain.network import (
    build_training_network,
    get_named_weights,
    set_named_weights,
)
from photo_organizer.learning.pretrain.prepare import Prepared, weights_of_starter

BATCHES, BATCH = 12, 48
"""Photos that the normalisation is measured on."""


def average_weights(
    first: Mapping[str, NDArray[Any]], second: Mapping[str, NDArray[Any]], share: float
) -> Arrays:
    """``(1 - share) * first + share * second``, name by name."""
    return {name: float32((1.0 - share) * first[name] + share * second[name]) for name in first}


def measure_normalisation(model: keras.Model, batches: Iterable[Floats]) -> None:
    """Set the moving statistics to the mean over ``batches``, float32 (B, S, S, 3), of what each has."""
    layers = [model.get_layer(place.normalisation) for place in PLACES]
    sums: list[tuple[NDArray[Any], NDArray[Any]]] = []
    count = 0
    momentums = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0  # The moving statistics become those of the batch.
    for pixels in batches:
        model(pixels, training=True)
        seen = [(_copy(layer.moving_mean), _copy(layer.moving_variance)) for layer in layers]
        sums = seen if not sums else [(a + c, b + d) for (a, b), (c, d) in zip(sums, seen, strict=True)]
        count += 1
    if not count:
        raise ValueError("measuring the normalisation needs photos")
    for layer, momentum, (mean, variance) in zip(layers, momentums, sums, strict=True):
        layer.momentum = momentum
        layer.moving_mean.assign(mean / count)
        layer.moving_variance.assign(variance / count)


def _copy(variable: keras.Variable) -> NDArray[Any]:
    return np.array(keras.ops.convert_to_numpy(variable))


def average_with_starter(
    prepared: Prepared, starter: Path, checkpoint: Path, output: Path, *, share: float, side: int
) -> None:
    """Write the weights ``share`` of the way from a starter directory to a checkpoint that began at it.

    Args:
        prepared: whose training photos, whole and at ``side`` pixels, measure the normalisation.
        starter: as in `weights_of_starter`.
        checkpoint: of the training.
        output: npz file for `export`.
        share: 0 is the starter, 1 the checkpoint.
        side: that the model will be used at.
    """
    last = load_weights(checkpoint)
    first = weights_of_starter(starter, prepared.mean, prepared.deviation)
    model = build_training_network(len(prepared.corpus.categories))
    set_named_weights(model, average_weights({name: first[name] for name in last}, last, share))
    rows = np.random.default_rng(5).permutation(prepared.training_rows)
    batches = (
        float32(np.stack(list(cached_photos(prepared.corpus.pixels, part, side)))) / 127.5 - 1.0
        for part in np.array_split(rows[: BATCHES * BATCH], BATCHES)
        if len(part)
    )
    measure_normalisation(model, (float32(batch) for batch in batches))
    save_arrays(output, get_named_weights(model))
