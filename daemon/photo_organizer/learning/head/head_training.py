"""Head mode: a head that has learned the owner's photos and says the same as before about everything else.

The exemplars are trained on with the *probabilities that the base head gives them*, not with their labels
(learning without forgetting, Li and Hoiem 2016): where the owner said nothing, the gradient is zero at the
base head, and every photo of the owner moves the head only as far as it disagrees.

Two numbers are chosen by cross-validation inside the training part; nothing is chosen on the hold-out:

- `worth`: how many exemplars one photo of the owner counts for;
- `strength`: the pull of the parameters towards the base head.

The setting with the lowest log-loss on the owner's photos wins, among those that cost the kept exemplars no
more than half a point of accuracy (and no category of them more than 3.5 points). Kept are the exemplars of
all categories that the owner has not defined by 50 photos or more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.data.dataset import folds
from photo_organizer.learning.head.head import (
    Floats,
    Head,
    Labels,
    Scaling,
    fit,
    log_softmax,
    one_hot,
    softmax,
)

WORTHS = (1.0, 3.0, 10.0, 30.0)
STRENGTHS = (0.003, 0.03)
DEFINED_BY = 50
FORGOTTEN = 0.005
CATEGORY_FORGOTTEN = 0.035
_FOLDS = 3
_FOLDS_OF_FEW = 6  # of few photos, each fold should leave out few
_FEW = 200
_BALANCE = 0.75
_FEWEST_EXEMPLARS = 20
_SEARCHED = 2500  # photos of either kind in the search; more do not change the choice and cost time
_SEARCH_STEPS = 60


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
        """The chosen rows."""
        return Samples(self.features[chosen], self.labels[chosen], self.weights[chosen], self.groups[chosen])

    def scaled(self, scaling: Scaling) -> Samples:
        """The same with standardised features."""
        return Samples(scaling.apply(self.features), self.labels, self.weights, self.groups)


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting of the cross-validation.

    `owner_loss` is the mean log-loss on the owner's photos, `forgotten` the accuracy lost on the kept
    exemplars; both out of fold.
    """

    worth: float
    strength: float
    owner_loss: float
    forgotten: float


@dataclass(frozen=True, slots=True)
class TrainedHead:
    """The head, how it was chosen, and what heads say about photos that they have not seen.

    `out_of_fold` are logits (M, C), of the owner's photos at the positions `judged`
    (M,): all of them, or a random part when they are thousands.
    """

    head: Head
    chosen: Trial
    trials: tuple[Trial, ...]
    judged: NDArray[np.int64]
    out_of_fold: Floats


def train_head(
    owner: Samples,
    exemplars: Samples,
    base: Head,
    *,
    progress: Callable[[int, int], None],
    watch: Callable[[Head], None] | None = None,
) -> TrainedHead:
    """Fits the head.

    Args:
        owner: the owner's training photos; at least one.
        exemplars: the backbone's training exemplars; may be none.
        base: the head to be drawn to, with the categories of the labels.
        progress: called with (done, of how many) settings tried.
        watch: called with the head after each step of the last fit.
    """
    scaling = Scaling.of(np.concatenate([owner.features, exemplars.features]))
    prior = scaling.to_scaled(base)
    mine, theirs = owner.scaled(scaling), exemplars.scaled(scaling)
    judged = _some(len(mine))
    trials: list[tuple[Trial, Floats]] = []
    search = _Search(mine.only(judged), theirs.only(_some(len(theirs))), prior)
    settings = [(worth, strength) for strength in STRENGTHS for worth in WORTHS]
    for worth, strength in settings:
        trials.append(search.attempt(worth, strength))
        progress(len(trials), len(settings))
    best, out_of_fold = choose(trials)
    features, targets, weights = mixed(mine, theirs, prior, best.worth)
    head = fit(
        features,
        targets,
        weights,
        prior=prior,
        strength=best.strength,
        watch=None if watch is None else lambda step: watch(scaling.from_scaled(step)),
    )
    return TrainedHead(
        head=scaling.from_scaled(head),
        chosen=best,
        trials=tuple(trial for trial, _ in trials),
        judged=judged,
        out_of_fold=out_of_fold,
    )


def mixed(owner: Samples, exemplars: Samples, base: Head, worth: float) -> tuple[Floats, Floats, Floats]:
    """Both sets as one: features, targets, weights. Common categories of the owner count less a photo.

    A category of the owner weighs with the fourth root of its photos: between "each photo the same", under
    which rare categories lose, and "each category the same", under which accuracy does (measured, see
    docs/learning.md).
    """
    count = np.maximum(np.bincount(owner.labels, owner.weights, len(base.categories)), 1e-9)
    balance = (count[count > 1e-6].mean() / count)[owner.labels] ** _BALANCE if len(owner) else np.zeros(0)
    return (
        np.concatenate([owner.features, exemplars.features]),
        np.concatenate(
            [one_hot(owner.labels, len(base.categories)), softmax(base.logits(exemplars.features))]
        ),
        np.concatenate([owner.weights * worth * balance, exemplars.weights]).astype(np.float32),
    )


def choose(trials: list[tuple[Trial, Floats]]) -> tuple[Trial, Floats]:
    """The lowest loss on the owner's photos among the settings that forget little; else the least
    forgetful.
    """
    harmless = [it for it in trials if it[0].forgotten <= FORGOTTEN]
    if harmless:
        return min(harmless, key=lambda it: it[0].owner_loss)
    return min(trials, key=lambda it: it[0].forgotten)


class _Search:
    """Cross-validation of settings; each fit starts from the fold's last result."""

    def __init__(self, owner: Samples, exemplars: Samples, prior: Head) -> None:
        self._owner, self._exemplars, self._prior = owner, exemplars, prior
        self._folds = _FOLDS if len(owner) > _FEW else _FOLDS_OF_FEW
        self._owner_fold = _fold_numbers(owner, self._folds)
        self._exemplar_fold = _fold_numbers(exemplars, self._folds)
        self._heads: list[Head | None] = [None] * self._folds
        defined = np.bincount(owner.labels, minlength=len(prior.categories)) >= DEFINED_BY
        untouched = np.bincount(owner.labels, minlength=len(prior.categories)) == 0
        kept = ~defined[exemplars.labels]
        self._kept = [part for part in (kept, untouched[exemplars.labels]) if part.any()]
        single = [kept & (exemplars.labels == index) for index in range(len(prior.categories))]
        self._kept_categories = [part for part in single if part.sum() >= _FEWEST_EXEMPLARS]
        self._before = prior.logits(exemplars.features).argmax(axis=1) == exemplars.labels

    def attempt(self, worth: float, strength: float) -> tuple[Trial, Floats]:
        classes = len(self._prior.categories)
        owner_logits = np.zeros((len(self._owner), classes), np.float32)
        exemplar_logits = np.zeros((len(self._exemplars), classes), np.float32)
        for fold in range(self._folds):
            mine, theirs = self._owner_fold == fold, self._exemplar_fold == fold
            owner, exemplars = self._owner.only(~mine), self._exemplars.only(~theirs)
            features, targets, weights = mixed(owner, exemplars, self._prior, worth)
            head = fit(
                features,
                targets,
                weights,
                prior=self._prior,
                strength=strength,
                start=self._heads[fold],
                steps=_SEARCH_STEPS,
            )
            self._heads[fold] = head
            owner_logits[mine] = head.logits(self._owner.features[mine])
            exemplar_logits[theirs] = head.logits(self._exemplars.features[theirs])
        after = exemplar_logits.argmax(axis=1) == self._exemplars.labels
        lost = [self._lost(after, part) for part in self._kept]
        beyond = CATEGORY_FORGOTTEN - FORGOTTEN
        lost += [self._lost(after, part) - beyond for part in self._kept_categories]
        loss = -log_softmax(owner_logits)[np.arange(len(self._owner)), self._owner.labels]
        return Trial(worth, strength, float(loss.mean()), max(lost, default=0.0)), owner_logits

    def _lost(self, after: NDArray[np.bool_], part: NDArray[np.bool_]) -> float:
        return float(self._before[part].mean() - after[part].mean())


def _some(count: int) -> NDArray[np.int64]:
    """All positions, or a random part of so many that the search can bear."""
    return np.sort(np.random.default_rng(0).permutation(count)[:_SEARCHED])


def _fold_numbers(samples: Samples, count: int) -> NDArray[np.int64]:
    return folds([str(label) for label in samples.labels.tolist()], samples.groups, count)
