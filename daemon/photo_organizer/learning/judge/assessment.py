"""The assessment of a challenger: its verdict, its thresholds, and what it does for the owner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from photo_organizer.learning.head.head import Floats
from photo_organizer.learning.head.label_trust import LabelTrust
from photo_organizer.learning.judge.label_consistency import LabelFacts
from photo_organizer.learning.judge.owner_sample import Estimate, OwnerSample, Scores
from photo_organizer.learning.judge.promotion import PromotionVerdict, objections
from photo_organizer.learning.judge.thresholds import ChosenThresholds, Looked, choose_thresholds

InForce = Callable[[str, Mapping[str, float]], float]

_SHOWN = 3
_LEAST_RISE = 0.02


@dataclass(frozen=True, slots=True)
class Assessment:
    """The result.

    Attributes:
        objections: why the challenger must not be promoted; none when it may be.
        before, after: what champion and challenger do with all of the owner's photos, at their thresholds.
        thresholds: the challenger's.
        learned: categories that the challenger recognises better, the most improved first.
    """

    objections: tuple[str, ...]
    before: Estimate
    after: Estimate
    thresholds: ChosenThresholds
    learned: tuple[str, ...]

    def verdict(self, corrections: int, others: int = 0) -> PromotionVerdict:
        """Return the verdict in the owner's words.

        Args:
            corrections: how many photos were learned from that the owner moved.
            others: how many that the owner placed or confirmed.
        """
        figures = (
            f"files {_percent(self.after.filed_share)} instead of {_percent(self.before.filed_share)} "
            f"of your photos, {_of_hundred(self.after.filed_precision)} of 100 right instead of "
            f"{_of_hundred(self.before.filed_precision)} (estimated)"
        )
        if self.objections:
            return PromotionVerdict(promoted=False, reasons=self.objections)
        reasons = [figures]
        if self.learned:
            reasons.append(f"learned most: {', '.join(self.learned)}")
        reasons.append(_used(corrections, others))
        below, nothing = self.thresholds.below_target, self.thresholds.files_nothing
        if below:
            reasons.append(f"still less often right than aimed at: {', '.join(below)}")
        if nothing:
            reasons.append(f"not sure enough to file any: {', '.join(nothing)}")
        return PromotionVerdict(promoted=True, reasons=tuple(reasons))


def assess(
    sample: OwnerSample,
    facts: LabelFacts,
    trust: LabelTrust,
    elsewhere: Scores,
    categories: Sequence[str],
    *,
    before: Mapping[str, float],
    target: float,
    in_force: InForce | None = None,
) -> Assessment:
    """Judge a challenger.

    Args:
        sample: the owner's photos under both models.
        facts: what is known of the labels.
        trust: what is thought of the labels.
        elsewhere: held-out exemplars of the categories that the owner uses.
        categories: names of the labels.
        before: the champion's thresholds.
        target: the precision aimed at.
        in_force: the threshold that applies to a category, given the model's; the model's when None.
    """
    applies = in_force or (lambda name, of_model: of_model.get(name, of_model["default"]))

    def limits(of_model: Mapping[str, float]) -> list[float]:
        return [applies(name, of_model) for name in categories]

    labelled = sample.labelled
    looked = _looked(sample, trust.weights)
    chosen = choose_thresholds(looked, categories, before, target)
    return Assessment(
        objections=objections(labelled, facts, trust, elsewhere, categories),
        before=sample.estimate(labelled.champion, sample.champion, limits(before)),
        after=sample.estimate(labelled.challenger, sample.challenger, limits(chosen.thresholds)),
        thresholds=chosen,
        learned=_learned(labelled, categories),
    )


def _looked(sample: OwnerSample, trust: Floats) -> Looked:
    said = np.concatenate([sample.labelled.challenger, sample.challenger[sample.filed]])
    never = [1.0] * said.shape[1]
    chance, _, weight = sample.outcomes(sample.labelled.challenger, sample.challenger, never)
    weight[: len(trust)] *= trust
    labelled = np.arange(len(said)) < len(sample.labelled)
    return Looked(said.argmax(axis=1), said.max(axis=1).astype(np.float64), chance, weight, labelled)


def _learned(scores: Scores, categories: Sequence[str]) -> tuple[str, ...]:
    rows = np.arange(len(scores))
    rise = scores.challenger[rows, scores.labels] - scores.champion[rows, scores.labels]
    total = np.bincount(scores.labels, rise, len(categories)) / max(1, len(scores))
    best = np.argsort(-total)[:_SHOWN]
    return tuple(categories[index] for index in best.tolist() if total[index] > _LEAST_RISE / _SHOWN)


def _used(corrections: int, others: int) -> str:
    moved = f"{corrections} correction{'' if corrections == 1 else 's'}"
    other = f"{others} other photo{'' if others == 1 else 's'} that you sorted"
    return f"{' and '.join([moved] * bool(corrections) + [other] * bool(others))} used"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _of_hundred(share: float) -> str:
    return f"{100 * share:.0f}"
