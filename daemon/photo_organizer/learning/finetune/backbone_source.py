"""Where a new backbone's weights come from: the champion's, the official ImageNet ones, or a file of the
owner's.

All of them end as the layers of this project's VGG16, which takes blue, green and red scaled to -1 to 1. The
official weights (and any `.weights.h5` of `keras.applications.VGG16`) expect values from 0 to 255 less the
mean colour of ImageNet; that difference is folded into the first convolution:

    W (127.5 u + 127.5 - mean) + b  =  (127.5 W) u  +  (b + sum W (127.5 - mean))

Only arrays are read: .npz without pickles, and HDF5 weights into layers that exist already.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photo_organizer.errors import OrganizerError
from photo_organizer.vision.backbone.weights import Layer, read_backbone

IMAGENET_MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # blue, green, red: keras.applications.vgg16
_LARGEST_HALF = 65_000.0


class BackboneError(OrganizerError):
    """The configured backbone cannot be had."""


def official_backbone(model_directory: Path) -> dict[str, Layer]:
    """Return the ImageNet weights of `keras.applications.VGG16`: downloaded once by Keras, which checks
    them, and kept.

    Args:
        model_directory: Keras keeps its file in `.keras/` below.

    Raises:
        BackboneError: they are not there and cannot be downloaded.
    """
    # Read by Keras when it is imported, which is why it must not have been before.
    os.environ.setdefault("KERAS_HOME", str(model_directory / ".keras"))
    keras = _keras()
    try:
        vgg = keras.applications.VGG16(weights="imagenet", include_top=False)
    except Exception as error:  # Keras raises a plain Exception for what goes wrong on the network
        if isinstance(error, (MemoryError, AssertionError)):
            raise
        raise BackboneError(
            f"the ImageNet weights cannot be downloaded ({type(error).__name__}: {str(error)[:120]})",
            where="model.backbone: imagenet",
            remedy="connect to the network and train again, or set model.backbone: starter "
            "(the model in use goes on working)",
        ) from error
    return folded(_layers_of(vgg))


def backbone_from_file(path: Path) -> dict[str, Layer]:
    """Return a backbone from a file: `.npz` as in our model folders, or `.weights.h5` of
    `keras.applications.VGG16`.

    Raises:
        BackboneError: the file is missing, of another kind, or not VGG16's.
    """
    if not path.is_file():
        raise BackboneError("there is no such weights file", where=path, remedy="correct model.backbone")
    if path.suffix == ".npz":
        return read_backbone(path)
    if not path.name.endswith(".weights.h5"):
        raise BackboneError(
            "weights are read from .npz and .weights.h5 files only",
            where=path,
            remedy='save them with keras: model.save_weights("vgg16.weights.h5")',
        )
    vgg = _keras().applications.VGG16(weights=None, include_top=False)
    try:
        vgg.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        what = "these are not the weights of keras.applications.VGG16(include_top=False)"
        raise BackboneError(what, where=path) from error
    return folded(_layers_of(vgg))


def folded(layers: dict[str, Layer]) -> dict[str, Layer]:
    """Convert layers that expect ImageNet's mean subtracted to layers that expect -1 to 1; see the module."""
    kernel, bias = layers["block1_conv1"]
    shifted = bias + np.einsum("hwio,i->o", kernel, 127.5 - IMAGENET_MEAN)
    return {**layers, "block1_conv1": (kernel * 127.5, shifted.astype(np.float32))}


def write_backbone(layers: dict[str, Layer], path: Path) -> None:
    """Write `backbone.npz`: kernels in half precision, biases in single.

    Raises:
        BackboneError: a weight is not finite, or too large for half precision.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name, (kernel, bias) in layers.items():
        if not (np.isfinite(bias).all() and np.abs(kernel).max() < _LARGEST_HALF):
            raise BackboneError(f"the weights of {name} are not finite numbers of a usable size", where=path)
        arrays[f"{name}/kernel"] = kernel.astype(np.float16)
        arrays[f"{name}/bias"] = bias.astype(np.float32)
    np.savez(path, **arrays)  # type: ignore[arg-type]  # numpy's stub takes names for options


def _layers_of(vgg: Any) -> dict[str, Layer]:  # noqa: ANN401 (Keras has no types)
    layers = {}
    for layer in vgg.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            layers[layer.name] = (kernel, bias)
    return layers


def _keras() -> Any:  # noqa: ANN401 (Keras has no types)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras  # noqa: PLC0415 (TensorFlow: seconds, hundreds of megabytes)

    return keras
