"""The arrays of a model folder, checked for their shapes as they are read. No pickles are ever loaded."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer.models.manifest import ModelError
from photo_organizer.models.serving_model import BLOCK_DEPTHS, BLOCK_WIDTHS, ModelDescription

Layer = tuple[NDArray[np.floating], NDArray[np.floating]]


def read_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """All arrays of an .npz file.

    Raises:
        ModelError: the file is missing or is not one.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"the weights cannot be read ({error})", where=path) from error


def read_backbone(path: Path) -> dict[str, Layer]:
    """Kernels (3, 3, in, out) and biases (out,) of VGG16's 13 convolutions, by layer name, first to last.

    Raises:
        ModelError: a layer is missing or has another shape.
    """
    arrays = read_arrays(path)
    layers: dict[str, Layer] = {}
    channels = 3
    for block, (depth, width) in enumerate(zip(BLOCK_DEPTHS, BLOCK_WIDTHS, strict=True), start=1):
        for convolution in range(1, depth + 1):
            name = f"block{block}_conv{convolution}"
            kernel, bias = arrays.get(f"{name}/kernel"), arrays.get(f"{name}/bias")
            if (
                kernel is None
                or bias is None
                or kernel.shape != (3, 3, channels, width)
                or bias.shape != (width,)
            ):
                raise ModelError(f"the backbone's layer {name} is missing or is not VGG16's", where=path)
            layers[name] = (kernel.astype(np.float32), bias.astype(np.float32))
            channels = width
    return layers


def read_head(model: ModelDescription) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel (F, C) and bias (C,) of the model's head.

    Raises:
        ModelError: they do not fit the model's features and categories.
    """
    path = model.directory / "head.npz"
    arrays = read_arrays(path)
    kernel, bias = arrays.get("kernel"), arrays.get("bias")
    shape = (model.feature_size, len(model.categories))
    if kernel is None or bias is None or kernel.shape != shape or bias.shape != shape[1:]:
        raise ModelError("the head does not fit the model's features and categories", where=path)
    return kernel.astype(np.float32), bias.astype(np.float32)
