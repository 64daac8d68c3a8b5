"""Whether labels say anything: do heads that have not seen a photo find its label better than the label of
another photo?

A permutation test. Each photo gives each category a score: the logarithm of the geometric mean of the
probabilities by the model in use and by the challenger, both out of fold, without the category that the
photo was moved out of. The sum over the photos' own labels is compared with the sums after the labels were
shuffled among the photos. The model in use makes the test strong where labels are few: a meant correction
nearly always goes to the category that came second or third. The challenger makes it strong where the owner
sorts otherwise than the model in use ever would.

Where labels are few, or nearly all the same (a new category, a new habit), shuffling changes only a few of
them and says nothing about the rest. There the labels must fit better than categories drawn at random, to
both models or to the challenger alone, since the model in use knows neither. Whether the odd label among
many of one category is meant is a question of `label_trust`. Near-duplicates and bursts count as one photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from photo_organizer.learning.head.head import Floats, Labels

FEWEST_LABELS = 6
"""Fewer say nothing about one another, and are believed."""
SIGNIFICANCE = 0.002
FEWEST_CHANGED, SMALLEST_CHANGE = 6.0, 0.2
"""Number and share of labels that shuffling must change on average to say anything about them."""
DRAWS = 9999
_BATCH = 2_000_000
_LEAST = 1e-3

Scores = NDArray[np.float64]


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
        is_consistent: whether to learn from them.
        chance: how probable it is that shuffled labels, or categories drawn at random, fit as well.
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
    too_few = scores.shape[1] ** min(len(given), 30) * SIGNIFICANCE < 10
    if len(given) < FEWEST_LABELS or too_few:  # even the best of all labels would hardly be significant
        return Consistency(is_consistent=True, chance=1.0)
    of_challenger, _ = _by_group(by_challenger, labels, facts.groups)
    changed = _changed_by_shuffling(given)
    if changed < FEWEST_CHANGED or changed < SMALLEST_CHANGE * len(given):
        chance = min(_chance_of_drawn(scores, given), _chance_of_drawn(of_challenger, given))
    else:
        chance = _chance_of_shuffled(scores, given)
    return Consistency(chance <= SIGNIFICANCE, chance)


def _chance_of_shuffled(scores: Scores, given: Labels) -> float:
    """Return the p-value of the labels among all ways to shuffle them."""
    found = stats.permutation_test(
        (given,),
        lambda labels, axis: _fit(scores, labels, axis),
        permutation_type="pairings",
        n_resamples=DRAWS,
        batch=max(1, _BATCH // len(given)),
        alternative="greater",
        random_state=np.random.default_rng(0),
    )
    return float(found.pvalue)


def _chance_of_drawn(scores: Scores, given: Labels) -> float:
    """Return the p-value of the labels among categories drawn at random."""
    random = np.random.default_rng(0)
    found = stats.monte_carlo_test(
        given,
        lambda size: random.integers(0, scores.shape[1], size),
        lambda labels, axis: _fit(scores, labels, axis),
        n_resamples=DRAWS,
        batch=max(1, _BATCH // len(given)),
        alternative="greater",
    )
    return float(found.pvalue)


def _fit(scores: Scores, labels: Labels, axis: int) -> Scores:
    """Return how well labels (..., G) fit photos with these scores (G, C)."""
    return np.asarray(scores[np.arange(len(scores)), labels].sum(axis=axis), np.float64)


def _changed_by_shuffling(given: Labels) -> float:
    """Return how many labels shuffling changes on average."""
    count = np.bincount(given)
    return float(len(given) - (count**2).sum() / len(given))


def _log_of_rest(probabilities: Floats, labels: Labels, facts: LabelFacts) -> Scores:
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
) -> tuple[Scores, Labels]:
    """Return the mean scores (G, C) of each group, and the label (G,) that most of its photos have."""
    _, group = np.unique(groups, return_inverse=True)
    count, classes = int(group.max()) + 1, scores.shape[1]
    sums, votes = np.zeros((count, classes)), np.zeros((count, classes))
    np.add.at(sums, group, scores)
    np.add.at(votes, (group, labels), 1)
    return sums / votes.sum(axis=1, keepdims=True), np.asarray(votes.argmax(axis=1), np.int64)
