"""Whether the challenger takes over: better overall, and no category clearly worse.

Both models are scored on the same photos, so every comparison is paired. The photos are in two sets:

- **hold-out**: photos that no model was trained on, the owner's and the starter's exemplars for the rest;
- **owner**: the owner's hold-out, and, because a few corrections are too few to spare a fifth of them, the
owner's
  training photos with the predictions of the cross-validation, in which no photo is judged by a head that saw
  it.

The challenger is promoted when all of these hold:

1. *Better where the owner spoke*: of the owner's photos it gets more right than the champion, at a lower mean
log-loss.
   Log-loss alone would not do: on labels that are wrong on purpose, a model that hedges has less of it.
2. *No harm elsewhere*: on the hold-out its accuracy does not fall by more than one point with p < 0.05 (exact
one-sided
   binomial test on the photos that one of the two gets right, McNemar 1947).
3. *No category clearly worse*: for each category with 10 or more photos (hold-out and owner together),
neither does its
   recall fall by more than 5 points with p < 0.05 / categories (the same test), nor its mean log-loss rise by
   more than 0.15 nats with p < 0.05 / categories (one-sided paired t-test). Log-loss sees what recall does
   not: photos that are still put in the right category but so hesitantly that they would go to Review.

The first is not asked to be significant: with a dozen corrections it could never be, and the other two bound
the harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from photo_organizer.learning.head.head import Floats, Labels
from photo_organizer.learning.judge.evaluation import log_losses

SIGNIFICANCE = 0.05
FEWEST_TO_JUDGE = 10
RECALL_FALL = 0.05
LOSS_RISE = 0.15
ACCURACY_FALL = 0.01


@dataclass(frozen=True, slots=True)
class Scores:
    """Probabilities (N, C) of champion and challenger for the same photos, and their categories (N,)."""

    champion: Floats
    challenger: Floats
    labels: Labels

    def joined(self, other: Scores) -> Scores:
        """Both sets together."""
        return Scores(
            np.concatenate([self.champion, other.champion]),
            np.concatenate([self.challenger, other.challenger]),
            np.concatenate([self.labels, other.labels]),
        )

    def only(self, chosen: NDArray[np.bool_]) -> Scores:
        """The chosen photos."""
        return Scores(self.champion[chosen], self.challenger[chosen], self.labels[chosen])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Champion against challenger on one set of photos."""

    photos: int
    champion_accuracy: float
    challenger_accuracy: float
    champion_loss: float
    challenger_loss: float
    gained: int  # photos that only the challenger gets right
    lost: int  # photos that only the champion gets right
    p_less_right: float  # of so many losses by chance, were the two equally good
    p_more_loss: float  # of such a rise of the log-loss by chance


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to promote, and why or why not, a sentence each."""

    promoted: bool
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """All reasons in one line."""
        return "; ".join(self.reasons)


def judge(hold_out: Scores, owner: Scores, categories: Sequence[str]) -> Verdict:
    """Applies the rule of this module.

    Args:
        hold_out: photos that no model saw, without the owner's.
        owner: the owner's photos: hold-out, and cross-validated training photos.
        categories: names of the labels.
    """
    if len(owner.labels) == 0:
        return Verdict(promoted=False, reasons=("none of your photos could be used to compare the models",))
    yours = compare(owner)
    against = _against_overall(yours)
    if len(hold_out.labels):
        against += _against_elsewhere(compare(hold_out))
    against += _against_categories(owner.joined(hold_out), categories)
    if against:
        return Verdict(promoted=False, reasons=tuple(against))
    better = (
        f"better on your photos: {_percent(yours.champion_accuracy)} to "
        f"{_percent(yours.challenger_accuracy)} right, "
        f"log-loss {yours.champion_loss:.2f} to {yours.challenger_loss:.2f} on {yours.photos} photos"
    )
    return Verdict(promoted=True, reasons=(better, "no category clearly worse"))


def compare(scores: Scores) -> Comparison:
    """The paired comparison of both models; `scores` must not be empty."""
    champion_right = scores.champion.argmax(axis=1) == scores.labels
    challenger_right = scores.challenger.argmax(axis=1) == scores.labels
    champion_loss = log_losses(scores.champion, scores.labels)
    challenger_loss = log_losses(scores.challenger, scores.labels)
    gained = int((challenger_right & ~champion_right).sum())
    lost = int((champion_right & ~challenger_right).sum())
    return Comparison(
        photos=len(scores.labels),
        champion_accuracy=float(champion_right.mean()),
        challenger_accuracy=float(challenger_right.mean()),
        champion_loss=float(champion_loss.mean()),
        challenger_loss=float(challenger_loss.mean()),
        gained=gained,
        lost=lost,
        p_less_right=float(stats.binom.sf(lost - 1, gained + lost, 0.5)),
        p_more_loss=_p_rise(challenger_loss - champion_loss),
    )


def _against_overall(yours: Comparison) -> list[str]:
    accuracies = (
        f"{_percent(yours.champion_accuracy)} to {_percent(yours.challenger_accuracy)} "
        f"of {yours.photos} right"
    )
    if yours.gained <= yours.lost:
        return [f"not better on your photos: {accuracies}"]
    if yours.challenger_loss >= yours.champion_loss:
        losses = f"log-loss {yours.champion_loss:.2f} to {yours.challenger_loss:.2f}"
        return [f"not better on your photos: {accuracies}, but {losses}"]
    return []


def _against_elsewhere(rest: Comparison) -> list[str]:
    fall = rest.champion_accuracy - rest.challenger_accuracy
    if fall <= ACCURACY_FALL or rest.p_less_right >= SIGNIFICANCE:
        return []
    return [
        f"it forgets: on the other {rest.photos} hold-out photos {_percent(rest.champion_accuracy)} to "
        f"{_percent(rest.challenger_accuracy)} right (p = {rest.p_less_right:.3f})"
    ]


def _against_categories(scores: Scores, categories: Sequence[str]) -> list[str]:
    against = []
    level = SIGNIFICANCE / max(1, len(categories))
    for index, name in enumerate(categories):
        mine = scores.labels == index
        if mine.sum() < FEWEST_TO_JUDGE:
            continue
        it = compare(scores.only(mine))
        if it.champion_accuracy - it.challenger_accuracy > RECALL_FALL and it.p_less_right < level:
            against.append(
                f"{name} got clearly worse: {_percent(it.champion_accuracy)} to "
                f"{_percent(it.challenger_accuracy)} of its {it.photos} photos recognised "
                f"(p = {it.p_less_right:.4f})"
            )
        elif it.challenger_loss - it.champion_loss > LOSS_RISE and it.p_more_loss < level:
            against.append(
                f"{name} got clearly less certain: log-loss {it.champion_loss:.2f} to "
                f"{it.challenger_loss:.2f} on its {it.photos} photos (p = {it.p_more_loss:.4f})"
            )
    return against


def _p_rise(differences: NDArray[np.float64]) -> float:
    """One-sided paired t-test: how likely so high a mean difference is by chance."""
    if len(differences) < 2:
        return 1.0
    spread = float(differences.std(ddof=1))
    mean = float(differences.mean())
    if spread == 0.0:
        return 0.0 if mean > 0 else 1.0
    return float(stats.t.sf(mean / (spread / np.sqrt(len(differences))), len(differences) - 1))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
