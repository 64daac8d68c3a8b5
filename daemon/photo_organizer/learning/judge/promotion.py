"""Whether the challenger is promoted.

Champion and challenger are compared on all photos that the owner ever labelled, each predicted out of fold:
by heads that were trained without the photo. The challenger is promoted when all of this holds:

1. *The labels say something*: they fit better than 998 of 1,000 shuffled ones (see label_consistency.py).
2. *No category is contradicted*: of the photos that look like one category, less than a quarter (counted from
   eight on) were labelled as another one that they do not look like.
3. *Not worse on the owner's photos*: the probability that the true category gets is compared photo by photo.
   The mean may fall by three quarters of its standard error, or by a point. More labels nearly always make a
   better model, and a rule that wants proof would refuse most of the better ones (benchmarks/learning.py
   counts both errors); ties promote.
4. *No category clearly worse*: in no category with ten labels or more does the mean probability of the true
   category fall by more than 0.25 and four standard errors.
5. *No harm elsewhere*: on held-out exemplars of the categories that the owner uses, accuracy does not fall by
   more than 4 points with p < 0.01 (exact one-sided binomial test on the photos that one of the two gets
   right, McNemar 1947).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from photo_organizer.learning.head.head import Floats
from photo_organizer.learning.head.label_trust import LabelTrust
from photo_organizer.learning.judge.label_consistency import LabelFacts, label_consistency
from photo_organizer.learning.judge.owner_sample import Scores

SIGNIFICANCE = 0.01
ACCURACY_FALL = 0.04
LEAST_FALL, CERTAINTY_FALL = 0.01, 0.02
STANDARD_ERRORS = 0.75
CONTRADICTED_SHARE = 0.25
FEWEST_CONTRADICTED = 8
FEWEST_TO_JUDGE = 10
CATEGORY_FALL = 0.25
CATEGORY_STANDARD_ERRORS = 4.0


@dataclass(frozen=True, slots=True)
class PromotionVerdict:
    """Whether to promote, and why or why not, a sentence each."""

    promoted: bool
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Return all reasons in one line."""
        return "; ".join(self.reasons)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Champion against challenger on the same photos.

    Attributes:
        photos: how many.
        champion_right, challenger_right: share of them.
        difference: mean rise of the probability of the true category.
        error: standard error of `difference`.
    """

    photos: int
    champion_right: float
    challenger_right: float
    difference: float
    error: float

    @property
    def is_worse(self) -> bool:
        """Return whether the challenger is worse by more than chance explains, and not only less certain."""
        if self.challenger_right >= self.champion_right and self.difference >= -CERTAINTY_FALL:
            return False
        return self.difference < -max(LEAST_FALL, STANDARD_ERRORS * self.error)


def compare(scores: Scores, weights: Floats | None = None) -> Comparison:
    """Compare both models photo by photo.

    Args:
        scores: not empty.
        weights: (N,) how much each photo counts; the same when None.
    """
    share = np.ones(len(scores)) if weights is None else weights.astype(np.float64)
    share = share / share.sum()
    rise = _of_true(scores.challenger, scores) - _of_true(scores.champion, scores)
    mean = float(share @ rise)
    error = float(np.sqrt((share**2 * (rise - mean) ** 2).sum()))
    return Comparison(
        photos=len(scores),
        champion_right=float(share @ (scores.champion.argmax(axis=1) == scores.labels)),
        challenger_right=float(share @ (scores.challenger.argmax(axis=1) == scores.labels)),
        difference=mean,
        error=error,
    )


def objections(
    owner: Scores,
    facts: LabelFacts,
    trust: LabelTrust,
    elsewhere: Scores,
    categories: Sequence[str],
) -> tuple[str, ...]:
    """Return why the challenger must not be promoted, a sentence each; none when it may be.

    Args:
        owner: the owner's labelled photos, predicted out of fold.
        facts: what is known of the labels.
        trust: what is thought of the labels.
        elsewhere: held-out exemplars of the categories that the owner uses.
        categories: names of the labels.
    """
    if len(owner) == 0:
        return ("none of your photos could be used to compare the models",)
    consistency = label_consistency(owner.champion, owner.challenger, owner.labels, facts)
    if not consistency.is_consistent:
        return (
            f"your {len(owner)} labels do not fit the photos clearly better than shuffled ones would "
            f"(p = {consistency.chance:.3f})",
        )
    found = _contradicted(owner, trust, categories)
    yours = compare(owner, trust.weights)
    if yours.is_worse:
        found.append(
            f"worse on your photos: {_percent(yours.champion_right)} to {_percent(yours.challenger_right)} "
            f"of the {yours.photos} that you sorted recognised"
        )
    return (*found, *_category_falls(owner, categories), *_harm(elsewhere))


def _contradicted(owner: Scores, trust: LabelTrust, categories: Sequence[str]) -> list[str]:
    found = []
    for index, name in enumerate(categories):
        looks_so = trust.doubted & (trust.suggested == index)
        count, agreed = int(looks_so.sum()), int(((owner.labels == index) & ~trust.doubted).sum())
        if count >= FEWEST_CONTRADICTED and count >= CONTRADICTED_SHARE * (count + agreed):
            found.append(
                f"{count} photos that look like {name} were put elsewhere, {agreed} into {name}: "
                "look at the questions in the report"
            )
    return found


def _category_falls(owner: Scores, categories: Sequence[str]) -> list[str]:
    found = []
    for index, name in enumerate(categories):
        mine = owner.labels == index
        if mine.sum() < FEWEST_TO_JUDGE:
            continue
        category = compare(owner.only(mine))
        if category.difference < -max(CATEGORY_FALL, CATEGORY_STANDARD_ERRORS * category.error):
            found.append(
                f"{name} got clearly worse: {_percent(category.champion_right)} to "
                f"{_percent(category.challenger_right)} of its {category.photos} photos recognised, "
                f"less certain by {-100 * category.difference:.0f} points"
            )
    return found


def _harm(elsewhere: Scores) -> list[str]:
    if len(elsewhere) == 0:
        return []
    # An exemplar that goes to a category which the champion does not know is no loss: it may belong there.
    known = elsewhere.champion.max(axis=0) > 0
    before = elsewhere.champion.argmax(axis=1) == elsewhere.labels
    after = np.where(known, elsewhere.challenger, 0).argmax(axis=1) == elsewhere.labels
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    chance = float(stats.binom.sf(lost - 1, gained + lost, 0.5))
    if before.mean() - after.mean() <= ACCURACY_FALL or chance >= SIGNIFICANCE:
        return []
    return [
        f"it forgets: of {len(elsewhere)} other photos of your categories "
        f"{_percent(float(before.mean()))} to {_percent(float(after.mean()))} right (p = {chance:.3f})"
    ]


def _of_true(probabilities: Floats, scores: Scores) -> NDArray[np.float64]:
    return probabilities[np.arange(len(scores)), scores.labels].astype(np.float64)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
