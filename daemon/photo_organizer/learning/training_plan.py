"""What a challenger is to be made of, and what was found out about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from photo_organizer.config import Configuration
from photo_organizer.learning.data.base_model import Body
from photo_organizer.learning.data.photo_features import PhotoFeatures
from photo_organizer.learning.events import Epoch
from photo_organizer.learning.head.head_training import TrainedHead
from photo_organizer.learning.judge.comparison_set import Jury
from photo_organizer.learning.judge.evaluation import Evaluation
from photo_organizer.learning.judge.promotion import Verdict
from photo_organizer.learning.labels.label_store import Label
from photo_organizer.learning.labels.labels import Scan


@dataclass(frozen=True, slots=True)
class Plan:
    """What the challenger is to be made of. `few` are categories that lack photos, with how many they
    have.
    """

    config: Configuration
    mode: str
    model_id: str
    champion: Path
    categories: tuple[str, ...]
    few: Mapping[str, int]
    scan: Scan
    labels: tuple[Label, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that the report shows. The evaluations are of the photos that judged, the owner's and the rest."""

    plan: Plan
    verdict: Verdict
    jury: Jury
    champion: Evaluation
    challenger: Evaluation
    thresholds: Mapping[str, float]
    trained: TrainedHead
    epochs: tuple[Epoch, ...]
    photos: PhotoFeatures
    training_photos: Counter[str]


def manifest_fields(plan: Plan, body: Body, temperature: float) -> dict[str, Any]:
    """`model.json` of a challenger before it is judged."""
    own = [name for name in plan.categories if name not in plan.config.categories]
    provenance = Counter(it.provenance.value for it in plan.labels)
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
    """What the judgement adds to `model.json`.

    Args:
        judgement: of the challenger.
        data: the field of that name so far.
    """
    chosen = judgement.trained.chosen
    return {
        "thresholds": dict(judgement.thresholds),
        "data": {
            **data,
            "training_photos": dict(judgement.training_photos),
            "unreadable": len(judgement.photos.failed),
            "worth_of_a_photo": chosen.worth,
            "pull_to_the_base_head": chosen.strength,
        },
        "metrics": {
            **judgement.challenger.summary(),
            "champion": judgement.champion.summary(),
            "owner_photos": len(judgement.jury.owner.labels),
            "promoted": judgement.verdict.promoted,
            "reason": judgement.verdict.reason,
            "suggested_thresholds": {
                f"{target:.2f}": {it.category: it.threshold for it in suggestions}
                for target, suggestions in judgement.challenger.suggestions.items()
            },
        },
    }
