"""One simulated owner: photos are filed by the starter, some of the wrong and doubtful ones are moved, and a
model is made, judged and perhaps promoted by the code that does so for a real owner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.learning_owners import LabelledFeatures, Starter, as_samples
from photo_organizer.learning.head.head import Floats, Head, Labels, softmax
from photo_organizer.learning.head.head_training import TrainedHead, train_head
from photo_organizer.learning.head.training_set import TrainingSet
from photo_organizer.learning.judge.assessment import Assessment, assess
from photo_organizer.learning.judge.label_consistency import LabelFacts
from photo_organizer.learning.judge.owner_sample import OwnerSample, Scores, stand_for

TARGET_PRECISION = 0.95
DROPPED, JUDGING = 300, 1000


@dataclass(frozen=True, slots=True)
class Figures:
    """What a model does with photos that neither it nor the owner has seen: shares, and of the starter's own
    sources the share that is right.
    """

    right: float
    filed: float
    precision: float
    own_sources: float


@dataclass(frozen=True, slots=True)
class Round:
    """One training: after how many corrections, whether it was promoted, the model in use before it, the
    challenger, and the model in use after it.
    """

    corrections: int
    promoted: bool
    objections: tuple[str, ...]
    before: Figures
    challenger: Figures
    after: Figures

    @property
    def gain(self) -> float:
        """Return how much more the challenger gets right than the model in use."""
        return self.challenger.right - self.before.right


@dataclass(frozen=True, slots=True)
class _Model:
    head: Head
    temperature: float
    thresholds: Mapping[str, float]
    out_of_fold: Mapping[int, Floats]

    def probabilities(self, features: Floats) -> Floats:
        return softmax(self.head.logits(features), self.temperature)

    def unseen(self, rows: NDArray[np.int64], features: Floats) -> Floats:
        """Return probabilities of heads that have not seen the photos of these rows."""
        said = self.probabilities(features)
        for place, row in enumerate(rows.tolist()):
            said[place] = self.out_of_fold.get(row, said[place])
        return said


class SimulatedOwner:
    """An owner with photos, the first of which are dropped and the rest of which judge."""

    def __init__(self, starter: Starter, photos: LabelledFeatures, seed: int) -> None:
        self._starter = starter
        self._random = np.random.default_rng(seed)
        order = _mixed(photos.labels, DROPPED + JUDGING, self._random)
        dropped = min(DROPPED, int(0.6 * len(order)))
        self._features, self._labels = photos.features[order[:dropped]], photos.labels[order[:dropped]]
        self._others = photos.features[order[dropped:]], photos.labels[order[dropped:]]
        self._categories = photos.categories
        self._model = _Model(starter.head, starter.temperature, {"default": starter.threshold}, {})
        said = self._model.probabilities(self._features)
        self._filed_in = np.where(said.max(axis=1) >= starter.threshold, said.argmax(axis=1), -1)
        to_move = np.flatnonzero(self._filed_in != self._labels)
        self._to_move = self._random.permutation(to_move)

    def rounds(
        self, corrections: Sequence[int], wrong: float = 0.0, *, shuffled: bool = False
    ) -> Iterator[Round]:
        """Correct, train and perhaps promote, again and again.

        Args:
            corrections: how many photos have been moved at each training.
            wrong: share of them that is moved to a random category.
            shuffled: whether the categories are shuffled among the photos.
        """
        labels = self._labels.copy()
        known = np.unique(self._starter.exemplars.labels)
        slips = self._to_move[self._random.random(len(self._to_move)) < wrong]
        labels[slips] = self._random.choice(known, len(slips))
        for count in corrections:
            moved = self._to_move[:count]
            if len(moved) < count:
                return
            given = self._random.permutation(labels[moved]) if shuffled else labels[moved]
            elsewhere = self._filed_in[moved] != given  # a photo cannot be moved to where it lies
            yield self._round(moved[elsewhere], given[elsewhere])

    def _round(self, moved: NDArray[np.int64], labels: Labels) -> Round:
        before = self.figures(self._model)
        rest = np.setdiff1d(np.arange(len(self._labels)), moved)
        trained = train_head(self._training_set(moved, labels, rest), progress=lambda done, total: None)
        challenger, assessment = self._assess(trained, moved, labels, rest)
        figures = self.figures(challenger)
        promoted = not assessment.objections
        if promoted:
            self._model = challenger
        return Round(
            corrections=len(moved),
            promoted=promoted,
            objections=assessment.objections,
            before=before,
            challenger=figures,
            after=figures if promoted else before,
        )

    def _training_set(self, moved: NDArray[np.int64], labels: Labels, rest: NDArray[np.int64]) -> TrainingSet:
        return TrainingSet(
            owner=as_samples(self._features[moved], labels),
            not_in=self._filed_in[moved],
            certain=np.zeros(len(moved), np.bool_),
            exemplars=self._starter.exemplars,
            others=self._features[rest],
            base=self._starter.head,
            temperature=self._starter.temperature,
        )

    def _assess(
        self, trained: TrainedHead, moved: NDArray[np.int64], labels: Labels, rest: NDArray[np.int64]
    ) -> tuple[_Model, Assessment]:
        out_of_fold = softmax(trained.out_of_fold, self._starter.temperature)
        challenger = _Model(
            trained.head, self._starter.temperature, {}, dict(zip(moved.tolist(), out_of_fold, strict=True))
        )
        filed = self._filed_in[rest] >= 0
        sample = OwnerSample(
            labelled=Scores(self._model.unseen(moved, self._features[moved]), out_of_fold, labels),
            stands_for=stand_for(self._filed_in[moved] < 0, int((~filed).sum())),
            champion=self._model.probabilities(self._features[rest]),
            challenger=challenger.probabilities(self._features[rest]),
            filed=filed,
        )
        held = self._starter.held_out
        elsewhere = Scores(
            self._model.probabilities(held.features), challenger.probabilities(held.features), held.labels
        )
        found = assess(
            sample,
            LabelFacts(self._filed_in[moved], np.arange(len(moved))),
            trained.trust,
            elsewhere,
            self._categories,
            before=self._model.thresholds,
            target=TARGET_PRECISION,
        )
        thresholds = found.thresholds.thresholds
        return _Model(challenger.head, challenger.temperature, thresholds, challenger.out_of_fold), found

    def figures(self, model: _Model) -> Figures:
        """Return what a model does with the photos that judge."""
        features, labels = self._others
        said = model.probabilities(features)
        limits = np.array(
            [model.thresholds.get(name, model.thresholds["default"]) for name in self._categories]
        )
        right = said.argmax(axis=1) == labels
        filed = said.max(axis=1) >= limits[said.argmax(axis=1)]
        own = self._starter.own_sources
        return Figures(
            right=float(right.mean()),
            filed=float(filed.mean()),
            precision=float(right[filed].mean()) if filed.any() else 1.0,
            own_sources=float((model.head.logits(own.features).argmax(axis=1) == own.labels).mean()),
        )


def _mixed(labels: Labels, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return rows at random, with the square root of a category's photos, so that no source rules."""
    sizes = np.bincount(labels)
    weights = 1 / np.sqrt(sizes[labels])
    rows = random.choice(len(labels), min(count, len(labels)), replace=False, p=weights / weights.sum())
    return np.asarray(random.permutation(rows), np.int64)
