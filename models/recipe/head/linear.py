"""Linear heads on plain features: the solver of `learning.head` without a prior."""

from __future__ import annotations

import numpy as np

from photo_organizer.learning.head.head import Floats, Head, Labels, Scaling, fit


def one_hot(labels: Labels, classes: int) -> Floats:
    """Convert labels (N,) to one-hot targets, float32 (N, classes)."""
    return np.eye(classes, dtype=np.float32)[labels]


def class_weights(labels: Labels, classes: int, *, balance: float = 0.5) -> Floats:
    """Return the weight of each photo, (share of its class) ** -balance, mean 1.

    Args:
        labels: int64 (N,).
        classes: C.
        balance: 0 weights classes by their size, 1 weights them equally.
    """
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    weights = counts[labels].astype(np.float64) ** -balance
    return np.asarray(weights / weights.mean(), np.float32)


def softmax(logits: Floats) -> Floats:
    """Return the softmax of each row, float32."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)


def fit_linear(
    features: Floats, targets: Floats, weights: Floats, categories: tuple[str, ...], strength: float
) -> Head:
    """Fit a head on plain features.

    Args:
        features: float32 (N, F).
        targets: float32 (N, C), rows sum to 1.
        weights: float32 (N,).
        categories: C names.
        strength: of the penalty on the kernel for standardised features.
    """
    scaling = Scaling.of(features)
    shape = (features.shape[1], len(categories))
    nothing = Head(np.zeros(shape, np.float32), np.zeros(len(categories), np.float32), categories)
    return scaling.from_scaled(
        fit(scaling.apply(features), targets, weights, prior=nothing, strength=strength)
    )
