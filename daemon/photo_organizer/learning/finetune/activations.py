"""What the frozen blocks 1 to 4 see, computed once and kept on disk while a fine-tuning runs.

Augmentation changes the pixels, so its effect below block 5 cannot be had from one cached activation. Instead
each photo is cached as a few views: one as it is, the others flipped, shifted, turned, sheared, zoomed and
brightened at random (the successors of Keras' ImageDataGenerator). Each epoch takes another view of each
photo. Block 5 then trains on the cache, and the nine tenths of VGG16's work that lie below it are done once a
view instead of once an epoch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photo_organizer import fsops
from photo_organizer.vision.backbone.cores import available_cores
from photo_organizer.vision.backbone.engine import BF16_FLAGS, cpu_flags
from photo_organizer.vision.backbone.weights import Layer
from photo_organizer.vision.decode.budget.limits import Limits
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.outcome import PhotoRejectedError

BATCH = 32
FROZEN_BLOCKS = 4
_DEFAULT_CACHE = 4 << 30  # bytes


@dataclass(frozen=True, slots=True)
class Activations:
    """The cache: block 4's output (N, V, H, W, 512) and the pools of lower blocks (N, V, P), both half
    precision.

    View 0 of each photo is the photo as it is.
    """

    maps: NDArray[np.float16]
    pools: NDArray[np.float16]

    @property
    def views(self) -> int:
        """Return how many views of each photo there are."""
        return int(self.maps.shape[1])


def decode_all(
    paths: Sequence[Path], size: int, limits: Limits, folder: Path, progress: Callable[[int], None]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return pixels (N, S, S, 3) of photos, in a file of `folder`, and which were decoded (N,)."""
    shape = (len(paths), size, size, 3)
    pixels = np.lib.format.open_memmap(folder / "pixels.npy", mode="w+", dtype=np.uint8, shape=shape)
    good = np.zeros(len(paths), np.bool_)

    def one(index: int) -> None:
        try:
            with os.fdopen(fsops.open_photo(paths[index]), "rb") as file:
                pixels[index] = decode(file.read(), size, limits).pixels
            good[index] = True
        except (OSError, PhotoRejectedError):  # gone or damaged since the scan: trained without
            return

    with ThreadPoolExecutor(available_cores()) as pool:
        for done, _ in enumerate(pool.map(one, range(len(paths))), start=1):
            progress(done)
    return pixels, good


def affordable_views(photos: int, size: int, wanted: int, cache: int = _DEFAULT_CACHE) -> int:
    """Return how many of the wanted views fit into the cache, at least one."""
    bytes_a_view = (size // 16) ** 2 * 512 * 2
    return max(1, min(wanted, cache // max(1, photos * bytes_a_view)))


def compute_activations(
    layers: dict[str, Layer],
    feature_layers: Sequence[tuple[int, str]],
    pixels: NDArray[np.uint8],
    *,
    views: int,
    folder: Path,
    progress: Callable[[int, int], None],
) -> Activations:
    """Run the frozen blocks over each view of each photo.

    Args:
        layers: the backbone's.
        feature_layers: the model's features; pools of blocks 1 to 4 are kept too.
        pixels: (N, S, S, 3).
        views: V, the first of which is the photo as it is.
        folder: on disk, for the cache.
        progress: called with (done, of how many) views.
    """
    keras = _keras()
    size = pixels.shape[1]
    frozen = FrozenBlocks(layers, feature_layers, size)
    augment = augmentation(keras)
    side, width = size // 16, sum(frozen.pool_widths)
    maps = np.lib.format.open_memmap(
        folder / "maps.npy", mode="w+", dtype=np.float16, shape=(len(pixels), views, side, side, 512)
    )
    pools = np.zeros((len(pixels), views, width), np.float16)
    for view in range(views):
        for start in range(0, len(pixels), BATCH):
            batch = pixels[start : start + BATCH].astype(np.float32)
            if view:
                batch = augment(batch, training=True)
            seen, lower = frozen(batch)
            maps[start : start + BATCH, view] = seen
            pools[start : start + BATCH, view] = lower
            progress(view * len(pixels) + start + len(seen), views * len(pixels))
    return Activations(maps, pools)


def augmentation(keras: Any) -> Any:  # noqa: ANN401 (Keras has no types)
    """Return random flips, shifts, rotations, shear, zoom and brightness for photos from 0 to 255."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.RandomFlip("horizontal", seed=1),
            layers.RandomTranslation(0.08, 0.08, fill_mode="reflect", seed=2),
            layers.RandomRotation(0.03, fill_mode="reflect", seed=3),
            layers.RandomShear(0.08, 0.08, fill_mode="reflect", seed=4),
            layers.RandomZoom((-0.2, 0.05), fill_mode="reflect", seed=5),
            layers.RandomBrightness(0.15, value_range=(0, 255), seed=6),
        ]
    )


class FrozenBlocks:
    """Blocks 1 to 4 in bfloat16, which CPUs with AMX or AVX-512 bf16 run at twice the speed; float32
    elsewhere.
    """

    def __init__(
        self, layers: dict[str, Layer], feature_layers: Sequence[tuple[int, str]], size: int
    ) -> None:
        import tensorflow as tf  # noqa: PLC0415 (seconds)

        keras = _keras()
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16" if cpu_flags() & BF16_FLAGS else "float32")
        try:
            vgg = keras_vgg(layers, size)
        finally:
            keras.config.set_dtype_policy(before)
        lower = [(block, kind) for block, kind in feature_layers if block <= FROZEN_BLOCKS]
        pool = {"avg": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}
        outputs = [pool[kind]()(vgg.get_layer(f"block{block}_pool").output) for block, kind in lower]
        self.pool_widths = [int(output.shape[-1]) for output in outputs]
        model = keras.Model(vgg.input, [vgg.get_layer("block4_pool").output, *outputs])
        self._run = tf.function(
            lambda photos: model(photos / 127.5 - 1, training=False),
            input_signature=[tf.TensorSpec([None, size, size, 3], tf.float32)],
        )

    def __call__(self, photos: Any) -> tuple[NDArray[np.float16], NDArray[np.float16]]:  # noqa: ANN401 (Keras)
        outputs = self._run(photos)
        seen, lower = (outputs[0], outputs[1:]) if isinstance(outputs, (list, tuple)) else (outputs, ())
        pools = [np.asarray(pool, np.float32) for pool in lower]
        count = len(seen)
        joined = np.concatenate(pools, axis=1) if pools else np.zeros((count, 0), np.float32)
        return np.asarray(seen, np.float32).astype(np.float16), joined.astype(np.float16)


def keras_vgg(layers: dict[str, Layer], size: int) -> Any:  # noqa: ANN401 (Keras has no types)
    """Return `keras.applications.VGG16` without its top, with these weights."""
    vgg = _keras().applications.VGG16(weights=None, include_top=False, input_shape=(size, size, 3))
    for name, weights in layers.items():
        vgg.get_layer(name).set_weights(list(weights))
    return vgg


def _keras() -> Any:  # noqa: ANN401 (Keras has no types)
    import keras  # noqa: PLC0415 (TensorFlow)

    return keras
