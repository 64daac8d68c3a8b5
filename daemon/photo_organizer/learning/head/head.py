"""The head: multinomial logistic regression on the backbone's features, drawn towards a head that is known to
be good.

    minimise  sum_i w_i * crossentropy_i / sum_i w_i  +  strength / 2 * ||W - W0||^2

W0 is the head with which the backbone was born (the starter's: fitted on many more photos than the exemplars
that it left behind), so that a handful of corrections moves the head only where they speak, and a retraining
depends on the labels and not on the order in which they came. Features are standardised for the penalty; the
result is folded back to plain features. Solved by L-BFGS (scipy), float32 products, float64 parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

_SMALLEST_SCALE = 1e-4  # a feature that hardly varies is not blown up


@dataclass(frozen=True, slots=True)
class Head:
    """Logits = features @ kernel + bias, one column a category."""

    kernel: Floats  # (features, categories)
    bias: Floats  # (categories,)
    categories: tuple[str, ...]

    def logits(self, features: Floats) -> Floats:
        """Return logits (N, categories) of features (N, F)."""
        return np.asarray(features @ self.kernel + self.bias, np.float32)

    def for_categories(self, categories: Sequence[str]) -> Head:
        """Return the same head for other categories: known columns are kept, new ones are neutral.

        A softmax does not change when all logits shift together. Columns are therefore centred on the known
        categories' mean first, so that a new column of zeros says "an average category".
        """
        kernel = np.zeros((len(self.kernel), len(categories)), np.float32)
        bias = np.zeros(len(categories), np.float32)
        position = {name: index for index, name in enumerate(self.categories)}
        known = [position[name] for name in categories if name in position]
        if known:
            kernel_mean, bias_mean = self.kernel[:, known].mean(axis=1), self.bias[known].mean()
            for column, name in enumerate(categories):
                if name in position:
                    kernel[:, column] = self.kernel[:, position[name]] - kernel_mean
                    bias[column] = self.bias[position[name]] - bias_mean
        return Head(kernel, bias, tuple(categories))

    def renamed(self, names: Mapping[str, str]) -> Head:
        """Return the same head with categories renamed."""
        return Head(self.kernel, self.bias, tuple(names.get(name, name) for name in self.categories))

    def save(self, path: Path) -> None:
        """Write `kernel` and `bias` to an .npz file."""
        np.savez(path, kernel=self.kernel.astype(np.float32), bias=self.bias.astype(np.float32))

    @classmethod
    def load(cls, path: Path, categories: Sequence[str]) -> Head:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(
                arrays["kernel"].astype(np.float32), arrays["bias"].astype(np.float32), tuple(categories)
            )


@dataclass(frozen=True, slots=True)
class Scaling:
    """Mean and deviation of each feature."""

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, features: Floats) -> Scaling:
        deviation = features.std(axis=0)
        return cls(
            features.mean(axis=0).astype(np.float32),
            np.maximum(deviation, _SMALLEST_SCALE).astype(np.float32),
        )

    def apply(self, features: Floats) -> Floats:
        """Return standardised features, in single precision."""
        return np.asarray((features - self.mean) / self.scale, np.float32)

    def to_scaled(self, head: Head) -> Head:
        """Return the head that gives the same logits on standardised features."""
        return Head(head.kernel * self.scale[:, None], head.bias + self.mean @ head.kernel, head.categories)

    def from_scaled(self, head: Head) -> Head:
        """Return the head that gives the same logits on plain features."""
        kernel = head.kernel / self.scale[:, None]
        return Head(kernel, head.bias - self.mean @ kernel, head.categories)


def fit(
    features: Floats,
    targets: Floats,
    weights: Floats,
    *,
    prior: Head,
    strength: float,
    start: Head | None = None,
    steps: int = 300,
    watch: Callable[[Head], None] | None = None,
) -> Head:
    """Fit a head.

    Args:
        features: (N, F), standardised.
        targets: (N, C) probabilities wanted, in the order of the prior's categories.
        weights: (N,) not negative; only their proportions matter.
        prior: the head to be drawn to, for standardised features; neutral (zero) columns where nothing is
            known.
        strength: of the pull towards the prior; above 0.
        start: where to begin; the prior when None. The result does not depend on it.
        steps: of L-BFGS at most.
        watch: called with the head after each step.

    Returns:
        The head, for standardised features.
    """
    width = features.shape[1]
    classes = len(prior.categories)
    share = (weights / weights.sum()).astype(np.float32)
    anchor = np.vstack([prior.kernel, prior.bias[None]]).astype(np.float64)
    begin = prior if start is None else start
    penalty = np.full((width + 1, 1), strength)
    penalty[-1] = strength * 0.1  # how common a category is may be learned more freely than how it looks

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        parameters = flat.reshape(width + 1, classes)
        logits = features @ parameters[:-1].astype(np.float32) + parameters[-1].astype(np.float32)
        probabilities, log_total = _softmax(logits)
        loss = float(share @ (log_total - (logits * targets).sum(axis=1)))
        difference = parameters - anchor
        error = (probabilities - targets) * share[:, None]
        gradient = penalty * difference
        gradient[:-1] += features.T @ error
        gradient[-1] += error.sum(axis=0)
        return loss + 0.5 * float((penalty * difference**2).sum()), gradient.ravel()

    initial = np.vstack([begin.kernel, begin.bias[None]]).astype(np.float64).ravel()

    def unpacked(flat: NDArray[np.float64]) -> Head:
        parameters = flat.reshape(width + 1, classes).astype(np.float32)
        return Head(parameters[:-1], parameters[-1], prior.categories)

    callback = None if watch is None else lambda flat: watch(unpacked(flat))
    options = {"maxiter": steps, "ftol": 1e-7, "gtol": 1e-5}
    solution = minimize(objective, initial, jac=True, method="L-BFGS-B", callback=callback, options=options)
    return unpacked(solution.x)


def one_hot(labels: Labels, categories: int) -> Floats:
    """Return targets (N, C) that are sure of the labels (N,)."""
    targets = np.zeros((len(labels), categories), np.float32)
    targets[np.arange(len(labels)), labels] = 1
    return targets


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Return probabilities (N, C) of logits (N, C)."""
    return _softmax(np.asarray(logits / temperature, np.float32))[0]


def log_softmax(logits: Floats) -> Floats:
    """Return logarithms of the probabilities of logits (N, C)."""
    return np.asarray(logits - _softmax(logits)[1][:, None], np.float32)


def _softmax(logits: Floats) -> tuple[Floats, Floats]:
    """Return probabilities, and the logarithm of the sum of exponentials."""
    top = logits.max(axis=1, keepdims=True)
    exponentials = np.exp(logits - top)
    total = exponentials.sum(axis=1, keepdims=True)
    return exponentials / total, (np.log(total) + top)[:, 0]
