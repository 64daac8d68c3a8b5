"""Category targets for every photo, and labels that the photos contradict.

A linear classifier on the teacher's embedding is cross-fitted to the training labels, so that a photo's own
label has no influence on its prediction. The predictions

- are the targets of photos without a label,
- are mixed into the targets of labelled photos, and
- replace a label where they give it almost no probability and another category nearly all (after Northcutt,
  Jiang and Chuang, 'Confident Learning', 2021, with fixed limits instead of per-class averages, because some
  categories here are noisy throughout).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats
from recipe.data.split import Integers, folds_by_group
from recipe.head.linear import class_weights, fit_linear, one_hot, softmax

STRENGTH = 1e-2
FOLDS = 5
DOUBT_LABEL_BELOW = 0.05
DOUBT_OTHER_ABOVE = 0.80
OWN_LABEL_SHARE = 0.6
DOUBTED_WEIGHT = 0.5
UNLABELLED_WEIGHT = 0.7


@dataclass(frozen=True)
class SoftLabels:
    """``targets`` float32 (N, C), rows sum to 1; ``weights`` float32 (N,); ``doubted`` bool (N,)."""

    targets: Floats
    weights: Floats
    doubted: NDArray[np.bool_]


def doubted_labels(probabilities: Floats, labels: Integers) -> NDArray[np.bool_]:
    """Return where out-of-fold ``probabilities`` (N, C) confidently contradict ``labels`` (N,), bool (N,).

    Missing labels (-1) are never contradicted.
    """
    of_label = probabilities[np.arange(len(labels)), np.maximum(labels, 0)]
    contradicted = (of_label < DOUBT_LABEL_BELOW) & (probabilities.max(1) > DOUBT_OTHER_ABOVE)
    return np.asarray(contradicted & (labels >= 0))


def cross_fitted(embedding: Floats, labels: Integers, groups: Integers, classes: int) -> Floats:
    """Predict probabilities, float32 (N, C): out of fold for labelled photos, else the mean of all folds.

    Args:
        embedding: float32 (N, F).
        labels: int64 (N,), -1 where the label is missing or held out.
        groups: int64 (N,), photos of one group share a fold.
        classes: number of categories.
    """
    folds = folds_by_group(groups, FOLDS)
    known = labels >= 0
    average = np.zeros((len(labels), classes), np.float32)
    own = np.zeros_like(average)
    for fold in range(FOLDS):
        fitting = known & (folds != fold)
        head = fit_linear(
            embedding[fitting],
            one_hot(labels[fitting], classes),
            class_weights(labels[fitting], classes),
            tuple(map(str, range(classes))),
            STRENGTH,
        )
        predicted = softmax(head.logits(embedding))
        average += predicted / FOLDS
        own[folds == fold] = predicted[folds == fold]
    return np.where(known[:, None], own, average)


def make_soft_labels(embedding: Floats, labels: Integers, groups: Integers, classes: int) -> SoftLabels:
    """Return targets and weights of the category loss; arguments as for `cross_fitted`."""
    predicted = cross_fitted(embedding, labels, groups, classes)
    doubted = doubted_labels(predicted, labels)
    trusted = (labels >= 0) & ~doubted
    targets = predicted.copy()
    own = one_hot(np.maximum(labels, 0), classes)
    targets[trusted] = OWN_LABEL_SHARE * own[trusted] + (1 - OWN_LABEL_SHARE) * predicted[trusted]
    weights = np.full(len(labels), UNLABELLED_WEIGHT, np.float32)
    weights[trusted] = class_weights(labels[trusted], classes)
    weights[doubted] = DOUBTED_WEIGHT
    return SoftLabels(targets, weights, doubted)
