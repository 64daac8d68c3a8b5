"""Makes a challenger in a draft: backbone and head, temperature, thresholds, judgement, report."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from photo_organizer.errors import OrganizerError
from photo_organizer.learning.data.base_model import Body, inherit_body, needs_new_backbone
from photo_organizer.learning.data.photo_features import PhotoFeatures, photo_features
from photo_organizer.learning.data.training_data import HEAD, Exemplars, OwnerPhotos, owner_photos
from photo_organizer.learning.events import Epoch, Listener, Progress
from photo_organizer.learning.head.head import Floats
from photo_organizer.learning.head.head_training import TrainedHead, train_head
from photo_organizer.learning.judge.calibration import fit_temperature, suggest_all
from photo_organizer.learning.judge.comparison_set import Jury, jury
from photo_organizer.learning.judge.evaluation import Evaluation, evaluate
from photo_organizer.learning.judge.promotion import Verdict, judge
from photo_organizer.learning.judge.serving_check import disagreement
from photo_organizer.learning.labels.label_store import LabelStore, Part, Provenance
from photo_organizer.learning.report.curves import CurveRecorder
from photo_organizer.learning.training_plan import Judgement, Plan, manifest_fields, results
from photo_organizer.models.manifest import read_manifest
from photo_organizer.models.staging import Draft

DEFAULT_PRECISION = 0.90
_UNBIASED = {Provenance.PLACED, Provenance.DATASET}


class Workshop:
    """Where one challenger is made.

    Args:
        plan: what it is to be made of.
        draft: where it is written.
        store: the label store, for the split and the photos' facts.
        listener: hears how far it is.
    """

    def __init__(self, plan: Plan, draft: Draft, store: LabelStore, listener: Listener) -> None:
        self._plan = plan
        self._draft = draft
        self._store = store
        self._tell = listener

    def make(self) -> Verdict:
        """Trains, judges and writes the challenger; the draft is then sealed and ready to be published.

        Raises:
            OrganizerError: there is too little to train on, or a part of the work failed.
        """
        plan = self._plan
        if len(plan.categories) < 2:
            raise OrganizerError("fewer than two categories have photos to learn from")
        photos, before = self._owner_photos()
        body, owner = self._body(before)
        rows = owner.where(Part.TRAIN)
        if len(rows) == 0:
            raise OrganizerError("none of the photos to learn from could be looked at")
        trained, curves = self._train(body, owner, rows)
        trained.head.save(self._draft.path / HEAD)
        temperature = _temperature(owner, rows, trained, known=body.known_temperature)
        fields = manifest_fields(plan, body, temperature)
        self._draft.seal(fields)

        self._tell(Progress("judging", text="champion and challenger on photos that neither learned"))
        judges = self._jury(before, owner, body, trained)
        verdict = self._verdict(judges, owner)
        judgement = self._judgement(judges, verdict, trained, photos, (*body.epochs, *curves))
        self._write_report(judgement)
        self._draft.seal({**fields, **results(judgement, fields["data"])})
        return verdict

    def _owner_photos(self) -> tuple[PhotoFeatures, OwnerPhotos]:
        plan = self._plan
        photos = self._look(before=True)
        readable = [
            it for it in plan.labels if it.sha256 in photos.features and it.category in plan.categories
        ]
        if not readable:
            raise OrganizerError("none of the photos to learn from could be looked at")
        weight = plan.config.retraining.untouched_weight
        owner = owner_photos(
            readable, photos.features, photos.facts, plan.categories, self._store, untouched_weight=weight
        )
        return photos, owner

    def _look(self, *, before: bool) -> PhotoFeatures:
        """Features of the labelled photos under the champion's backbone, or under the draft's."""
        plan = self._plan
        paths = {it.sha256: it.path for it in plan.labels if it.category in plan.categories}

        def looked_at(done: int, total: int) -> None:
            self._tell(Progress("features", done, total, "photos seen for the first time"))

        self._tell(Progress("features", text=f"of {len(paths)} photos"))
        model = plan.champion if before else self._draft.path
        return photo_features(plan.config, model, paths, progress=looked_at)

    def _body(self, before: OwnerPhotos) -> tuple[Body, OwnerPhotos]:
        """The backbone, and the owner's photos as it sees them."""
        plan = self._plan
        new = needs_new_backbone(plan.config, read_manifest(plan.champion))
        if plan.mode != "fine-tune" and not new:
            return inherit_body(plan.champion, self._draft, plan.scan.renamed), before
        from photo_organizer.learning.finetune.fine_tune import fine_tuned_body  # noqa: PLC0415 (TensorFlow)

        body = fine_tuned_body(plan, self._draft, before, self._tell)
        return body, before.with_features(self._look(before=False).features)

    def _train(
        self, body: Body, owner: OwnerPhotos, rows: NDArray[np.int64]
    ) -> tuple[TrainedHead, list[Epoch]]:
        categories = self._plan.categories
        held_out = owner.samples.only(owner.where(Part.HOLD_OUT, guesses=False))
        rest = body.exemplars.samples(categories, held_out=True, width=body.width)
        curves = CurveRecorder(owner.samples.only(rows), [held_out, rest])

        def tried(done: int, total: int) -> None:
            self._tell(Progress("training", done, total, "how much to learn, by cross-validation"))

        self._tell(Progress("training", text=f"the head, on {len(rows)} photos of yours"))
        trained = train_head(
            owner.samples.only(rows),
            body.exemplars.samples(categories, held_out=False, width=body.width),
            body.base_head.for_categories(categories),
            progress=tried,
            watch=curves.watch,
        )
        return trained, curves.epochs

    def _jury(self, before: OwnerPhotos, owner: OwnerPhotos, body: Body, trained: TrainedHead) -> Jury:
        plan = self._plan
        width = before.samples.features.shape[1]
        champions = Exemplars.load(plan.champion, plan.scan.renamed)
        rest = body.exemplars.samples(plan.categories, held_out=True, width=body.width)
        rest_before = champions.samples(plan.categories, held_out=True, width=width)
        return jury(
            plan.champion,
            self._draft.path,
            categories=plan.categories,
            renamed=plan.scan.renamed,
            owner=owner,
            owner_before=before.samples.features,
            exemplars=rest,
            # A backbone of another origin has no exemplars; then the champion's cannot be compared either.
            exemplars_before=rest_before.features if len(rest) else rest_before.features[:0],
            trained=trained,
            use_training_photos=not body.is_new,
        )

    def _verdict(self, judges: Jury, owner: OwnerPhotos) -> Verdict:
        verdict = judge(judges.rest, judges.owner, self._plan.categories)
        problem = disagreement(self._plan.config, self._draft.path, self._plan.categories, owner)
        if problem is not None:
            return Verdict(promoted=False, reasons=(problem, *verdict.reasons))
        return verdict

    def _judgement(
        self,
        judges: Jury,
        verdict: Verdict,
        trained: TrainedHead,
        photos: PhotoFeatures,
        epochs: tuple[Epoch, ...],
    ) -> Judgement:
        plan = self._plan
        scores = judges.everything
        target = plan.config.thresholds.target_precision or DEFAULT_PRECISION
        suggested = suggest_all(scores.challenger, scores.labels, plan.categories, target)
        return Judgement(
            plan=plan,
            verdict=verdict,
            jury=judges,
            champion=self._evaluate(scores.champion, scores.labels, read_manifest(plan.champion).thresholds),
            challenger=self._evaluate(scores.challenger, scores.labels, suggested),
            thresholds=suggested,
            trained=trained,
            epochs=epochs,
            photos=photos,
            training_photos=Counter(it.category for it in plan.labels if it.sha256 in photos.features),
        )

    def _evaluate(
        self, probabilities: Floats, labels: NDArray[np.int64], suggested: dict[str, float]
    ) -> Evaluation:
        """At the thresholds that would apply if this model were in use."""
        limits = self._plan.config.thresholds
        thresholds = [limits.for_category(name, suggested) for name in self._plan.categories]
        return evaluate(probabilities, labels, self._plan.categories, thresholds)

    def _write_report(self, judgement: Judgement) -> None:
        from photo_organizer.learning.report.report import write_report  # noqa: PLC0415 (pandas, matplotlib)

        self._tell(Progress("report", text="plots and tables"))
        write_report(judgement, self._draft.path / "report")


def _temperature(owner: OwnerPhotos, rows: NDArray[np.int64], trained: TrainedHead, *, known: float) -> float:
    """Refitted on photos that the heads had not seen.

    Corrections have no say: being the champion's mistakes, they would tell every model that it is too sure.
    """
    judged = rows[trained.judged]
    unbiased = np.array([owner.labels[row].provenance in _UNBIASED for row in judged.tolist()], np.bool_)
    return fit_temperature(trained.out_of_fold[unbiased], owner.samples.labels[judged[unbiased]], known=known)
