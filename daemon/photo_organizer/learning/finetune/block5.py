"""Both stages of a fine-tuning, on cached activations: a head on frozen block 5, then block 5 itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.events import Epoch
from photo_organizer.learning.finetune.activations import BATCH, FROZEN_BLOCKS, Activations
from photo_organizer.learning.head.head import Floats, Labels
from photo_organizer.models.serving_model import BLOCK_WIDTHS
from photo_organizer.vision.backbone.engine import BF16_FLAGS, cpu_flags
from photo_organizer.vision.backbone.weights import Layer

STAGES = ("head on frozen backbone", "block 5")
CONVOLUTIONS = ("block5_conv1", "block5_conv2", "block5_conv3")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Epochs at most, learning rates, and how many epochs without progress end a stage."""

    head_epochs: int = 20
    head_rate: float = 1e-3
    block_epochs: int = 10
    block_rate: float = 3e-5
    patience: int = 3


@dataclass(frozen=True, slots=True)
class Photos:
    """What is trained on: labels (N,), weights (N,), and the rows that train and that validate."""

    labels: Labels
    weights: Floats
    training: NDArray[np.int64]
    validation: NDArray[np.int64]
    categories: int


@dataclass(frozen=True, slots=True)
class BlockFive:
    """The trained block: its layers, the features (N, F) of each photo as it is, and the curve."""

    layers: dict[str, Layer]
    features: Floats
    epochs: tuple[Epoch, ...]
    improved: bool


def train_block5(
    layers: dict[str, Layer],
    feature_layers: Sequence[tuple[int, str]],
    activations: Activations,
    photos: Photos,
    *,
    schedule: Schedule,
    progress: Callable[[str, int, int], None],
) -> BlockFive:
    """Train both stages.

    Args:
        layers: of the whole backbone; those of block 5 are where it begins.
        feature_layers: the model's features.
        activations: the cache of blocks 1 to 4.
        photos: labels, weights and the split.
        schedule: epochs and rates.
        progress: called with (stage, epoch, of how many) after each epoch.

    Returns:
        Block 5 with the best weights on the validation photos; the old weights when training did not improve
        them.
    """
    import keras  # noqa: PLC0415 (TensorFlow)

    keras.utils.set_random_seed(1)
    body = _block_model(keras, layers, feature_layers, activations)
    cached = _features(body, activations)
    mean = cached[:, 0].mean(axis=0)
    deviation = np.maximum(cached[:, 0].std(axis=0), 1e-4)
    head = keras.Sequential(
        [
            keras.layers.Input([cached.shape[-1]]),
            keras.layers.Normalization(mean=mean, variance=deviation**2),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(photos.categories, dtype="float32"),
        ]
    )
    curve: list[Epoch] = []
    frozen = _Stage(STAGES[0], schedule.head_epochs, schedule.head_rate, schedule.patience)
    before = frozen.train(keras, head, [cached], photos, curve=curve, progress=progress)
    if schedule.block_epochs == 0:
        return BlockFive(layers, cached[:, 0], tuple(curve), improved=False)
    maps, pools = body.input
    whole = keras.Model([maps, pools], head(body([maps, pools])))
    thawed = _Stage(STAGES[1], schedule.block_epochs, schedule.block_rate, schedule.patience)
    after = thawed.train(
        keras, whole, [activations.maps, activations.pools], photos, curve=curve, progress=progress
    )
    if after >= before:
        return BlockFive(layers, cached[:, 0], tuple(curve), improved=False)
    changed = {name: tuple(body.get_layer(name).get_weights()) for name in CONVOLUTIONS}
    return BlockFive(
        {**layers, **changed}, _features(body, activations, views=1)[:, 0], tuple(curve), improved=True
    )


@dataclass(frozen=True, slots=True)
class _Stage:
    name: str
    epochs: int
    rate: float
    patience: int

    def train(
        self,
        keras: Any,  # noqa: ANN401 (Keras has no types)
        model: Any,  # noqa: ANN401 (Keras has no types)
        inputs: Sequence[NDArray[Any]],
        photos: Photos,
        *,
        curve: list[Epoch],
        progress: Callable[[str, int, int], None],
    ) -> float:
        """Train until the validation loss rises; return the best validation loss, whose weights are
        restored.
        """
        model.compile(
            optimizer=keras.optimizers.Adam(self.rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            weighted_metrics=[],
            metrics=["accuracy"],
        )

        def told(epoch: int, logs: dict[str, float]) -> None:
            curve.append(
                Epoch(
                    self.name,
                    len(curve) + 1,
                    float(logs["loss"]),
                    float(logs["accuracy"]),
                    float(logs["val_loss"]),
                    float(logs["val_accuracy"]),
                )
            )
            progress(self.name, epoch + 1, self.epochs)

        history = model.fit(
            _views(keras, inputs, photos, photos.training, shuffled=True),
            validation_data=_views(keras, inputs, photos, photos.validation, shuffled=False),
            epochs=self.epochs,
            verbose=0,
            callbacks=[
                keras.callbacks.EarlyStopping(
                    monitor="val_loss", patience=self.patience, restore_best_weights=True
                ),
                keras.callbacks.LambdaCallback(on_epoch_end=told),
            ],
        )
        return float(min(history.history["val_loss"]))


def _views(
    keras: Any,  # noqa: ANN401 (Keras has no types)
    inputs: Sequence[NDArray[Any]],
    photos: Photos,
    rows: NDArray[np.int64],
    *,
    shuffled: bool,
) -> Any:  # noqa: ANN401 (Keras has no types)
    """Yield batches for Keras: shuffled, with another view of each photo every epoch, or in order."""
    views = inputs[0].shape[1]
    random = np.random.default_rng(2)
    first_view = random.integers(0, views, len(photos.labels))

    class Views(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
        def __init__(self) -> None:
            super().__init__()
            self._epoch = 0
            self._order = random.permutation(rows) if shuffled else rows

        def __len__(self) -> int:
            return (len(rows) + BATCH - 1) // BATCH

        def __getitem__(self, index: int) -> tuple[Any, Any, Any]:
            chosen = np.sort(self._order[index * BATCH : (index + 1) * BATCH])
            view = (first_view[chosen] + self._epoch) % views if shuffled else np.zeros(len(chosen), np.int64)
            batch = [np.asarray(array[chosen, view], np.float32) for array in inputs]
            return (
                batch[0] if len(batch) == 1 else tuple(batch),
                photos.labels[chosen],
                photos.weights[chosen],
            )

        def on_epoch_end(self) -> None:
            self._epoch += 1
            if shuffled:
                self._order = random.permutation(rows)

    return Views()


def _block_model(
    keras: Any,  # noqa: ANN401 (Keras has no types)
    layers: dict[str, Layer],
    feature_layers: Sequence[tuple[int, str]],
    activations: Activations,
) -> Any:  # noqa: ANN401 (Keras has no types)
    """Return the model from block 4's output and the lower pools to the features."""
    maps = keras.Input(activations.maps.shape[2:])
    pools = keras.Input((activations.pools.shape[2],))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if cpu_flags() & BF16_FLAGS else "float32")
    try:
        seen = maps
        for name in CONVOLUTIONS:
            seen = keras.layers.Conv2D(BLOCK_WIDTHS[4], 3, padding="same", activation="relu", name=name)(seen)
        seen = keras.layers.MaxPooling2D(2)(seen)
    finally:
        keras.config.set_dtype_policy(before)
    seen = keras.ops.cast(seen, "float32")
    pool = {"avg": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}
    parts, position = [], 0
    for block, kind in feature_layers:
        if block > FROZEN_BLOCKS:
            parts.append(pool[kind](dtype="float32")(seen))
        else:
            width = BLOCK_WIDTHS[block - 1]
            parts.append(pools[:, position : position + width])
            position += width
    model = keras.Model([maps, pools], keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0])
    for name in CONVOLUTIONS:
        model.get_layer(name).set_weights(list(layers[name]))
    return model


def _features(model: Any, activations: Activations, views: int | None = None) -> Floats:  # noqa: ANN401 (Keras)
    """Return features (N, V, F) of the first views."""
    count, most = activations.maps.shape[:2]
    shown = most if views is None else views
    features = np.zeros((count, shown, model.output.shape[-1]), np.float32)
    for start in range(0, count, 4 * BATCH):
        part = slice(start, start + 4 * BATCH)
        for view in range(shown):
            maps = np.asarray(activations.maps[part, view], np.float32)
            pools = np.asarray(activations.pools[part, view], np.float32)
            features[part, view] = np.asarray(model([maps, pools], training=False), np.float32)
    return features
