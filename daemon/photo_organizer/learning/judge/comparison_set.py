"""The photos on which champion and challenger are compared, and both models' probabilities for them.

Both models are read from disk by the code that serves. What they say of the owner's labelled photos is out of
fold: it comes from the file that each keeps (see out_of_fold.py), or, where a model was not trained on the
photo, from the model itself. A champion of an earlier version kept no such file: for the photos that it was
trained on, the head with which its backbone was born stands in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.data.filing_state import UnlabelledPhotos
from photo_organizer.learning.data.training_data import Exemplars, OwnerPhotos, base_head
from photo_organizer.learning.head.head import Floats, softmax
from photo_organizer.learning.judge.out_of_fold import load_out_of_fold
from photo_organizer.learning.judge.owner_sample import OwnerSample, Scores, stand_for
from photo_organizer.learning.labels.label_store import Label
from photo_organizer.models.manifest import ModelError, read_manifest
from photo_organizer.models.serving_model import read_model
from photo_organizer.vision.backbone.classifier import Classifier


@dataclass(frozen=True, slots=True)
class ComparisonSet:
    """What both models say.

    Attributes:
        sample: of the owner's photos.
        photos: the labels of the labelled ones, in their order.
        elsewhere: held-out exemplars of all categories.
        used: held-out exemplars of the categories that the owner uses.
    """

    sample: OwnerSample
    photos: tuple[Label, ...]
    elsewhere: Scores
    used: Scores

    @property
    def everything(self) -> Scores:
        """Return the owner's labelled photos and the held-out exemplars as one."""
        return self.sample.labelled.joined(self.elsewhere)


@dataclass(frozen=True, slots=True)
class OwnerRows:
    """The labelled photos that are compared, as one model sees them.

    Attributes:
        photos: all labelled photos, with features of the model's backbone.
        rows: (N,) those that are compared.
        others: the photos without a label.
    """

    photos: OwnerPhotos
    rows: NDArray[np.int64]
    others: UnlabelledPhotos


def compare_models(
    champion: Path,
    challenger: Path,
    *,
    categories: Sequence[str],
    renamed: Mapping[str, str],
    before: OwnerRows,
    after: OwnerRows,
    trained_before: Collection[str],
) -> ComparisonSet:
    """Return what both models say.

    Args:
        champion: its folder.
        challenger: its folder, complete, with its out-of-fold predictions.
        categories: names of the labels.
        renamed: categories that the owner renamed, old to new: the champion knows the old names.
        before: the owner's photos as the champion's backbone sees them.
        after: the same as the challenger's backbone sees them.
        trained_before: sha256 of photos that earlier models of this machine were trained on.
    """
    former = {new: old for old, new in renamed.items()}
    old_names = [former.get(name, name) for name in categories]
    old = _Model(champion, old_names, renamed)
    new = _Model(challenger, categories, {})
    labels = tuple(before.photos.labels[row] for row in before.rows.tolist())
    truth = after.photos.samples.labels[after.rows]
    labelled = Scores(
        _unseen(old, before, categories, trained_before),
        _unseen(new, after, categories, ()),
        truth,
    )
    waiting = int((~after.others.filed).sum())
    elsewhere = _elsewhere(old, new, categories)
    used = np.isin(elsewhere.labels, np.unique(np.concatenate([truth, labelled.champion.argmax(axis=1)])))
    return ComparisonSet(
        sample=OwnerSample(
            labelled=labelled,
            stands_for=stand_for(after.photos.reviewed()[after.rows], waiting),
            champion=old(before.others.features),
            challenger=new(after.others.features),
            filed=after.others.filed,
        ),
        photos=labels,
        elsewhere=elsewhere,
        used=elsewhere.only(used),
    )


def _elsewhere(old: _Model, new: _Model, categories: Sequence[str]) -> Scores:
    """Return the scores of the held-out exemplars; none where the backbones have none in common."""
    after = Exemplars.load(new.folder, new.renamed).samples(categories, held_out=True, width=new.width)
    before = Exemplars.load(old.folder, old.renamed).samples(categories, held_out=True, width=old.width)
    if len(after) != len(before):
        none = np.zeros((0, len(categories)), np.float32)
        return Scores(none, none, np.zeros(0, np.int64))
    return Scores(old(before.features), new(after.features), after.labels)


def _unseen(
    model: _Model, owner: OwnerRows, categories: Sequence[str], trained_before: Collection[str]
) -> Floats:
    """Return the probabilities (N, C) of heads that have not seen the photos."""
    features = owner.photos.samples.features[owner.rows]
    said = model(features)
    kept = load_out_of_fold(model.folder, categories, model.renamed)
    base: Floats | None = None
    for place, row in enumerate(owner.rows.tolist()):
        photo = owner.photos.labels[row].sha256
        if photo in kept:
            said[place] = kept[photo]
        elif photo in trained_before and not kept:
            if base is None:
                base = model.base(features, categories)
            said[place] = base[place]
    return said


class _Model:
    """What the model in a folder says; a category that it does not know has probability 0. `renamed` are
    the categories that it knows under another name.
    """

    def __init__(self, folder: Path, categories: Sequence[str], renamed: Mapping[str, str]) -> None:
        self.folder = folder
        self.renamed = renamed
        self._categories = len(categories)
        self._classifier: Classifier | None
        try:
            self._classifier = Classifier(read_model(folder), categories)
        except ModelError:
            if set(categories) & set(read_model(folder).categories):
                raise
            self._classifier = None
        self.width = len(base_head(folder, {}).kernel)

    def __call__(self, features: Floats) -> Floats:
        if self._classifier is None or len(features) == 0:
            return np.full((len(features), self._categories), 1 / self._categories, np.float32)
        return self._classifier.probabilities(features).astype(np.float32)

    def base(self, features: Floats, categories: Sequence[str]) -> Floats:
        """Return what the head says with which the model's backbone was born."""
        temperature = float(read_manifest(self.folder).data.get("base_temperature", 1.0))
        head = base_head(self.folder, self.renamed).for_categories(categories)
        return softmax(head.logits(features), temperature)
