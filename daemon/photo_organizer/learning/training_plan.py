"""What a challenger is to be made of, and what was found out about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from photo_organizer.config import Configuration
from photo_organizer.learning.data.base_model import BaseModel
from photo_organizer.learning.data.filing_state import FiledIn
from photo_organizer.learning.data.photo_features import PhotoFeatures
from photo_organizer.learning.events import Epoch
from photo_organizer.learning.head.head_training import TrainedHead
from photo_organizer.learning.judge.assessment import Assessment
from photo_organizer.learning.judge.comparison_set import ComparisonSet
from photo_organizer.learning.judge.evaluation import Evaluation
from photo_organizer.learning.judge.owner_sample import Estimate
from photo_organizer.learning.judge.promotion import PromotionVerdict
from photo_organizer.learning.labels.label_questions import LabelQuestion
from photo_organizer.learning.labels.label_store import Label, Provenance
from photo_organizer.learning.labels.labels import Scan


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What the challenger is to be made of. `few` are categories that lack photos, with how many they
    have; `filed_in` says where the library filed each photo.
    """

    config: Configuration
    mode: str
    model_id: str
    champion: Path
    categories: tuple[str, ...]
    few: Mapping[str, int]
    scan: Scan
    filed_in: FiledIn
    labels: tuple[Label, ...]
    now: datetime

    @property
    def corrected_share(self) -> float | None:
        """Return the share of the filed photos that the owner moved to another category; None without any."""
        filed = sum(category is not None for category in self.filed_in.values())
        corrected = sum(label.provenance is Provenance.CORRECTED for label in self.labels)
        return corrected / filed if filed else None


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that the report shows. The evaluations are of the photos that judged, the owner's and the rest."""

    plan: TrainingPlan
    verdict: PromotionVerdict
    assessment: Assessment
    models: ComparisonSet
    champion: Evaluation
    challenger: Evaluation
    trained: TrainedHead
    questions: tuple[LabelQuestion, ...]
    epochs: tuple[Epoch, ...]
    photos: PhotoFeatures
    training_photos: Counter[str]


def manifest_fields(plan: TrainingPlan, body: BaseModel, temperature: float) -> dict[str, Any]:
    """Return the `model.json` of a challenger before it is judged."""
    own = [name for name in plan.categories if name not in plan.config.all_categories]
    provenance = Counter(label.provenance.value for label in plan.labels)
    return {
        **body.fields,
        "id": plan.model_id,
        "made": plan.now.isoformat(timespec="seconds"),
        "categories": list(plan.categories),
        "parent": plan.champion.name,
        "temperature": round(temperature, 4),
        "data": {
            "mode": plan.mode,
            "labels": dict(provenance),
            "too_few_photos": dict(plan.few),
            "folder_categories": own,
            "exemplar_categories": list(body.categories),
            "base_temperature": body.known_temperature,
            **body.notes,
        },
    }


def results(judgement: Judgement, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the judgement adds to `model.json`.

    Args:
        judgement: of the challenger.
        data: the field of that name so far.
    """
    trained, assessment = judgement.trained, judgement.assessment
    return {
        "thresholds": dict(assessment.thresholds.thresholds),
        "data": {
            **data,
            "training_photos": dict(judgement.training_photos),
            "corrected_share": judgement.plan.corrected_share,
            "unreadable": len(judgement.photos.failed),
            "weight_of_a_photo": round(trained.owner_weight, 3),
            "share_of_the_new_head": trained.step,
            "doubted_labels": len(judgement.questions),
            "wrong_label_share": round(trained.trust.wrong_share, 4),
        },
        "metrics": {
            **judgement.challenger.summary(),
            "champion": judgement.champion.summary(),
            "owner_photos": len(judgement.models.sample.labelled),
            "estimate": {"before": _estimate(assessment.before), "after": _estimate(assessment.after)},
            "below_target": list(assessment.thresholds.below_target),
            "files_nothing": list(assessment.thresholds.files_nothing),
            "promoted": judgement.verdict.promoted,
            "reason": judgement.verdict.reason,
        },
    }


def _estimate(estimate: Estimate) -> dict[str, float]:
    return {name: round(value, 4) for name, value in asdict(estimate).items()}
