"""Whether labels say anything: do heads that have not seen a photo find its label better than the label of
another photo?

A permutation test. Each photo gives each category a score: the logarithm of the geometric mean of what the
model in use and the challenger say of it, both out of fold, without the category that the photo was moved out
of. The sum over the photos' own labels is compared with the sums after the labels were dealt out anew among
the photos. The model in use makes the test strong where labels are few: a meant correction nearly always goes
to the category that came second or third. The challenger makes it strong where the owner sorts otherwise than
the model in use ever would.

Where nearly all labels are the same, few of the ways to deal them out differ, and none proves much: the
labels must then be the best of these ways, and also fit better than categories drawn by lot, by both models
or by the challenger alone: the model in use does not know a new category, nor a habit that is new to it.
Near-duplicates and bursts count as one photo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats, Labels

FEWEST_LABELS = 6
"""Fewer say nothing about one another, and are believed."""
SIGNIFICANCE = 0.001
PERMUTATIONS = 9999
_BATCH = 2_000_000
_LEAST = 1e-3


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What is known of N labels besides the category.

    Attributes:
        not_in: (N,) the category out of which the owner moved the photo, or -1.
        groups: (N,) near-duplicates and bursts have the same number.
    """

    not_in: NDArray[np.int64]
    groups: NDArray[np.int64]

    @classmethod
    def none(cls, count: int) -> LabelFacts:
        """Return that nothing is known of `count` labels."""
        return cls(np.full(count, -1, np.int64), np.arange(count))


@dataclass(frozen=True, slots=True)
class Consistency:
    """Whether labels fit their photos.

    Attributes:
        is_consistent: whether they are to be learned from.
        chance: how probable it is that labels dealt out anew fit as well.
    """

    is_consistent: bool
    chance: float


def label_consistency(champion: Floats, challenger: Floats, labels: Labels, facts: LabelFacts) -> Consistency:
    """Compare the fit of the labels to the photos with that of shuffled ones.

    Args:
        champion: (N, C) probabilities of the model in use, of heads that have not seen the photo.
        challenger: (N, C) the same of the challenger.
        labels: (N,).
        facts: of the labels; a photo cannot be in the category that it was moved out of.
    """
    by_challenger = _log_of_rest(challenger, labels, facts)
    by_both = (_log_of_rest(champion, labels, facts) + by_challenger) / 2
    scores, given = _by_group(by_both, labels, facts.groups)
    if len(given) < FEWEST_LABELS:
        return Consistency(is_consistent=True, chance=1.0)
    random = np.random.default_rng(0)
    rows = np.arange(len(given))
    reached = float(scores[rows, given].sum())
    chance = _share_reaching(
        reached, scores, lambda count: random.permuted(np.tile(given, (count, 1)), axis=1)
    )
    one_of = 1 / _arrangements(given)
    if one_of < SIGNIFICANCE / 2:
        return Consistency(chance <= SIGNIFICANCE, chance)
    by_lot = min(
        _chance_by_lot(scores, given, random),
        _chance_by_lot(_by_group(by_challenger, labels, facts.groups)[0], given, random),
    )
    # The best arrangement is drawn once in `1 / one_of` times, give or take what so many draws vary.
    best = one_of + 3 * np.sqrt(one_of / PERMUTATIONS) + 1 / PERMUTATIONS
    return Consistency(chance <= max(SIGNIFICANCE, best) and by_lot <= SIGNIFICANCE, max(chance, by_lot))


def _chance_by_lot(scores: NDArray[np.float64], given: Labels, random: np.random.Generator) -> float:
    """Return the share of labels drawn from all categories that fit the photos as well as those `given`."""
    classes = scores.shape[1]
    reached = float(scores[np.arange(len(given)), given].sum())
    return _share_reaching(reached, scores, lambda count: random.integers(0, classes, (count, len(given))))


def _log_of_rest(probabilities: Floats, labels: Labels, facts: LabelFacts) -> NDArray[np.float64]:
    """Return the logarithms (N, C) of the probabilities without the category that each photo was moved out
    of: that the organizer was sure of it says nothing for or against any label.
    """
    rest = probabilities.astype(np.float64)
    moved = np.flatnonzero((facts.not_in >= 0) & (facts.not_in != labels))
    rest[moved, facts.not_in[moved]] = 0.0
    rest /= np.maximum(rest.sum(axis=1, keepdims=True), _LEAST)
    return np.log(np.maximum(rest, _LEAST))


def _by_group(
    scores: NDArray[np.float64], labels: Labels, groups: NDArray[np.int64]
) -> tuple[NDArray[np.float64], Labels]:
    """Return the mean scores (G, C) of each group, and the label (G,) that most of its photos have."""
    _, group = np.unique(groups, return_inverse=True)
    count, classes = int(group.max()) + 1, scores.shape[1]
    sums, votes = np.zeros((count, classes)), np.zeros((count, classes))
    np.add.at(sums, group, scores)
    np.add.at(votes, (group, labels), 1)
    return sums / votes.sum(axis=1, keepdims=True), np.asarray(votes.argmax(axis=1), np.int64)


def _share_reaching(
    reached: float, scores: NDArray[np.float64], draw: Callable[[int], NDArray[np.int64]]
) -> float:
    """Return the share of label sets, of so many drawn at once, that fit the photos as well as `reached`."""
    rows = np.arange(len(scores))
    batch = max(1, _BATCH // len(scores))
    as_good, left = 1, PERMUTATIONS
    while left:
        count = min(batch, left)
        as_good += int((scores[rows, draw(count)].sum(axis=1) >= reached - 1e-9).sum())
        left -= count
    return as_good / (PERMUTATIONS + 1)


def _arrangements(labels: Labels) -> float:
    """Return how many different ways there are to deal the labels out; infinity for very many."""
    logarithm = lgamma(len(labels) + 1) - sum(lgamma(count + 1) for count in np.bincount(labels).tolist())
    return float(np.exp(min(logarithm, 700.0)))
