"""What a model's heads said of photos that they had not been trained on, kept with the model.

`out-of-fold.npz` in the model's folder: `photos` (N,) sha256 in ASCII, `probabilities` (N, C) float16 in the
order of the model's categories. It lets a later challenger and this model be compared on equal terms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from photo_organizer.learning.data.training_data import OUT_OF_FOLD
from photo_organizer.learning.head.head import Floats
from photo_organizer.models.manifest import read_manifest


def save_out_of_fold(model: Path, photos: Sequence[str], probabilities: Floats) -> None:
    """Write the predictions (N, C) of `photos` (sha256) into the folder of a model."""
    np.savez(
        model / OUT_OF_FOLD,
        photos=np.array(photos, "S64"),
        probabilities=probabilities.astype(np.float16),
    )


def load_out_of_fold(model: Path, categories: Sequence[str], renamed: Mapping[str, str]) -> dict[str, Floats]:
    """Return a model's predictions (C,) by sha256, for today's categories; none when the model has none.

    Args:
        model: its folder.
        categories: today's, in the order wanted; one that the model does not know has probability 0.
        renamed: categories that the owner renamed, old to new.
    """
    manifest = read_manifest(model)
    if OUT_OF_FOLD not in manifest.files:
        return {}
    names = [renamed.get(name, name) for name in manifest.categories]
    columns = [(place, names.index(name)) for place, name in enumerate(categories) if name in names]
    with np.load(model / OUT_OF_FOLD, allow_pickle=False) as arrays:
        photos, said = arrays["photos"].tolist(), arrays["probabilities"].astype(np.float32)
    predictions = np.zeros((len(photos), len(categories)), np.float32)
    for place, column in columns:
        predictions[:, place] = said[:, column]
    predictions /= np.maximum(predictions.sum(axis=1, keepdims=True), 1e-6)
    return {photo.decode("ascii"): prediction for photo, prediction in zip(photos, predictions, strict=True)}
