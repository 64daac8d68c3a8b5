"""Head mode: a head that has learned the owner's photos and says the same as before about everything else.

Three kinds of photos take part in one weighted cross-entropy:

- the *owner's labelled photos*, with their labels. Each weighs as much as `owner_weight` exemplars;
- the *exemplars*, with the probabilities that the base head gives them (learning without forgetting, Li and
  Hoiem 2016): where the owner said nothing, the gradient is zero at the base head;
- the *owner's other photos*, filed and never moved or waiting in Review, with the probabilities that the head
  itself gives them after it was fitted without them (self-training), weighted by the square of its
  confidence. They carry a correction over to the photos that look alike.

A new category would take in all photos that look like their owner's, for the exemplars are other people's. So
where there is one, the other photos take part from the beginning, with the probabilities of the base head,
and only those that look like the new category's photos after that are given to it (see new_category.py).

The parameters are drawn to the base head. Where the result still costs the exemplars of its categories more
than 2.25 points of accuracy, it is mixed with the base head until it does not. The constants were
chosen by simulation (benchmarks/learning.py) on owners whose photos come from sources that the base head has
not seen, and judged on other such owners.

Every labelled photo also gets an *out-of-fold* prediction, of a head that was trained without the photo and
its near-duplicates. These find labels that are probably wrong (see label_trust.py), and compare this model
with others (see judge/).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.data.dataset import folds
from photo_organizer.learning.head.head import Floats, Head, Labels, Scaling, fit, one_hot, softmax
from photo_organizer.learning.head.label_trust import LabelTrust, trust_labels
from photo_organizer.learning.head.new_category import drawn_in
from photo_organizer.learning.head.samples import Samples
from photo_organizer.learning.head.training_set import TrainingSet

Watch = Callable[[str, Head], None]
"""Told the stage and the head after each step of a fit."""

PRIOR_STRENGTH = 0.35
"""The pull of the parameters towards the base head, on standardised features, is 0.35 / sqrt(n) for n
labelled photos, between 0.03 and 0.1: a dozen say little about 512 features, a hundred a good deal.
"""
STRONGEST, WEAKEST = 0.1, 0.03
OWNER_WEIGHT = 130.0
"""One of n labelled photos weighs as much as 130 / sqrt(n) exemplars, at most 30 and at least 1: a dozen must
be heard, a hundred must not outvote the exemplars by their number alone.
"""
HEAVIEST, LIGHTEST = 30.0, 1.0
FEWEST_TO_DOUBT = 6
SELF_TRAINING_ROUNDS = 3
NEW_CATEGORY_ROUNDS = 2
OTHERS_PER_LABEL = 4.0
"""All other photos together weigh at most as much as four times the labelled ones."""
MOST_OTHERS = 1000
ANCHOR_WEIGHT = 1.0
"""Of one other photo, in exemplars, where a new category is learned."""
BALANCE = 0.75
"""A category of the owner weighs with the fourth root of its photos: between "each photo the same", under
which rare categories lose, and "each category the same", under which accuracy does.
"""
FORGOTTEN = 0.0225
"""Accuracy that the exemplars may lose; beyond it the head is mixed with the base head."""
STEPS_BACK = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4, 0.25)
_FEWEST_EXEMPLARS = 100  # fewer cannot tell so small a loss
_FOLDS = ((60, 6), (1000, 5))  # up to so many photos, so many folds
_FOLDS_OF_MANY = 3
_STEPS = 100
_STEPS_OUT_OF_FOLD = 60


@dataclass(frozen=True, slots=True)
class TrainedHead:
    """The head, what heads say about photos that they have not seen, and how far the labels can be trusted.

    `out_of_fold` are logits (N, C) of the owner's labelled photos. `step` is the share of the fitted head in
    the mixture with the base head.
    """

    head: Head
    out_of_fold: Floats
    trust: LabelTrust
    owner_weight: float
    step: float


def train_head(
    data: TrainingSet,
    *,
    progress: Callable[[int, int], None],
    watch: Watch | None = None,
) -> TrainedHead:
    """Fit the head.

    Args:
        data: what to train on.
        progress: called with (done, of how many) heads fitted.
        watch: told each step of the last fit.
    """
    fitter = _Fitter(data)
    fold = _fold_numbers(data.owner)
    count = int(fold.max()) + 1

    def out_of_fold(weights: Floats, done: int) -> Floats:
        logits = np.zeros((len(data.owner), len(data.base.categories)), np.float32)
        for number in range(count):
            left_out = fold == number
            head = fitter.fit(~left_out, weights, rounds=1, steps=_STEPS_OUT_OF_FOLD)
            logits[left_out] = head.logits(fitter.owner.features[left_out])
            progress(done + number + 1, total)
        return logits

    total = 2 * count + 1
    every = np.ones(len(data.owner), np.bool_)
    logits = out_of_fold(np.ones(len(data.owner), np.float32), 0)
    # Of very few photos, none tells whether another's label is meant.
    certain = data.certain | (len(np.unique(data.owner.groups)) < FEWEST_TO_DOUBT)
    trust = trust_labels(softmax(logits, data.temperature), data.owner.labels, data.not_in, certain)
    if trust.doubted.any():
        logits = out_of_fold(trust.weights, count)
    head = fitter.fit(every, trust.weights, rounds=SELF_TRAINING_ROUNDS, steps=_STEPS, watch=watch)
    shift = drawn_in(logits, data.owner.labels, head.logits(fitter.others), fitter.new)
    head, logits = Head(head.kernel, head.bias + shift, head.categories), logits + shift
    step = fitter.step_back(head)
    progress(total, total)
    return TrainedHead(
        head=fitter.scaling.from_scaled(mixture(head, fitter.prior, step)),
        out_of_fold=step * logits + (1 - step) * fitter.prior.logits(fitter.owner.features),
        trust=trust,
        owner_weight=owner_weight(len(data.owner)),
        step=step,
    )


def mixture(head: Head, base: Head, share: float) -> Head:
    """Return the head whose logits are a mixture of those of two heads."""
    kernel = share * head.kernel + (1 - share) * base.kernel
    return Head(kernel, share * head.bias + (1 - share) * base.bias, head.categories)


def owner_weight(count: int) -> float:
    """Return how many exemplars one of `count` labelled photos weighs."""
    return float(np.clip(OWNER_WEIGHT / np.sqrt(max(1, count)), LIGHTEST, HEAVIEST))


def prior_strength(count: int) -> float:
    """Return the pull towards the base head for `count` labelled photos."""
    return float(np.clip(PRIOR_STRENGTH / np.sqrt(max(1, count)), WEAKEST, STRONGEST))


def balanced(labels: Labels, weights: Floats, categories: int) -> Floats:
    """Return weights (N,) under which a common category of the owner counts less a photo."""
    count = np.maximum(np.bincount(labels, weights, categories), 1e-9)
    mean = count[count > 1e-6].mean() if (count > 1e-6).any() else 1.0
    return np.asarray(weights * (mean / count[labels]) ** BALANCE, np.float32)


class _Fitter:
    """Fits heads on parts of the labelled photos; keeps what is the same for all of them."""

    def __init__(self, data: TrainingSet) -> None:
        self.scaling = Scaling.of(np.concatenate([data.owner.features, data.exemplars.features]))
        self.owner = data.owner.scaled(self.scaling)
        self.prior = self.scaling.to_scaled(data.base)
        self._exemplars = data.exemplars.scaled(self.scaling)
        self._exemplar_targets = softmax(self.prior.logits(self._exemplars.features))
        self.others = self.scaling.apply(_some(data.others))
        self._temperature = data.temperature
        unknown: NDArray[np.bool_] = np.all(data.base.kernel == 0, axis=0)
        self.new = np.zeros_like(unknown) if unknown.all() else unknown

    def fit(
        self,
        chosen: NDArray[np.bool_],
        factors: Floats,
        *,
        rounds: int,
        steps: int,
        watch: Watch | None = None,
    ) -> Head:
        """Fit a head on the chosen labelled photos; `factors` (N,) multiply the weights of all of them."""
        owner = self.owner.weighted(factors).only(chosen)
        features = [owner.features, self._exemplars.features]
        targets = [one_hot(owner.labels, len(self.prior.categories)), self._exemplar_targets]
        weight = owner_weight(len(owner))
        weights = [
            weight * balanced(owner.labels, owner.weights, len(self.prior.categories)),
            self._exemplars.weights,
        ]
        solve = partial(self._solve, strength=prior_strength(len(owner)), steps=steps, watch=watch)
        if not len(self.others):
            rounds = 0
        elif self.new.any():
            return self._anchored(features, targets, weights, solve)
        head = solve(features, targets, weights, None)
        for number in range(rounds):
            said = softmax(head.logits(self.others), self._temperature)
            other_weight = weight * min(1.0, OTHERS_PER_LABEL * len(owner) / len(self.others))
            other_weights = np.asarray(other_weight * said.max(axis=1) ** 2, np.float32)
            head = solve(
                [*features, self.others],
                [*targets, said],
                [*weights, other_weights],
                head,
                stage=f"with photos without a label, {number + 1}",
            )
        return head

    def _anchored(
        self,
        features: list[Floats],
        targets: list[Floats],
        weights: list[Floats],
        solve: Callable[..., Head],
    ) -> Head:
        """Fit a head with new categories, which take no more of the other photos than look like theirs."""
        old = softmax(self.prior.logits(self.others), self._temperature) * ~self.new
        old /= np.maximum(old.sum(axis=1, keepdims=True), 1e-6)
        weight = np.full(len(self.others), ANCHOR_WEIGHT, np.float32)
        head = solve([*features, self.others], [*targets, old], [*weights, weight], None)
        for number in range(NEW_CATEGORY_ROUNDS):
            said = softmax(head.logits(self.others), self._temperature) * self.new
            mixed = np.asarray(said + (1 - said.sum(axis=1, keepdims=True)) * old, np.float32)
            head = solve(
                [*features, self.others],
                [*targets, mixed],
                [*weights, weight],
                head,
                stage=f"new category, {number + 1}",
            )
        return head

    def step_back(self, head: Head) -> float:
        """Return the largest share of `head` in a mixture with the base head that forgets little."""
        labels, features = self._exemplars.labels, self._exemplars.features
        if len(labels) < _FEWEST_EXEMPLARS:
            return STEPS_BACK[0]
        known = np.unique(labels)
        before, after = self.prior.logits(features)[:, known], head.logits(features)[:, known]
        right = float((known[before.argmax(axis=1)] == labels).mean())
        for share in STEPS_BACK:
            said = share * after + (1 - share) * before
            if right - float((known[said.argmax(axis=1)] == labels).mean()) <= FORGOTTEN:
                return share
        return STEPS_BACK[-1]

    def _solve(
        self,
        features: list[Floats],
        targets: list[Floats],
        weights: list[Floats],
        start: Head | None,
        *,
        strength: float,
        steps: int,
        watch: Watch | None,
        stage: str = "head",
    ) -> Head:
        return fit(
            np.concatenate(features),
            np.concatenate(targets),
            np.concatenate(weights).astype(np.float32),
            prior=self.prior,
            strength=strength,
            start=start,
            steps=steps,
            watch=None if watch is None else partial(watch, stage),
        )


def _some(others: Floats) -> Floats:
    """Return all photos, or a random part where there are very many."""
    return others[np.sort(np.random.default_rng(0).permutation(len(others))[:MOST_OTHERS])]


def _fold_numbers(samples: Samples) -> NDArray[np.int64]:
    count = next((number for most, number in _FOLDS if len(samples) <= most), _FOLDS_OF_MANY)
    count = max(2, min(count, len(np.unique(samples.groups))))
    return folds([str(label) for label in samples.labels.tolist()], samples.groups, count)
