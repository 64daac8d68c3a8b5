"""Complete small models and photos for tests: no download, no training, right answers all the same.

The backbone is a VGG16 of full width with seeded random weights, except that its first six channels carry
the photo's colour unchanged from layer to layer (ReLU(x) and ReLU(-x) of blue, green and red). The head looks
at these alone: each category has a colour of its own, and a photo of that colour is recognised with
confidence near 1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

CATEGORIES = (
    "Family",
    "Friends",
    "Travel",
    "Nature",
    "Events",
    "Pets",
    "Food",
    "Hobbies",
    "Selfies",
    "Others",
)
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))  # (convolutions, channels) of VGG16
COLOUR_CHANNELS = 6


def make_model(
    directory: Path,
    categories: Sequence[str] = CATEGORIES,
    input_size: int = 32,
    *,
    features: Sequence[str] = ("block5.avg",),
    flip: bool = False,
    model_id: str | None = None,
    seed: int = 1,
    sharpness: float = 30.0,
) -> Path:
    """Write a complete model into `directory` (made when it is not there) and return it.

    Args:
        model_id: the id in model.json; the folder's name when None.
        features: pools over the outputs of the blocks, the first of which must be `block5.avg`.
        seed: of the weights that do not carry the colour.
        sharpness: how steeply confidence falls with the distance of a photo's colour from its category's.
    """
    directory.mkdir(parents=True, exist_ok=True)
    width = sum(BLOCKS[int(name[5]) - 1][1] for name in features)
    prototypes = colour_features(colours(categories))
    random = np.random.default_rng(seed)

    np.savez(directory / "backbone.npz", **_backbone(seed))
    kernel = np.zeros((width, len(categories)), np.float32)
    points = prototypes[:, :3] - prototypes[:, 3:]
    kernel[:3] = 2 * sharpness * points.T
    kernel[3:6] = -kernel[:3]
    np.savez(
        directory / "head.npz", kernel=kernel, bias=(-sharpness * (points**2).sum(axis=1)).astype(np.float32)
    )

    labels = np.arange(4 * len(categories), dtype=np.int16) % len(categories)
    exemplars = np.abs(random.normal(0, 0.02, (len(labels), width)))
    exemplars[:, :COLOUR_CHANNELS] += prototypes[labels]
    np.savez(directory / "exemplars.npz", features=exemplars.astype(np.float16), labels=labels)

    files = ("backbone.npz", "head.npz", "exemplars.npz")
    description = {
        "id": model_id or directory.name,
        "made": "2026-11-22T12:00:00+00:00",
        "categories": list(categories),
        "backbone": "vgg16",
        "input_size": input_size,
        "preprocessing": "bgr, x / 127.5 - 1",
        "features": list(features),
        "flip": flip,
        "parent": None,
        "data": {"photos": len(labels)},
        "metrics": {},
        "temperature": 1.0,
        "thresholds": {"default": 0.5},
        "files": {name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in files},
    }
    (directory / "model.json").write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    return directory


def draw_photo(
    path: Path,
    category: str,
    *,
    between: str | None = None,
    categories: Sequence[str] = CATEGORIES,
    seed: int = 0,
    size: tuple[int, int] = (64, 48),
) -> Path:
    """Write a photo that these models put into `category`, in the format of the suffix; each `seed` differs.

    Args:
        between: another category; the photo is then half way between the two, for neither above 0.5 or so.
        size: width and height in pixels.
    """
    names = list(categories)
    colour = colours(categories)[[names.index(category), names.index(between or category)]].mean(axis=0)
    noise = np.random.default_rng(seed).integers(-3, 4, (size[1], size[0], 3), dtype=np.int16)
    pixels = np.clip(np.rint(colour) + noise, 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(path.suffix, pixels)[1]
    path.write_bytes(encoded.tobytes())
    return path


def colours(categories: Sequence[str]) -> NDArray[np.uint8]:
    """One colour (blue, green, red) a category, far from each other: a grid of three steps a channel."""
    levels = [(b, g, r) for b in (0, 128, 255) for g in (0, 128, 255) for r in (0, 128, 255)]
    order = np.random.default_rng(27).permutation(len(levels))
    if len(categories) > len(levels):
        raise ValueError(f"colours for at most {len(levels)} categories")
    return np.array([levels[index] for index in order[: len(categories)]], np.uint8)


def colour_features(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the first six channels of the backbone hold for photos of these colours (N, 3): (N, 6)."""
    scaled = bgr.astype(np.float32) / 127.5 - 1
    return np.concatenate([np.maximum(scaled, 0), np.maximum(-scaled, 0)], axis=1)


@cache
def _backbone(seed: int) -> dict[str, NDArray[np.generic]]:
    random = np.random.default_rng(seed)
    arrays: dict[str, NDArray[np.generic]] = {}
    channels = 3
    for block, (convolutions, width) in enumerate(BLOCKS, start=1):
        for convolution in range(1, convolutions + 1):
            kernel = random.standard_normal((3, 3, channels, width), np.float32) * np.sqrt(2 / (9 * channels))
            bias = random.normal(0, 0.01, width).astype(np.float32)
            kernel[..., :COLOUR_CHANNELS] = 0
            bias[:COLOUR_CHANNELS] = 0
            if channels == 3:
                kernel[1, 1, :, :COLOUR_CHANNELS] = np.concatenate([np.eye(3), -np.eye(3)], axis=1)
            else:
                kernel[1, 1, :COLOUR_CHANNELS, :COLOUR_CHANNELS] = np.eye(COLOUR_CHANNELS)
            name = f"block{block}_conv{convolution}"
            arrays[f"{name}/kernel"] = kernel.astype(np.float16)
            arrays[f"{name}/bias"] = bias
            channels = width
    return arrays
