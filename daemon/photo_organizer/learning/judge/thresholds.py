"""The confidence from which a photo is filed: one policy for all models after the starter.

The starter's threshold was chosen on whole sources left out, so that 95 % of what it files is right. A few
photos cannot better that, so the threshold of the model in use stays until the owner's own photos contradict
it, or until there are many of them:

- the share that is right is estimated on the owner's photos, out of fold, each standing for as many as it was
  selected from, and drawn to the precision aimed at as if 30 photos had confirmed it;
- the threshold *rises*, in steps of 0.01, while it is improbable (less than 10 %) that the aim is kept;
- it *falls* while it is probable (more than 90 %) that the aim is kept, not below 0.5, and only by photos
  with a label, 40 or more: that a photo was left alone does not say that anybody looked at it;
- a category has a threshold of its own only where it differs from that of all.

A category that files less than the aim, or nothing, is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

TARGET_PRECISION = 0.95
"""Share of the filed photos that should be right, where the configuration names none."""
LOWEST, HIGHEST = 0.5, 0.99
STEP = 0.01
_PROMISED_PHOTOS = 30.0
_FEWEST_TO_FALL = 40.0
_FEWEST_TO_NAME = 10.0
_PROBABLE = 0.90


@dataclass(frozen=True, slots=True)
class Looked:
    """The photos that tell how right a model is, each predicted by heads that had not seen it.

    Attributes:
        predicted: (N,) positions of the most probable categories.
        confidence: (N,) their probabilities.
        chance: (N,) of being right: 0 or 1 for labelled photos.
        weight: (N,) how many photos each stands for.
        labelled: (N,) whether the owner said where it belongs.
    """

    predicted: NDArray[np.int64]
    confidence: NDArray[np.float64]
    chance: NDArray[np.float64]
    weight: NDArray[np.float64]
    labelled: NDArray[np.bool_]

    def only(self, chosen: NDArray[np.bool_]) -> Looked:
        """Return the chosen photos."""
        return Looked(
            self.predicted[chosen],
            self.confidence[chosen],
            self.chance[chosen],
            self.weight[chosen],
            self.labelled[chosen],
        )

    def of(self, category: int) -> Looked:
        """Return the photos that are predicted so."""
        return self.only(self.predicted == category)


@dataclass(frozen=True, slots=True)
class ChosenThresholds:
    """`thresholds` for `model.json`: `default`, and the categories that differ; `below_target` names the
    categories that file less right than aimed at, and `files_nothing` those that file none of their photos.
    """

    thresholds: dict[str, float]
    below_target: tuple[str, ...]
    files_nothing: tuple[str, ...]


def choose_thresholds(
    photos: Looked, categories: Sequence[str], before: Mapping[str, float], target: float
) -> ChosenThresholds:
    """Choose the thresholds of a model.

    Args:
        photos: what the owner's photos say of the model.
        categories: names of the positions.
        before: thresholds of the model in use, `default` among them.
        target: the precision aimed at.
    """
    old = float(np.clip(before["default"], LOWEST, HIGHEST))
    chosen = {"default": _threshold(photos, old, target)}
    below, nothing = [], []
    for index, name in enumerate(categories):
        mine = photos.of(index)
        threshold = _threshold(mine, chosen["default"], target)
        if threshold != chosen["default"]:
            chosen[name] = threshold
        filed = mine.confidence >= threshold
        if mine.weight.sum() >= _FEWEST_TO_NAME and not filed.any():
            nothing.append(name)
        elif mine.weight[filed].sum() >= _FEWEST_TO_NAME and _right(mine, threshold) < target:
            below.append(name)
    return ChosenThresholds(chosen, tuple(below), tuple(nothing))


def _threshold(photos: Looked, old: float, target: float) -> float:
    for raised in np.round(np.arange(old, HIGHEST + STEP / 2, STEP), 3):
        if _kept(photos, raised, target) >= 1 - _PROBABLE:
            break
    if raised > old:
        return float(raised)
    known = photos.only(photos.labelled)
    lowest = old
    for lower in np.round(np.arange(old - STEP, LOWEST - STEP / 2, -STEP), 3):
        enough = np.count_nonzero(known.confidence >= lower) >= _FEWEST_TO_FALL
        if enough and _kept(known, lower, target) <= _PROBABLE:
            break
        if enough:
            lowest = float(lower)
    return lowest


def _kept(photos: Looked, threshold: float, target: float) -> float:
    """Return how probable it is that the target is kept from this threshold on."""
    right, wrong = _counts(photos, threshold)
    return float(
        stats.beta.sf(target, right + target * _PROMISED_PHOTOS, wrong + (1 - target) * _PROMISED_PHOTOS)
    )


def _right(photos: Looked, threshold: float) -> float:
    right, wrong = _counts(photos, threshold)
    return right / (right + wrong)


def _counts(photos: Looked, threshold: float) -> tuple[float, float]:
    """Return the photos filed rightly and wrongly, as many as their uneven weights are worth."""
    filed = photos.confidence >= threshold
    weight, chance = photos.weight[filed], photos.chance[filed]
    total, squares = float(weight.sum()), float((weight**2).sum())
    if not total:
        return 0.0, 0.0
    owner_weight = total / squares
    right = float((weight * chance).sum())
    return right * owner_weight, (total - right) * owner_weight
