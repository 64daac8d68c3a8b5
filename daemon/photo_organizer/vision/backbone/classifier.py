"""From feature vectors to calibrated probabilities: the model's head, in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from photo_organizer.models.manifest import ModelError
from photo_organizer.models.serving_model import ModelDescription
from photo_organizer.typed_command import typed
from photo_organizer.vision.backbone.weights import read_head


class Classifier:
    """A model's head, restricted to the categories that the owner has.

    A category of the model that the owner does not have is left out and the others are scaled to a sum of 1,
    which is what the model would say if that category were known to be impossible. A category of the owner
    that the model has not learned gets probability 0.

    Args:
        model: whose head to read.
        categories: the owner's, in the order of the probabilities.

    Raises:
        ModelError: the head does not fit, or the two have no category in common.
    """

    def __init__(self, model: ModelDescription, categories: Sequence[str]) -> None:
        self.categories = tuple(categories)
        kernel, bias = read_head(model)
        places = {name: place for place, name in enumerate(model.categories)}
        self._known = np.array([place for place, name in enumerate(categories) if name in places], np.intp)
        if not self._known.size:
            raise ModelError(
                "the model knows none of the configured categories",
                where=model.directory,
                remedy=f"sort some photos by hand and run `{typed('train')}`",
            )
        chosen = [places[categories[place]] for place in self._known]
        self._kernel = kernel[:, chosen] / model.temperature
        self._bias = bias[chosen] / model.temperature

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (N, C) in the order of `categories` for features (N, F); each row sums to 1."""
        logits = (features @ self._kernel + self._bias).astype(np.float64)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = np.zeros((len(features), len(self.categories)))
        probabilities[:, self._known] = weights / weights.sum(axis=1, keepdims=True)
        return probabilities
