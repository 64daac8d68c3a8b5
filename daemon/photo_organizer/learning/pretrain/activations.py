"""Activations rounded while training, as serving in int8 will round them.

An int8 convolution takes its inputs in 255 steps between 0 and the largest of the layer. A network that has
never met that is off by several percent; one that met it in the last part of its training need not be (Jacob
and others, 'Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference',
2018). The gradient passes the rounding as if it were not there.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

STEPS = 255
HEADROOM = 1.25  # The largest activation of a calibration's photos is above that of most batches.


class RoundedActivations(keras.layers.Layer):  # type: ignore[misc] # Keras has no types
    """Non-negative activations of any shape, rounded to `STEPS` steps up to `HEADROOM` times the batch's
    largest.
    """

    def call(self, inputs: Any) -> Any:  # noqa: ANN401 (tensors)
        """The rounded activations, of the same shape and dtype."""
        values = ops.stop_gradient(inputs)
        step = ops.maximum(ops.max(values), 1e-6) * HEADROOM / STEPS
        return inputs + (ops.round(values / step) * step - values)
