"""The curves of the head's training: loss and accuracy after each step, on training and held-out photos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photo_organizer.learning.events import Epoch
from photo_organizer.learning.head.head import Floats, Head, Labels, log_softmax
from photo_organizer.learning.head.samples import Samples

_MOST = 1500  # photos of either kind that are looked at after each step


class CurveRecorder:
    """Give `watch` to `train_head`; then `epochs` has the curve.

    Args:
        training: the owner's training photos.
        validation: held-out photos of the owner and held-out exemplars; may be none.
    """

    def __init__(self, training: Samples, validation: Sequence[Samples]) -> None:
        self.epochs: list[Epoch] = []
        self._training = _part([training])
        self._validation = _part(validation)

    def watch(self, stage: str, head: Head) -> None:
        """Add a point to the curve."""
        loss, accuracy = _figures(head, *self._training)
        validation_loss, validation_accuracy = _figures(head, *self._validation)
        number = len(self.epochs) + 1
        self.epochs.append(Epoch(stage, number, loss, accuracy, validation_loss, validation_accuracy))


def _part(sets: Sequence[Samples]) -> tuple[Floats, Labels]:
    features = np.concatenate([samples.features for samples in sets])
    labels = np.concatenate([samples.labels for samples in sets])
    chosen = np.random.default_rng(0).permutation(len(labels))[:_MOST]
    return features[chosen], labels[chosen]


def _figures(head: Head, features: Floats, labels: Labels) -> tuple[float, float]:
    if len(labels) == 0:
        return float("nan"), float("nan")
    logits = head.logits(features)
    losses = -log_softmax(logits)[np.arange(len(labels)), labels]
    return float(losses.mean()), float((logits.argmax(axis=1) == labels).mean())
