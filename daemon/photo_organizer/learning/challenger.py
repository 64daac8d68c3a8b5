"""Make a challenger in a staging folder: backbone and head, thresholds, judgement, report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer.config.settings import FALLBACK_THRESHOLD
from photo_organizer.errors import OrganizerError
from photo_organizer.learning.data.base_model import BaseModel, inherit_body, needs_new_backbone
from photo_organizer.learning.data.filing_state import (
    UnlabelledPhotos,
    moved_out_of,
    unlabelled_photos,
    with_features,
)
from photo_organizer.learning.data.photo_features import PhotoFeatures, known_features, photo_features
from photo_organizer.learning.data.training_data import HEAD, OwnerPhotos, owner_photos
from photo_organizer.learning.events import Epoch, Listener, Progress
from photo_organizer.learning.head.head import Floats, softmax
from photo_organizer.learning.head.head_training import TrainedHead, train_head
from photo_organizer.learning.head.label_trust import LabelTrust
from photo_organizer.learning.head.training_set import TrainingSet
from photo_organizer.learning.judge.assessment import Assessment, assess
from photo_organizer.learning.judge.calibration import fit_temperature
from photo_organizer.learning.judge.comparison_set import ComparisonSet, OwnerRows, compare_models
from photo_organizer.learning.judge.evaluation import Evaluation, evaluate
from photo_organizer.learning.judge.label_consistency import LabelFacts
from photo_organizer.learning.judge.out_of_fold import save_out_of_fold
from photo_organizer.learning.judge.promotion import PromotionVerdict
from photo_organizer.learning.judge.serving_check import disagreement
from photo_organizer.learning.judge.thresholds import TARGET_PRECISION
from photo_organizer.learning.labels.label_questions import LabelQuestion
from photo_organizer.learning.labels.label_store import LabelStore, Part, Provenance
from photo_organizer.learning.report.curves import CurveRecorder
from photo_organizer.learning.training_plan import Judgement, TrainingPlan, manifest_fields, results
from photo_organizer.models.manifest import read_manifest
from photo_organizer.models.staging import StagedModel

_CORRECTIONS = {Provenance.CORRECTED, Provenance.REVIEWED}
_UNBIASED = {Provenance.PLACED, Provenance.DATASET}


@dataclass(frozen=True, slots=True)
class Made:
    """What one training came to, for the report."""

    assessment: Assessment
    verdict: PromotionVerdict
    trained: TrainedHead
    questions: tuple[LabelQuestion, ...]
    epochs: tuple[Epoch, ...]
    photos: PhotoFeatures


class CandidateTrainer:
    """Makes one challenger.

    Args:
        plan: what it is to be made of.
        draft: where it is written.
        store: the label store, for the split and the photos' facts.
        listener: hears how far it is.
    """

    def __init__(self, plan: TrainingPlan, draft: StagedModel, store: LabelStore, listener: Listener) -> None:
        self._plan = plan
        self._draft = draft
        self._store = store
        self._tell = listener

    def make(self) -> tuple[PromotionVerdict, tuple[LabelQuestion, ...]]:
        """Train, judge and write the challenger; the draft is then sealed and ready to be published.

        Returns:
            The verdict, and the labels that the owner should be asked about.

        Raises:
            OrganizerError: there is too little to train on, or a part of the work failed.
        """
        plan = self._plan
        if len(plan.categories) < 2:
            raise OrganizerError("fewer than two categories have photos to learn from")
        photos, before = self._owner_photos()
        unlabelled = unlabelled_photos(plan.filed_in, plan.scan.labels)
        others_before = self._unlabelled(unlabelled, before, plan.champion)
        body, owner = self._body(before)
        others = self._unlabelled(unlabelled, owner, self._draft.path) if body.is_new else others_before
        rows = owner.where(Part.TRAIN) if body.is_new else owner.where()
        if len(rows) == 0:
            raise OrganizerError("none of the training photos could be read")
        trained, curves = self._train(body, owner, rows, others)
        trained.head.save(self._draft.path / HEAD)
        temperature = _temperature(owner, rows, trained, known=body.known_temperature)
        photos_of_rows = [owner.labels[row].sha256 for row in rows.tolist()]
        save_out_of_fold(self._draft.path, photos_of_rows, softmax(trained.out_of_fold, temperature))
        fields = manifest_fields(plan, body, temperature)
        self._draft.seal(fields)

        self._tell(Progress("judging", text="champion and challenger on photos that neither has seen"))
        compared = owner.where(*((Part.HOLD_OUT,) if body.is_new else ()), guesses=False)
        models = compare_models(
            plan.champion,
            self._draft.path,
            categories=plan.categories,
            renamed=plan.scan.renamed,
            before=OwnerRows(before, compared, others_before),
            after=OwnerRows(owner, compared, others),
            trained_before=self._store.trained(),
        )
        trust = trained.trust.at(rows, compared)
        assessment = self._assess(models, trust, owner, compared)
        made = Made(
            assessment=assessment,
            verdict=self._verdict(assessment, owner, rows),
            trained=trained,
            questions=self._questions(owner, rows, trained.trust),
            epochs=(*body.epochs, *curves),
            photos=photos,
        )
        judgement = self._judgement(models, made)
        self._write_report(judgement)
        self._draft.seal({**fields, **results(judgement, fields["data"])})
        return made.verdict, made.questions

    def _owner_photos(self) -> tuple[PhotoFeatures, OwnerPhotos]:
        plan = self._plan
        photos = self._look(plan.champion)
        readable = [
            label
            for label in plan.labels
            if label.sha256 in photos.features and label.category in plan.categories
        ]
        if not readable:
            raise OrganizerError("none of the training photos could be read")
        weight = plan.config.retraining.untouched_weight
        owner = owner_photos(
            readable, photos.features, photos.facts, plan.categories, self._store, untouched_weight=weight
        )
        return photos, owner

    def _look(self, model: Path) -> PhotoFeatures:
        """Return the features of the labelled photos under a model's backbone."""
        plan = self._plan
        paths = {label.sha256: label.path for label in plan.labels if label.category in plan.categories}

        def looked_at(done: int, total: int) -> None:
            self._tell(Progress("features", done, total, "photos seen for the first time"))

        self._tell(Progress("features", text=f"of {len(paths)} photos"))
        return photo_features(plan.config, model, paths, progress=looked_at)

    def _unlabelled(self, filed: dict[str, bool], owner: OwnerPhotos, model: Path) -> UnlabelledPhotos:
        """Return the photos without a label that the model's backbone has seen; none is read for this."""
        known = known_features(self._plan.config, model, list(filed))
        return with_features(filed, known, owner.samples.features.shape[1])

    def _body(self, before: OwnerPhotos) -> tuple[BaseModel, OwnerPhotos]:
        """Return the backbone, and the owner's photos as it sees them."""
        plan = self._plan
        new = needs_new_backbone(plan.config, read_manifest(plan.champion))
        if plan.mode != "fine-tune" and not new:
            return inherit_body(plan.champion, self._draft, plan.scan.renamed), before
        from photo_organizer.learning.finetune.fine_tune import fine_tuned_body  # noqa: PLC0415 (TensorFlow)

        body = fine_tuned_body(plan, self._draft, before, self._tell)
        return body, before.with_features(self._look(self._draft.path).features)

    def _train(
        self, body: BaseModel, owner: OwnerPhotos, rows: NDArray[np.int64], others: UnlabelledPhotos
    ) -> tuple[TrainedHead, list[Epoch]]:
        plan = self._plan
        elsewhere = body.exemplars.samples(plan.categories, held_out=True, width=body.width)
        curves = CurveRecorder(owner.samples.only(rows), [elsewhere])

        def fitted(done: int, total: int) -> None:
            self._tell(Progress("training", done, total, "heads, each without a part of your photos"))

        self._tell(Progress("training", text=f"the head, on {len(rows)} photos of yours"))
        data = TrainingSet(
            owner=owner.samples.only(rows),
            not_in=self._moved_out_of(owner)[rows],
            certain=owner.certain()[rows],
            exemplars=body.exemplars.samples(plan.categories, held_out=False, width=body.width),
            others=others.features,
            base=body.base_head.for_categories(plan.categories),
            temperature=body.known_temperature,
        )
        trained = train_head(data, progress=fitted, watch=curves.watch)
        return trained, curves.epochs

    def _moved_out_of(self, owner: OwnerPhotos) -> NDArray[np.int64]:
        plan = self._plan
        return moved_out_of(owner.labels, plan.filed_in, plan.scan.renamed, plan.categories)

    def _assess(
        self, models: ComparisonSet, trust: LabelTrust, owner: OwnerPhotos, compared: NDArray[np.int64]
    ) -> Assessment:
        plan = self._plan
        limits = plan.config.thresholds
        suggested = read_manifest(plan.champion).thresholds
        return assess(
            models.sample,
            LabelFacts(self._moved_out_of(owner)[compared], owner.samples.groups[compared]),
            trust,
            models.used,
            plan.categories,
            before={"default": FALLBACK_THRESHOLD, **suggested},
            target=limits.target_precision or TARGET_PRECISION,
            in_force=lambda name, of_model: limits.for_category(name, dict(of_model)),
        )

    def _verdict(
        self, assessment: Assessment, owner: OwnerPhotos, rows: NDArray[np.int64]
    ) -> PromotionVerdict:
        corrections = sum(owner.labels[row].provenance in _CORRECTIONS for row in rows.tolist())
        verdict = assessment.verdict(corrections, len(rows) - corrections)
        problem = disagreement(self._plan.config, self._draft.path, self._plan.categories, owner)
        if problem is None:
            return verdict
        return PromotionVerdict(promoted=False, reasons=(problem, *assessment.objections))

    def _questions(
        self, owner: OwnerPhotos, rows: NDArray[np.int64], trust: LabelTrust
    ) -> tuple[LabelQuestion, ...]:
        """Return the labels that are more likely wrong than right, the least likely first."""
        doubted = np.flatnonzero(trust.doubted)
        return tuple(
            LabelQuestion(
                sha256=owner.labels[rows[place]].sha256,
                path=str(owner.labels[rows[place]].path),
                category=owner.labels[rows[place]].category,
                looks_like=self._plan.categories[trust.suggested[place]],
                confidence=round(float(trust.confidence[place]), 4),
            )
            for place in doubted[np.argsort(trust.weights[doubted], kind="stable")].tolist()
        )

    def _judgement(self, models: ComparisonSet, made: Made) -> Judgement:
        plan = self._plan
        scores = models.everything
        before = read_manifest(plan.champion).thresholds
        after = made.assessment.thresholds.thresholds
        return Judgement(
            plan=plan,
            verdict=made.verdict,
            assessment=made.assessment,
            models=models,
            champion=self._evaluate(scores.champion, scores.labels, before),
            challenger=self._evaluate(scores.challenger, scores.labels, after),
            trained=made.trained,
            questions=made.questions,
            epochs=made.epochs,
            photos=made.photos,
            training_photos=Counter(
                label.category for label in plan.labels if label.sha256 in made.photos.features
            ),
        )

    def _evaluate(
        self, probabilities: Floats, labels: NDArray[np.int64], suggested: dict[str, float]
    ) -> Evaluation:
        """Evaluate at the thresholds that would apply if this model were in use."""
        limits = self._plan.config.thresholds
        thresholds = [limits.for_category(name, suggested) for name in self._plan.categories]
        return evaluate(probabilities, labels, self._plan.categories, thresholds)

    def _write_report(self, judgement: Judgement) -> None:
        from photo_organizer.learning.report.report import write_report  # noqa: PLC0415 (pandas, matplotlib)

        self._tell(Progress("report", text="plots and tables"))
        write_report(judgement, self._draft.path / "report")


def _temperature(owner: OwnerPhotos, rows: NDArray[np.int64], trained: TrainedHead, *, known: float) -> float:
    """Return the temperature refitted on photos that the heads had not seen.

    Corrections are left out: they are the champion's mistakes and would make every model look too sure.
    """
    unbiased = np.array([owner.labels[row].provenance in _UNBIASED for row in rows.tolist()], np.bool_)
    return fit_temperature(trained.out_of_fold[unbiased], owner.samples.labels[rows[unbiased]], known=known)
