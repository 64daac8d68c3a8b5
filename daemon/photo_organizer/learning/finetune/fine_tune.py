"""Fine-tune mode: a new head on the frozen backbone, then block 5 with a low learning rate.

The order is that of the transfer-learning literature (Yosinski et al., How transferable are features in deep
neural networks?, 2014; Chollet on VGG16): a randomly begun head would send large gradients through the
convolutions, so it is trained first. Both stages run on cached activations of blocks 1 to 4 (see
activations.py), with class weights, early stopping on a validation part of the training photos, and the best
weights restored; the hold-out is not used.

The starter's exemplars are features without pixels and cannot go through the changed block 5. How the owner's
own photos moved from the old features to the new ones is learned instead, and applied to the exemplars
(see drift.py). A backbone of another origin (`model.backbone`) leaves no such way: its categories are those
that the owner has photos of.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer.errors import OrganizerError
from photo_organizer.learning.data.base_model import (
    BaseModel,
    backbone_fields,
    backbone_origin,
    needs_new_backbone,
)
from photo_organizer.learning.data.dataset import folds
from photo_organizer.learning.data.training_data import HEAD, OwnerPhotos
from photo_organizer.learning.events import Listener, Progress
from photo_organizer.learning.finetune.activations import affordable_views, compute_activations, decode_all
from photo_organizer.learning.finetune.backbone_source import (
    backbone_from_file,
    official_backbone,
    write_backbone,
)
from photo_organizer.learning.finetune.block5 import BlockFive, Photos, Schedule, train_block5
from photo_organizer.learning.finetune.new_backbone import fresh_body, moved_body
from photo_organizer.learning.head.head import Floats
from photo_organizer.learning.head.samples import Samples
from photo_organizer.learning.labels.label_store import Part
from photo_organizer.learning.training_plan import TrainingPlan, manifest_fields
from photo_organizer.models.manifest import BACKBONE_FILE, read_manifest
from photo_organizer.models.serving_model import read_model
from photo_organizer.models.staging import StagedModel
from photo_organizer.typed_command import typed
from photo_organizer.vision.backbone.weights import Layer, read_backbone
from photo_organizer.vision.labelled_photos import LabelledPixels

VIEWS = 3
FEWEST_PHOTOS = 40
_VALIDATION_FOLDS = 6  # one of which validates
_OFFICIAL_SIZE = 224
_QUANTISED_WITH = 300


@dataclass(frozen=True, slots=True)
class _Material:
    """The training photos that could be decoded: rows of the owner's photos (N,), pixels (N, S, S, 3)."""

    rows: NDArray[np.int64]
    pixels: NDArray[np.uint8]


def fine_tuned_body(plan: TrainingPlan, draft: StagedModel, before: OwnerPhotos, tell: Listener) -> BaseModel:
    """Write a new backbone into the draft: fine-tuned, or of another origin, or both.

    Args:
        plan: mode, champion, categories.
        draft: takes the backbone, its base head, its exemplars and a provisional head; sealed at the end.
        before: the owner's photos as the champion's backbone sees them.
        tell: hears how far it is.

    Raises:
        OrganizerError: too few photos, or the configured backbone cannot be had.
    """
    if plan.mode == "fine-tune" and len(before.where(Part.TRAIN)) < FEWEST_PHOTOS:
        what = f"{len(before.where(Part.TRAIN))} photos of yours are too few for fine-tuning"
        raise OrganizerError(what, remedy=f"it needs {FEWEST_PHOTOS}; use {typed('train --mode head')}")
    changed_origin = needs_new_backbone(plan.config, read_manifest(plan.champion))
    layers, size = _starting_point(plan, tell) if changed_origin else _champions(plan)
    with _cache(plan.config.state_directory) as folder:
        work = _Work(plan, before, folder, tell)
        material = work.decode(size)
        trained = work.train(layers, material)
        write_backbone(trained.layers, draft.path / BACKBONE_FILE)
        notes = {
            "backbone_origin": backbone_origin(plan.config),
            "fine_tuned": trained.improved,
            "epochs": len(trained.epochs),
        }
        seen_before = before.samples.only(material.rows)
        owner = replace(seen_before, features=trained.features)
        if changed_origin:
            body = fresh_body(plan, draft, owner, trained.epochs, {**notes, "input_size": size})
        else:
            body = moved_body(plan, draft, seen_before, owner, epochs=trained.epochs, notes=notes)
        body.base_head.for_categories(plan.categories).save(draft.path / HEAD)
        draft.seal(manifest_fields(plan, body, body.known_temperature))
        return work.quantised(draft, body, material)


def _champions(plan: TrainingPlan) -> tuple[dict[str, Layer], int]:
    return read_backbone(plan.champion / BACKBONE_FILE), read_model(plan.champion).input_size


def _starting_point(plan: TrainingPlan, tell: Listener) -> tuple[dict[str, Layer], int]:
    chosen = plan.config.model.backbone
    if chosen == "imagenet":
        tell(Progress("backbone", text="the ImageNet weights, 59 MB, downloaded once"))
        return official_backbone(plan.config.model_directory), _OFFICIAL_SIZE
    if chosen == "starter":
        raise OrganizerError(
            "the model in use was not made from the starter's backbone",
            where="model.backbone: starter",
            remedy=f"go back to the starter ({typed('models use ID')}), then train again",
        )
    return backbone_from_file(Path(chosen)), _OFFICIAL_SIZE


@contextmanager
def _cache(state: Path) -> Iterator[Path]:
    """Return a folder on disk for pixels and activations; those of runs that were killed are removed
    first.
    """
    for left in state.glob("training-*.cache"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="training-", suffix=".cache", dir=state) as folder:
        yield Path(folder)


class _Work:
    """The steps of one run; `folder` is on disk, for what is too large for memory."""

    def __init__(self, plan: TrainingPlan, before: OwnerPhotos, folder: Path, tell: Listener) -> None:
        self._plan = plan
        self._before = before
        self._folder = folder
        self._tell = tell

    def decode(self, size: int) -> _Material:
        """Return the training photos as pixels; those that cannot be decoded any more are left out."""
        rows = self._before.where(Part.TRAIN)
        paths = [self._before.labels[row].path for row in rows.tolist()]
        pixels, good = decode_all(
            paths,
            size,
            self._plan.config.limits,
            self._folder,
            lambda done: self._tell(Progress("decoding", done, len(paths))),
        )
        return _Material(rows, pixels) if good.all() else _Material(rows[good], pixels[good])

    def train(self, layers: dict[str, Layer], material: _Material) -> BlockFive:
        """Train both stages, or only the first where only a head is needed."""
        fine = self._plan.mode == "fine-tune"
        views = affordable_views(len(material.rows), material.pixels.shape[1], VIEWS if fine else 1)
        feature_layers = read_model(self._plan.champion).feature_layers
        activations = compute_activations(
            layers,
            feature_layers,
            material.pixels,
            views=views,
            folder=self._folder,
            progress=lambda done, total: self._tell(
                Progress("activations", done, total, f"{views} views of each photo")
            ),
        )
        return train_block5(
            layers,
            feature_layers,
            activations,
            self._photos(material),
            schedule=Schedule() if fine else Schedule(block_epochs=0),
            progress=lambda stage, epoch, of: self._tell(Progress("fine-tuning", epoch, of, stage)),
        )

    def _photos(self, material: _Material) -> Photos:
        samples = self._before.samples.only(material.rows)
        names = [str(label) for label in samples.labels.tolist()]
        fold = folds(names, samples.groups, _VALIDATION_FOLDS)
        categories = len(self._plan.categories)
        return Photos(
            labels=samples.labels,
            weights=samples.weights * class_weights(samples, categories),
            training=np.flatnonzero(fold != 0),
            validation=np.flatnonzero(fold == 0),
            categories=categories,
        )

    def quantised(self, draft: StagedModel, body: BaseModel, material: _Material) -> BaseModel:
        """Return the same body, with an int8 backbone where the champion has one and this machine can run it
        exactly.
        """
        if not read_model(self._plan.champion).has_int8:
            return body
        from photo_organizer.vision.backbone.quantise import quantise  # noqa: PLC0415 (NNCF: seconds)

        self._tell(Progress("quantising", text="int8 weights, checked against float32"))
        order = np.random.default_rng(0).permutation(len(material.rows))
        half = min(_QUANTISED_WITH, len(order) // 2)
        shown, checked = np.sort(order[:half]), np.sort(order[half : 2 * half])
        labels = self._before.samples.labels[material.rows]
        quantise(
            draft.path,
            np.asarray(material.pixels[shown]),
            LabelledPixels(np.asarray(material.pixels[checked]), labels[checked]),
            categories=self._plan.categories,
        )
        return replace(body, fields={**body.fields, **backbone_fields(read_manifest(draft.path))})


def class_weights(samples: Samples, categories: int) -> Floats:
    """Return weights (N,) of mean 1 that make rare categories count as much as common ones."""
    count = np.bincount(samples.labels, minlength=categories)[samples.labels]
    weights = 1 / count
    return np.asarray(weights / weights.mean(), np.float32)
