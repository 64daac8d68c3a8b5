"""Photos as a head is trained on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats, Labels, Scaling


@dataclass(frozen=True, slots=True)
class Samples:
    """Features (N, F), labels (N,) as positions in the categories, weights (N,), groups (N,) that stay
    together.
    """

    features: Floats
    labels: Labels
    weights: Floats
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Samples:
        """Return the chosen rows."""
        return Samples(self.features[chosen], self.labels[chosen], self.weights[chosen], self.groups[chosen])

    def scaled(self, scaling: Scaling) -> Samples:
        """Return the same with standardised features."""
        return Samples(scaling.apply(self.features), self.labels, self.weights, self.groups)

    def weighted(self, factors: Floats) -> Samples:
        """Return the same with the weights multiplied by `factors` (N,)."""
        weights = np.asarray(self.weights * factors, np.float32)
        return Samples(self.features, self.labels, weights, self.groups)
