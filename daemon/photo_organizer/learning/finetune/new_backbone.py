"""The head and the exemplars that belong to a backbone that was just made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.data.base_model import BaseModel, backbone_fields
from photo_organizer.learning.data.training_data import (
    BASE_HEAD,
    EXEMPLARS,
    Exemplars,
    base_head,
    exemplar_categories,
)
from photo_organizer.learning.events import Epoch
from photo_organizer.learning.finetune.drift import Drift
from photo_organizer.learning.head.head import Floats, Head, Scaling, fit, one_hot, softmax
from photo_organizer.learning.head.samples import Samples
from photo_organizer.learning.training_plan import TrainingPlan
from photo_organizer.models.manifest import read_manifest
from photo_organizer.models.staging import StagedModel

_STRENGTH = 0.01


def fresh_body(
    plan: TrainingPlan, draft: StagedModel, owner: Samples, epochs: Sequence[Epoch], notes: Mapping[str, Any]
) -> BaseModel:
    """Train a head on a backbone of another origin, from the owner's photos alone: no exemplars fit it.

    Args:
        plan: the categories.
        draft: takes the base head.
        owner: the training photos with their new features.
        epochs: the curve so far.
        notes: for the manifest; `input_size` goes to its own field.
    """
    width = owner.features.shape[1]
    neutral = Head(
        np.zeros((width, len(plan.categories)), np.float32),
        np.zeros(len(plan.categories), np.float32),
        plan.categories,
    )
    head = _fit(owner.features, one_hot(owner.labels, len(plan.categories)), owner.weights, neutral)
    head.save(draft.path / BASE_HEAD)
    rest = {name: value for name, value in notes.items() if name != "input_size"}
    return BaseModel(
        base_head=head,
        exemplars=Exemplars(np.zeros((0, width), np.float32), (), np.zeros(0, np.bool_)),
        categories=plan.categories,
        fields={**_fields(plan), "input_size": notes["input_size"]},
        known_temperature=1.0,
        is_new=True,
        epochs=tuple(epochs),
        notes=rest,
    )


def moved_body(
    plan: TrainingPlan,
    draft: StagedModel,
    before: Samples,
    owner: Samples,
    *,
    epochs: Sequence[Epoch],
    notes: Mapping[str, Any],
) -> BaseModel:
    """Train a head for all known categories on a fine-tuned backbone, with the exemplars' features adapted.

    Args:
        plan: champion and categories.
        draft: takes the base head and the exemplars.
        before: the training photos with the champion's features.
        owner: the same photos with the new features.
        epochs: the curve so far.
        notes: for the manifest.
    """
    champion = read_manifest(plan.champion)
    known = tuple(plan.scan.renamed.get(name, name) for name in exemplar_categories(champion))
    names = (*known, *(name for name in plan.categories if name not in known))
    drift = Drift.of(before.features, owner.features)
    old = Exemplars.load(plan.champion, plan.scan.renamed)
    moved = Exemplars(drift.apply(old.features), old.categories, old.held_out)
    prior = base_head(plan.champion, plan.scan.renamed).for_categories(names)
    width = owner.features.shape[1]
    kept_before = old.samples(names, held_out=False, width=width)
    kept = moved.samples(names, held_out=False, width=width)
    position = np.array([names.index(name) for name in plan.categories])
    head = _fit(
        np.concatenate([owner.features, kept.features]),
        np.concatenate(
            [one_hot(position[owner.labels], len(names)), softmax(prior.logits(kept_before.features))]
        ),
        np.concatenate([owner.weights, kept.weights]),
        prior,
    )
    head.save(draft.path / BASE_HEAD)
    _write_exemplars(moved, names, draft.path / EXEMPLARS)
    return BaseModel(
        base_head=head,
        exemplars=moved,
        categories=names,
        fields=_fields(plan),
        known_temperature=champion.temperature,
        is_new=True,
        epochs=tuple(epochs),
        notes={**notes, "drift_explained": round(drift.explained, 3)},
    )


def _fit(features: Floats, targets: Floats, weights: Floats, prior: Head) -> Head:
    scaling = Scaling.of(features)
    fitted = fit(
        scaling.apply(features), targets, weights, prior=scaling.to_scaled(prior), strength=_STRENGTH
    )
    return scaling.from_scaled(fitted)


def _fields(plan: TrainingPlan) -> dict[str, Any]:
    """Return the champion's, without what was verified of its backbone."""
    fields = backbone_fields(read_manifest(plan.champion))
    fields.pop("serving", None)
    return fields


def _write_exemplars(exemplars: Exemplars, names: Sequence[str], path: Path) -> None:
    labels: NDArray[np.int16] = np.array([names.index(name) for name in exemplars.categories], np.int16)
    np.savez(
        path,
        features=exemplars.features.astype(np.float16),
        labels=labels,
        held_out=exemplars.held_out,
    )
