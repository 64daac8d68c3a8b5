"""Fold batch normalisation into the 13 convolutions of VGG16. NumPy only.

A convolution without bias followed by normalisation with gamma, beta, mean and variance computes
``(x * kernel - mean) * scale + beta`` with ``scale = gamma / sqrt(variance + epsilon)``, which is the
convolution with ``kernel * scale`` and the bias ``beta - mean * scale``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipe.arrays import Arrays, float32

EPSILON = 1e-3
MOMENTUM = 0.97


@dataclass(frozen=True)
class ConvolutionPlace:
    """A convolution: its block (1 to 5), its number in the block, and its output channels."""

    block: int
    number: int
    channels: int

    @property
    def convolution(self) -> str:
        """Return the layer's name, as in ``keras.applications``."""
        return f"block{self.block}_conv{self.number}"

    @property
    def normalisation(self) -> str:
        """Return the name of the batch normalisation that follows it."""
        return f"block{self.block}_bn{self.number}"


BLOCKS: tuple[tuple[int, int], ...] = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
PLACES: tuple[ConvolutionPlace, ...] = tuple(
    ConvolutionPlace(block, number, channels)
    for block, (channels, count) in enumerate(BLOCKS, 1)
    for number in range(1, count + 1)
)


def fold(weights: Mapping[str, NDArray[Any]]) -> Arrays:
    """Fold trained weights (names as in `get_named_weights`) into plain convolutions, ``kernel`` and
    ``bias``, float32.
    """
    folded: Arrays = {}
    for place in PLACES:
        norm = place.normalisation
        scale = weights[f"{norm}/gamma"] / np.sqrt(weights[f"{norm}/moving_variance"] + EPSILON)
        folded[f"{place.convolution}/kernel"] = float32(weights[f"{place.convolution}/kernel"] * scale)
        folded[f"{place.convolution}/bias"] = float32(
            weights[f"{norm}/beta"] - weights[f"{norm}/moving_mean"] * scale
        )
    return folded


def folded_backbone(source: Path) -> Arrays:
    """Read a checkpoint or folded convolutions, and return them folded.

    Kernels are rounded to float16, as they are stored, so that what is measured is what is shipped.

    Raises:
        ValueError: it is neither.
    """
    with np.load(source) as file:
        arrays: Arrays = {name: file[name] for name in file.files if name.startswith("block")}
    if f"{PLACES[0].convolution}/kernel" not in arrays:
        raise ValueError(f"{source} has no {PLACES[0].convolution}/kernel: neither a checkpoint nor a VGG16")
    if f"{PLACES[0].convolution}/bias" not in arrays:
        arrays = fold(arrays)
    return {
        name: np.asarray(value, np.float16 if name.endswith("/kernel") else np.float32)
        for name, value in arrays.items()
    }
