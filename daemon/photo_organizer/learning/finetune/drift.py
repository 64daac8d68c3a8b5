"""How features moved when the backbone changed, learned on photos that both backbones saw, applied to others.

    new = old + shift + standardised(old) @ matrix

fitted by ridge regression; how strongly the matrix is held back is chosen by cross-validation, and the
choices include "no matrix at all". For features whose photos are gone (the starter's exemplars) this is the
best guess there is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats, Scaling

_STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)  # relative to the number of photos
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Drift:
    """The fitted map. `explained` is the share of the movement that it predicts on photos it was not fitted
    on.
    """

    scaling: Scaling
    shift: Floats
    matrix: Floats
    explained: float

    @classmethod
    def of(cls, old: Floats, new: Floats) -> Drift:
        """Fit the map from old features (N, F) to new ones (N, F) of the same photos."""
        scaling = Scaling.of(old)
        inputs, moved = scaling.apply(old), new - old
        fold = np.random.default_rng(0).permutation(len(old)) % _FOLDS
        errors: dict[float | None, float] = {None: _error_without(moved, fold)}
        for strength in _STRENGTHS:
            errors[strength] = sum(
                _error(inputs, moved, fold == number, strength) for number in range(_FOLDS)
            )
        best = min(errors, key=lambda it: errors[it])
        shift = moved.mean(axis=0)
        matrix = np.zeros((old.shape[1], old.shape[1]), np.float32)
        if best is not None:
            matrix = _ridge(inputs, moved - shift, best)
        total = float((moved**2).sum())
        return cls(scaling, shift, matrix, 1 - errors[best] / total if total else 1.0)

    def apply(self, old: Floats) -> Floats:
        """Return the guessed new features of old ones (N, F); pools of rectified activations are never
        negative.
        """
        if len(old) == 0:
            return old
        return np.maximum(old + self.shift + self.scaling.apply(old) @ self.matrix, 0).astype(np.float32)


def _error(inputs: Floats, moved: Floats, held: NDArray[np.bool_], strength: float) -> float:
    shift = moved[~held].mean(axis=0)
    matrix = _ridge(inputs[~held], moved[~held] - shift, strength)
    return float(((moved[held] - shift - inputs[held] @ matrix) ** 2).sum())


def _error_without(moved: Floats, fold: NDArray[np.int64]) -> float:
    return sum(
        float(((moved[fold == number] - moved[fold != number].mean(axis=0)) ** 2).sum())
        for number in range(_FOLDS)
    )


def _ridge(inputs: Floats, targets: Floats, strength: float) -> Floats:
    """Return (X'X + s N I)^-1 X'Y, by the smaller of the two equivalent systems."""
    count, width = inputs.shape
    if count < width:
        kernel = inputs @ inputs.T + strength * count * np.eye(count, dtype=np.float32)
        return np.asarray(inputs.T @ np.linalg.solve(kernel, targets), np.float32)
    gram = inputs.T @ inputs + strength * count * np.eye(width, dtype=np.float32)
    return np.asarray(np.linalg.solve(gram, inputs.T @ targets), np.float32)
