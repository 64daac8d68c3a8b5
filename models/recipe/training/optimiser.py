"""Muon for convolutions: the update of a kernel is made orthogonal, so that no direction of it starves.

Jordan and others, 'Muon: An optimizer for hidden layers in neural networks' (2024), and the scale of Liu and
others, 'Muon is Scalable for LLM Training' (2025), with which learning rates of AdamW fit. Keras has it for
matrices only; here a kernel (height, width, inputs, outputs) counts as the matrix (height * width * inputs,
outputs). Everything else, normalisation and the dense heads, is trained by AdamW.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class ConvolutionMuon(keras.optimizers.Muon):  # type: ignore[misc] # Keras has no types
    """`keras.optimizers.Muon` for 4-dimensional kernels; arguments and the AdamW part are Keras's."""

    def _should_use_adamw(self, variable: Any) -> bool:  # noqa: ANN401 (a Keras variable)
        return len(variable.shape) != 4

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:  # noqa: ANN401 (a tensor)
        """The orthogonalised kernel; computed in bfloat16, which the iteration was made for."""
        matrix = ops.cast(ops.reshape(x, (-1, x.shape[-1])), "bfloat16")
        return ops.reshape(ops.cast(super().zeropower_via_newtonschulz5(matrix, steps), x.dtype), x.shape)

    def lr_adjust(self, x: Any) -> Any:  # noqa: ANN401 (a tensor)
        """The update scaled to the size that one of AdamW's has."""
        height, width, inputs, outputs = x.shape
        return x * (self.rms_rate * max(height * width * inputs, outputs) ** 0.5)
