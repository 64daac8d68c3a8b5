"""Distil the teachers into block 5 alone, on cached activations of the blocks below it.

No label is used: block 5 learns features from which a dense layer computes the teachers' embedding. Figures
on left-out sources therefore stay valid; block 5 trained on labels learned the collections instead
(docs/starter-model.md). Needs TensorFlow as the Keras backend.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.finetune.activations import compute_activations
from photo_organizer.learning.finetune.block5 import CONVOLUTIONS
from photo_organizer.learning.head.head import Floats
from photo_organizer.models.manifest import BACKBONE_FILE
from photo_organizer.vision.backbone.weights import Layer, read_backbone
from recipe.arrays import Arrays, save_arrays
from recipe.data.corpus import squeeze
from recipe.data.prepare import Prepared
from recipe.training.starting import ridge_regression

SOURCE_BALANCE = 0.4
"""A photo is drawn with the probability (photos of its source) ** -SOURCE_BALANCE."""
PREDICT_BATCH = 256


@dataclass(frozen=True, slots=True)
class Distillation:
    """The choices of a distillation.

    Args:
        steps: batches to train on.
        batch: photos per batch.
        peak: highest learning rate; it rises over 3 % of the steps and falls by half a cosine.
        average: momentum of the moving average of the weights, which is the result.
        gradient_norm: longer gradients are shortened to it.
        seed: of the batches.
    """

    steps: int
    batch: int = 64
    peak: float = 1.5e-4
    average: float = 0.998
    gradient_norm: float = 2.0
    seed: int = 0


class Batches(keras.utils.PyDataset):  # type: ignore[misc] # Keras has no types
    """Random batches of activations, (B, H, W, 512), half of them mirrored, and embeddings, (B, E)."""

    def __init__(
        self, maps: NDArray[np.float16], embedding: Floats, shares: Floats, choice: Distillation
    ) -> None:
        super().__init__()
        self._maps, self._embedding, self._choice = maps, embedding, choice
        self._shares = np.asarray(shares, np.float64) / np.sum(shares, dtype=np.float64)

    def __len__(self) -> int:
        return self._choice.steps

    def __getitem__(self, step: int) -> tuple[Floats, Floats]:
        random = np.random.default_rng((self._choice.seed, step))
        rows = np.sort(random.choice(len(self._shares), self._choice.batch, p=self._shares))
        maps = self._maps[rows].astype(np.float32)
        return maps[:, :, ::-1] if random.random() < 0.5 else maps, self._embedding[rows]


def block5(layers: dict[str, Layer], side: int, dtype: str) -> keras.Model:
    """Build block 5 with its weights: activations of block 4, (N, side, side, 512), to features (N, 512)."""
    maps = keras.Input((side, side, 512))
    x = maps
    for name in CONVOLUTIONS:
        x = keras.layers.Conv2D(512, 3, padding="same", activation="relu", name=name, dtype=dtype)(x)
    x = keras.layers.MaxPooling2D(2, dtype=dtype)(x)
    model = keras.Model(maps, keras.layers.GlobalAveragePooling2D(dtype="float32")(x))
    for name in CONVOLUTIONS:
        model.get_layer(name).set_weights(list(layers[name]))
    return model


def distil(
    layers: dict[str, Layer],
    maps: NDArray[np.float16],
    embedding: Floats,
    shares: Floats,
    choice: Distillation,
    *,
    dtype: str = "mixed_bfloat16",
) -> dict[str, Layer]:
    """Train block 5 and return its layers.

    Args:
        layers: of the backbone.
        maps: activations of block 4, (N, H, H, 512).
        embedding: of the teachers, standardised, float32 (N, E).
        shares: how often a photo is drawn, relative to the others, float32 (N,).
        choice: schedule and batches.
        dtype: a Keras dtype policy for the convolutions; weights stay float32.
    """
    body = block5(layers, maps.shape[1], dtype)
    dense = keras.layers.Dense(embedding.shape[1], dtype="float32")
    model = keras.Model(body.input, dense(body.output))
    dense.set_weights(ridge_regression(body.predict(maps, PREDICT_BATCH, verbose=0), embedding))
    warmup = max(1, choice.steps * 3 // 100)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, choice.steps - warmup), alpha=0.01, warmup_target=choice.peak, warmup_steps=warmup
    )
    model.compile(
        optimizer=keras.optimizers.Adam(
            rate, global_clipnorm=choice.gradient_norm, use_ema=True, ema_momentum=choice.average
        ),
        loss="mse",
    )
    model.fit(Batches(maps, embedding, shares, choice), epochs=1, shuffle=False, verbose=2)
    return {name: tuple(body.get_layer(name).get_weights()) for name in CONVOLUTIONS}


def source_shares(sources: NDArray[np.str_]) -> Floats:
    """Return how often a photo is drawn, float32 (N,): photos of large sources less often."""
    _, source, counts = np.unique(sources, return_inverse=True, return_counts=True)
    return np.asarray(counts[source].astype(np.float64) ** -SOURCE_BALANCE, np.float32)


def distil_last_block(
    prepared: Prepared, start: Path, output: Path, choice: Distillation, *, side: int, cache: Path
) -> None:
    """Distil the teachers into block 5 of a model and write the whole backbone as folded convolutions.

    Args:
        prepared: the training photos and the teachers' embedding of them.
        start: model directory to start from.
        output: npz file to write, for ``export --weights``.
        choice: schedule and batches.
        side: the model's input size in pixels.
        cache: directory for the activations, 37 KB a photo at 96 pixels; they are overwritten each time.
    """
    layers = read_backbone(start / BACKBONE_FILE)
    rows = prepared.training_rows
    pixels = np.lib.format.open_memmap(
        cache / "last-block-pixels.npy", mode="w+", dtype=np.uint8, shape=(len(rows), side, side, 3)
    )
    for place, row in enumerate(rows):
        pixels[place] = squeeze(prepared.corpus.pixels[row], side)
    seen = compute_activations(layers, (), pixels, views=1, folder=cache, progress=lambda *_: None)
    embedding = np.asarray(prepared.targets.embedding[rows], np.float32)
    shares = source_shares(prepared.corpus.sources[rows])
    save_arrays(output, folded(layers | distil(layers, seen.maps[:, 0], embedding, shares, choice)))


def folded(layers: dict[str, Layer]) -> Arrays:
    """Return the layers as the arrays of an npz file, named as in ``backbone.npz``."""
    return {
        f"{name}/{part}": values
        for name, layer in layers.items()
        for part, values in zip(("kernel", "bias"), layer, strict=True)
    }
