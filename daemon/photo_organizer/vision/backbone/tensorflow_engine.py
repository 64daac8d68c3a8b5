"""VGG16 by TensorFlow: `keras.applications.VGG16` in float32. The fallback, and the measure of the others."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photo_organizer.models.manifest import BACKBONE_FILE
from photo_organizer.models.serving_model import ModelDescription
from photo_organizer.vision.backbone.weights import read_backbone

BATCH = 8
"""Photos that go through together; smaller batches are padded, so that one graph serves all."""


class TensorFlowEngine:
    """See `Engine`.

    Args:
        model: whose backbone to load; its files have been verified.
        reason: kept for people.

    Raises:
        ModelError: the weights are not those of a VGG16.
    """

    def __init__(self, model: ModelDescription, *, reason: str = "") -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import keras  # noqa: PLC0415 (seconds and hundreds of megabytes, for this engine alone)
        import tensorflow as tf  # noqa: PLC0415

        self.name = "tensorflow f32"
        self.reason = reason
        self.input_size = model.input_size
        self.feature_size = model.feature_size
        self.parallel = 2  # one decodes while the other's photos are in the network
        self._lock = threading.Lock()
        backbone = keras_backbone(model, keras)
        signature = tf.TensorSpec([BATCH, model.input_size, model.input_size, 3], tf.uint8)

        def run(photos: Any) -> Any:  # noqa: ANN401 (TensorFlow has no types)
            scaled = tf.cast(photos, tf.float32) / 127.5 - 1
            features = backbone(scaled, training=False)
            if model.flip:
                features = (features + backbone(scaled[:, :, ::-1], training=False)) / 2
            return features

        self._run = tf.function(run, input_signature=[signature])

    def features(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Feature vectors (N, F) of photos (N, S, S, 3). One caller at a time has every core."""
        features = np.empty((len(photos), self.feature_size), np.float32)
        for start in range(0, len(photos), BATCH):
            part = photos[start : start + BATCH]
            padded = np.zeros((BATCH, *photos.shape[1:]), np.uint8)
            padded[: len(part)] = part
            with self._lock:
                features[start : start + len(part)] = np.asarray(self._run(padded))[: len(part)]
        return features


def keras_backbone(model: ModelDescription, keras: Any) -> Any:  # noqa: ANN401 (Keras has no types)
    """VGG16 with the model's weights, from photos scaled to -1 to 1 (N, S, S, 3) to its pools (N, F)."""
    shape = (model.input_size, model.input_size, 3)
    vgg = keras.applications.VGG16(weights=None, include_top=False, input_shape=shape)
    for name, weights in read_backbone(model.directory / BACKBONE_FILE).items():
        vgg.get_layer(name).set_weights(list(weights))
    pool = {"avg": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}
    pools = [pool[kind]()(vgg.get_layer(f"block{block}_pool").output) for block, kind in model.feature_layers]
    return keras.Model(vgg.input, keras.layers.Concatenate()(pools) if len(pools) > 1 else pools[0])
