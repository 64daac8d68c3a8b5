"""Rounding the weights of convolutions to int8 so that the errors cancel instead of adding up.

Each output channel has its grid: its largest weight over 127. Rounding to the nearest point leaves errors
that are independent of what the layer sees; here the columns are rounded one after the other, and the error
of each is made up for by those that follow, as far as the layer's real inputs go along with one another.
Source: Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ: Accurate Post-Training Quantization for Generative
Pre-trained Transformers", ICLR 2023 (after "Optimal Brain Compression", NeurIPS 2022), applied to 3 x 3
convolutions as matrices.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from photo_organizer.vision.openvino_runtime import op, ov

_STEPS = 127
_DAMPING = 0.01  # of the mean of the diagonal, so that the inverse exists with few samples
_BLOCK = 128
_PLACES = 32  # of each photo, at random


def round_weights(graph: ov.Model, photos: NDArray[np.uint8], kept_exact: Collection[str]) -> None:
    """Put rounded kernels into `graph`, a float32 backbone as `build_graph` makes it.

    Args:
        graph: changed in place; the kernels stay float32 numbers, on their grids.
        photos: uint8 (N, S, S, 3) to see the layers' inputs on.
        kept_exact: names of convolutions that are left alone.
    """
    layers = {
        node.get_friendly_name(): node
        for node in graph.get_ordered_ops()
        if node.get_type_name() == "Convolution" and node.get_friendly_name() not in kept_exact
    }
    for name, moment in _second_moments(graph, photos, list(layers)).items():
        source = layers[name].input_value(1).get_node()
        kernel = source.data  # (out, in, 3, 3)
        rounded = round_matrix(kernel.reshape(len(kernel), -1), moment).reshape(kernel.shape)
        layers[name].input(1).replace_source_output(op.constant(rounded).output(0))


def round_matrix(weights: NDArray[np.float32], moment: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of `weights` (out, in) on their grids, given the second moment (in, in) of the inputs.

    The largest weight of each row stays what it is, so that the grid is found again from the result.
    """
    step = np.maximum(np.abs(weights).max(axis=1), np.finfo(np.float32).tiny) / _STEPS
    largest = np.abs(weights).argmax(axis=1)
    size = weights.shape[1]
    damped = moment + np.eye(size, dtype=np.float32) * (_DAMPING * np.trace(moment) / size + 1e-12)
    # H = R R' with R upper triangular (Cholesky from the far end); then R^-1 is the upper factor of H^-1
    far_end = np.linalg.cholesky(damped[::-1, ::-1].astype(np.float64))[::-1, ::-1]
    passing = np.triu(np.linalg.inv(far_end.astype(np.float32)))
    left = weights.astype(np.float32).copy()
    rounded = np.zeros_like(left)
    for start in range(0, size, _BLOCK):
        end = min(size, start + _BLOCK)
        errors = np.zeros((len(left), end - start), np.float32)
        for column in range(start, end):
            points = np.clip(np.rint(left[:, column] / step), -_STEPS, _STEPS)
            fixed = largest == column
            points[fixed] = np.copysign(_STEPS, weights[fixed, column])
            rounded[:, column] = points * step
            error = (left[:, column] - rounded[:, column]) / passing[column, column]
            left[:, column + 1 : end] -= error[:, None] * passing[column, column + 1 : end]
            errors[:, column - start] = error
        left[:, end:] -= errors @ passing[start:end, end:]
    return rounded


def _second_moments(
    graph: ov.Model, photos: NDArray[np.uint8], names: list[str]
) -> dict[str, NDArray[np.float32]]:
    """Mean outer products of 3 x 3 patches of the named convolutions' inputs: (9 * in, 9 * in) by name."""
    watched = graph.clone()
    nodes = {node.get_friendly_name(): node for node in watched.get_ordered_ops()}
    first = len(watched.outputs)
    watched.add_outputs([nodes[name].input_value(0) for name in names])
    request = (
        ov.Core().compile_model(watched, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    )
    random = np.random.default_rng(0)
    moments: dict[str, NDArray[np.float32]] = {}
    for photo in photos:
        request.infer({0: photo[np.newaxis]})
        for place, name in enumerate(names):
            patches = _patches(request.get_output_tensor(first + place).data[0], random)
            product = (patches.T @ patches) * np.float32(1 / (len(photos) * len(patches)))
            moments[name] = moments[name] + product if name in moments else product
    return moments


def _patches(layer: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Some 3 x 3 patches of a layer (C, H, W) with its zero padding: (places, C * 9)."""
    channels, height, width = layer.shape
    padded = np.pad(layer, ((0, 0), (1, 1), (1, 1)))
    rows = random.integers(0, height, _PLACES)
    columns = random.integers(0, width, _PLACES)
    patches = [
        padded[:, y : y + 3, x : x + 3].reshape(9 * channels) for y, x in zip(rows, columns, strict=True)
    ]
    return np.stack(patches).astype(np.float32)
