"""The photos that judge a challenger, and both models' probabilities for them.

Both models are read from disk by the code that serves. Features come from the serving engine; the
challenger's own backbone, where it has one, has looked at the photos itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photo_organizer.learning.data.training_data import OwnerPhotos
from photo_organizer.learning.head.head import Floats, softmax
from photo_organizer.learning.head.head_training import Samples, TrainedHead
from photo_organizer.learning.judge.promotion import Scores
from photo_organizer.learning.labels.label_store import Label, Part
from photo_organizer.models.manifest import ModelError
from photo_organizer.models.serving_model import read_model
from photo_organizer.vision.backbone.classifier import Classifier

ENOUGH_HELD_OUT = 100
"""From so many held-out photos of the owner, the cross-validated ones are not needed."""


@dataclass(frozen=True, slots=True)
class Jury:
    """Who judges: the owner's photos first (`photos` names them), then the exemplars that stand for the
    rest.
    """

    owner: Scores
    rest: Scores
    photos: tuple[Label, ...]

    @property
    def everything(self) -> Scores:
        """All photos that judge."""
        return self.owner.joined(self.rest)


def jury(
    champion: Path,
    challenger: Path,
    *,
    categories: Sequence[str],
    renamed: Mapping[str, str],
    owner: OwnerPhotos,
    owner_before: Floats,
    exemplars: Samples,
    exemplars_before: Floats,
    trained: TrainedHead,
    use_training_photos: bool,
) -> Jury:
    """Scores both models.

    Args:
        champion: its folder.
        challenger: its folder, complete.
        categories: names of the labels.
        renamed: categories that the owner renamed, old to new: the champion knows the old names.
        owner: the owner's photos, with features of the challenger's backbone.
        owner_before: their features (N, F) of the champion's backbone.
        exemplars: held-out exemplars, with features of the challenger's backbone.
        exemplars_before: their features of the champion's backbone.
        trained: has the out-of-fold logits of the owner's training photos.
        use_training_photos: whether out-of-fold predictions may judge (not when the backbone has seen the
            photos).
    """
    held = owner.where(Part.HOLD_OUT, guesses=False)
    former = {new: old for old, new in renamed.items()}
    before = _Judge(champion, [former.get(name, name) for name in categories])
    after = _Judge(challenger, categories)
    mine = Scores(before(owner_before[held]), after(owner.samples.features[held]), owner.samples.labels[held])
    judges = held
    if use_training_photos and len(held) < ENOUGH_HELD_OUT:
        judged = owner.where(Part.TRAIN)[trained.judged]
        honest = np.isin(judged, owner.where(Part.TRAIN, guesses=False))
        rows = judged[honest]
        seen_anew = softmax(trained.out_of_fold[honest], read_model(challenger).temperature)
        mine = mine.joined(Scores(before(owner_before[rows]), seen_anew, owner.samples.labels[rows]))
        judges = np.concatenate([held, rows])
    rest = Scores(before(exemplars_before), after(exemplars.features), exemplars.labels)
    return Jury(mine, rest, tuple(owner.labels[index] for index in judges.tolist()))


class _Judge:
    """What the model in a folder says; a category that it does not know has probability 0."""

    def __init__(self, model: Path, categories: Sequence[str]) -> None:
        self._categories = len(categories)
        self._classifier: Classifier | None
        try:
            self._classifier = Classifier(read_model(model), categories)
        except ModelError:
            if set(categories) & set(read_model(model).categories):
                raise
            self._classifier = None

    def __call__(self, features: Floats) -> Floats:
        if self._classifier is None or len(features) == 0:
            return np.full((len(features), self._categories), 1 / self._categories, np.float32)
        return self._classifier.probabilities(features).astype(np.float32)
