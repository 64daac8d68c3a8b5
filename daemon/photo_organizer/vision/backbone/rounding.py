"""Rounding the weights of convolutions to int8 so that the errors cancel instead of adding up.

Each output channel has its grid: its largest weight over 127. Rounding to the nearest point leaves errors
that are independent of what the layer sees; here the columns are rounded one after the other, and the error
of each is made up for by those that follow, as far as the layer's real inputs go along with one another.
Source: Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ: Accurate Post-Training Quantization for Generative
Pre-trained Transformers", ICLR 2023, applied to 3 x 3 convolutions as matrices.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from photo_organizer.models.serving_model import ModelDescription
from photo_organizer.vision.backbone.openvino_engine import build_graph
from photo_organizer.vision.backbone.openvino_runtime import ov
from photo_organizer.vision.backbone.weights import Layer

_STEPS = 127
_DAMPING = 0.01  # of the mean of the diagonal, so that the inverse exists with few samples
_BLOCK = 128
_PLACES = 32  # of each photo, at random
_TOGETHER = 32  # photos whose patches are multiplied at once: the products are large


def round_weights(
    model: ModelDescription,
    layers: Mapping[str, Layer],
    photos: NDArray[np.uint8],
    kept_exact: Collection[str],
) -> dict[str, Layer]:
    """The same layers with their kernels on int8 grids, still as float32 numbers.

    Args:
        model: whose backbone it is.
        layers: its weights.
        photos: uint8 (N, S, S, 3) to see the layers' inputs on.
        kept_exact: names of convolutions that are left alone.
    """
    rounded = dict(layers)
    for name, moment in _second_moments(
        model, photos, [name for name in layers if name not in kept_exact]
    ).items():
        kernel, bias = layers[name]
        matrix = kernel.astype(np.float32).transpose(3, 2, 0, 1)
        on_grid = round_matrix(matrix.reshape(len(matrix), -1), moment).reshape(matrix.shape)
        rounded[name] = on_grid.transpose(2, 3, 1, 0), bias
    return rounded


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
    model: ModelDescription, photos: NDArray[np.uint8], names: list[str]
) -> dict[str, NDArray[np.float32]]:
    """Mean outer products of 3 x 3 patches of the named convolutions' inputs: (in * 9, in * 9) by name."""
    graph = build_graph(model)
    nodes = {node.get_friendly_name(): node for node in graph.get_ordered_ops()}
    first = len(graph.outputs)
    graph.add_outputs([nodes[name].input_value(0) for name in names])
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    request = ov.Core().compile_model(graph, "CPU", exact).create_infer_request()
    random = np.random.default_rng(0)
    moments: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(photos), _TOGETHER):
        patches: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
        for photo in photos[start : start + _TOGETHER]:
            request.infer({0: photo[np.newaxis]})
            for place, name in enumerate(names):
                patches[name].append(_patches(request.get_output_tensor(first + place).data[0], random))
        for name, parts in patches.items():
            rows = np.concatenate(parts)
            product = rows.T @ rows
            product *= np.float32(1 / (_PLACES * len(photos)))
            moments[name] = moments[name] + product if name in moments else product
    return moments


def _patches(layer: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Some 3 x 3 patches of a layer (C, H, W) with its zero padding: (places, C * 9)."""
    channels, height, width = layer.shape
    padded = np.pad(layer, ((0, 0), (1, 1), (1, 1)))
    rows = random.integers(0, height, _PLACES)
    columns = random.integers(0, width, _PLACES)
    places = zip(rows, columns, strict=True)
    return np.stack([padded[:, y : y + 3, x : x + 3].reshape(9 * channels) for y, x in places])
