"""What a training has to work with: labelled photos with features, the split, and the backbone's
exemplars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.data.dataset import LabelledPhoto, group_shots, split
from photo_organizer.learning.data.photo_features import PhotoFacts
from photo_organizer.learning.head.head import Floats, Head
from photo_organizer.learning.head.samples import Samples
from photo_organizer.learning.labels.label_store import Label, LabelStore, Part, Provenance
from photo_organizer.models.manifest import Manifest, read_manifest

OUT_OF_FOLD = "out-of-fold.npz"
EXEMPLARS = "exemplars.npz"
BASE_HEAD = "base-head.npz"
HEAD = "head.npz"
_HELD_OUT_OF_TEN = 2  # exemplars of a backbone that does not say which ones it never saw


@dataclass(frozen=True, slots=True)
class Exemplars:
    """Photos that the starter was made with, as features (N, F): what keeps it from forgetting.

    `held_out` marks those that judge and are never trained on.
    """

    features: Floats
    categories: tuple[str, ...]
    held_out: NDArray[np.bool_]

    @classmethod
    def load(cls, model: Path, renamed: Mapping[str, str]) -> Exemplars:
        """Return those of a model's backbone, their categories under today's names; none when the model
        has none.
        """
        manifest = read_manifest(model)
        if EXEMPLARS not in manifest.files:
            return cls(np.zeros((0, 0), np.float32), (), np.zeros(0, np.bool_))
        names = exemplar_categories(manifest)
        with np.load(model / EXEMPLARS, allow_pickle=False) as arrays:
            features = arrays["features"].astype(np.float32)
            labels = arrays["labels"].tolist()
            if "held_out" in arrays.files:
                held_out = arrays["held_out"].astype(np.bool_)
            else:
                held_out = np.random.default_rng(0).permutation(len(labels)) % 10 < _HELD_OUT_OF_TEN
        categories = tuple(renamed.get(names[label], names[label]) for label in labels)
        return cls(features, categories, held_out)

    def samples(self, categories: Sequence[str], *, held_out: bool, width: int) -> Samples:
        """Return the training or the held-out ones of these categories, each a group of its own."""
        position = {name: index for index, name in enumerate(categories)}
        chosen = np.array(
            [
                index
                for index, name in enumerate(self.categories)
                if name in position and self.held_out[index] == held_out
            ],
            np.int64,
        )
        features = self.features[chosen] if len(chosen) else np.zeros((0, width), np.float32)
        labels = np.array([position[self.categories[index]] for index in chosen], np.int64)
        return Samples(features, labels, np.ones(len(chosen), np.float32), chosen)


def exemplar_categories(manifest: Manifest) -> tuple[str, ...]:
    """Return the names that the exemplars' labels count: those of the model with which the backbone was
    born.
    """
    names = manifest.data.get("exemplar_categories")
    return tuple(str(name) for name in names) if names else manifest.categories


def base_head(model: Path, renamed: Mapping[str, str]) -> Head:
    """Return the head with which the backbone was born, its categories under today's names."""
    manifest = read_manifest(model)
    if BASE_HEAD in manifest.files:
        return Head.load(model / BASE_HEAD, exemplar_categories(manifest)).renamed(renamed)
    return Head.load(model / HEAD, manifest.categories).renamed(renamed)


@dataclass(frozen=True, slots=True)
class OwnerPhotos:
    """The labelled photos that have features, in one order: labels, samples, parts."""

    labels: tuple[Label, ...]
    samples: Samples
    parts: tuple[Part, ...]

    def where(self, *parts: Part, guesses: bool = True) -> NDArray[np.int64]:
        """Return positions of the photos of these parts, or of all; with or without the model's own
        guesses.
        """
        return np.array(
            [
                index
                for index, (label, part) in enumerate(zip(self.labels, self.parts, strict=True))
                if (part in parts or not parts) and (guesses or label.provenance is not Provenance.UNTOUCHED)
            ],
            np.int64,
        )

    def reviewed(self) -> NDArray[np.bool_]:
        """Return (N,) whether the photo was moved out of Review."""
        return np.array([label.provenance is Provenance.REVIEWED for label in self.labels], np.bool_)

    def certain(self) -> NDArray[np.bool_]:
        """Return (N,) whether the label is beyond doubt."""
        return np.array([label.provenance is Provenance.CONFIRMED for label in self.labels], np.bool_)

    def with_features(self, features: Mapping[str, Floats]) -> OwnerPhotos:
        """Return the same photos as another backbone sees them."""
        seen = np.stack([features[label.sha256] for label in self.labels]).astype(np.float32)
        return replace(self, samples=replace(self.samples, features=seen))


def owner_photos(
    labels: Sequence[Label],
    features: Mapping[str, Floats],
    facts: Mapping[str, PhotoFacts],
    categories: Sequence[str],
    store: LabelStore,
    *,
    untouched_weight: float,
) -> OwnerPhotos:
    """Put the labelled photos together and extend the split; the model's own guesses never judge.

    Args:
        labels: those that may be trained on; photos without features and of other categories are left out.
        features: by sha256.
        facts: capture time and perceptual hash by sha256.
        categories: of the new model.
        store: keeps the split.
        untouched_weight: of photos that were filed and never moved.
    """
    position = {name: index for index, name in enumerate(categories)}
    chosen = sorted(
        (label for label in labels if label.category in position and label.sha256 in features),
        key=lambda label: label.sha256,
    )
    shots = [
        LabelledPhoto(
            label.sha256, label.category, facts[label.sha256].taken, facts[label.sha256].perceptual_hash
        )
        if label.sha256 in facts
        else LabelledPhoto(label.sha256, label.category)
        for label in chosen
    ]
    groups = group_shots(shots)
    judges = [index for index, label in enumerate(chosen) if label.provenance is not Provenance.UNTOUCHED]
    parts = split([shots[index] for index in judges], groups[judges], store.parts())
    store.extend_parts(parts)
    held_groups = {int(groups[index]) for index in judges if parts[chosen[index].sha256] is Part.HOLD_OUT}
    of_guess = [Part.ASIDE if int(group) in held_groups else Part.TRAIN for group in groups]
    if untouched_weight > 0:  # what was trained on never judges, also when the owner confirms it later
        guesses = {
            label.sha256: of_guess[index] for index, label in enumerate(chosen) if label.sha256 not in parts
        }
        store.extend_parts(guesses)
    return OwnerPhotos(
        labels=tuple(chosen),
        samples=Samples(
            np.stack([features[label.sha256] for label in chosen]).astype(np.float32),
            np.array([position[label.category] for label in chosen], np.int64),
            np.array([_weight(label, untouched_weight) for label in chosen], np.float32),
            groups,
        ),
        parts=tuple(parts.get(label.sha256, of_guess[index]) for index, label in enumerate(chosen)),
    )


def _weight(label: Label, untouched_weight: float) -> float:
    return untouched_weight if label.provenance is Provenance.UNTOUCHED else 1.0
