"""Batch normalisation that uses the fused kernel of TensorFlow or PyTorch while training.

Keras computes the statistics and the normalisation as separate operations in float32. On a CPU these passes
over memory cost as much as the convolutions themselves; TensorFlow's fused kernel takes bfloat16 and makes a
training step about 1.6 times as fast (10.8 against 6.7 images/s at 96 pixels, measured on two shared cores).
On JAX, and outside training, this is exactly the Keras layer.
"""

from __future__ import annotations

from typing import Any

import keras


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc] # Keras has no types
    """`keras.layers.BatchNormalization` of the channels: axis 1 with PyTorch, the last with TensorFlow.

    The arguments, the variables and their names are those of the Keras layer.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ANN401, FBT001
        """Normalise; while training, by the batch's own statistics, which also move the moving ones."""
        fused = {"tensorflow": self._in_tensorflow, "torch": self._in_torch}.get(keras.backend.backend())
        if not training or not self.trainable or fused is None:
            return super().call(inputs, training=training, mask=mask)
        return keras.ops.cast(fused(inputs), self.compute_dtype)

    def _in_tensorflow(self, inputs: Any) -> Any:  # noqa: ANN401 (tensors)
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
        return outputs

    def _in_torch(self, inputs: Any) -> Any:  # noqa: ANN401 (tensors)
        import torch  # noqa: PLC0415 (other backends do without it)

        return torch.nn.functional.batch_norm(
            inputs,
            self.moving_mean.value,
            self.moving_variance.value,
            self.gamma.value,
            self.beta.value,
            training=True,
            momentum=1.0 - self.momentum,
            eps=self.epsilon,
        )
