"""No photo that is reported on has taught the thing that is judged."""

from __future__ import annotations

import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from photo_organizer.learning.head.head import Head
from recipe.data.corpus import CACHE_SIDE, Corpus, PhotoEntry, build_cache, open_cache
from recipe.data.soft_labels import doubted_labels, make_soft_labels
from recipe.data.split import (
    Part,
    group_copies,
    make_split,
    similar_pairs,
    thumbnails,
)
from recipe.head.refit import Labelled, refit
from recipe.head.validate import (
    other_source_logits,
    same_source_logits,
    source_folds,
)

CATEGORIES = ("Food", "Nature", "Pets")


def _corpus(sources: list[str], labels: list[int], unlabelled: int = 0) -> Corpus:
    entries = [
        PhotoEntry(f"{CATEGORIES[label]}/{number}.jpg", CATEGORIES[label], source, "")
        for number, (source, label) in enumerate(zip(sources, labels, strict=True))
    ]
    entries += [PhotoEntry(f"{number}.webp", "", "", "") for number in range(unlabelled)]
    return Corpus(tuple(entries), np.zeros((len(entries), 2, 2, 3), np.uint8))


def test_a_left_out_source_is_on_one_side_only() -> None:
    sources = np.array(["a", "a", "b", "b", "c", "c"])
    labels = np.array([0, 1, 0, 1, 1, 2])
    folds = list(source_folds(sources, labels))
    assert len(folds) == 3
    for fitted, judged in folds:
        assert not set(sources[fitted]) & set(sources[judged])
        assert set(labels[judged]) <= set(labels[fitted])


def test_dozens_of_sources_are_left_out_in_ten_groups_of_whole_sources() -> None:
    sources = np.array([f"source {number % 37}" for number in range(370)])
    labels = np.arange(370) % 3
    folds = list(source_folds(sources, labels))
    assert len(folds) == 10
    for fitted, judged in folds:
        assert not set(sources[fitted]) & set(sources[judged])
    assert np.sum([judged for _, judged in folds], axis=0).tolist() == [1] * 370


def test_validation_never_fits_on_a_copy_of_what_it_judges() -> None:
    random = np.random.default_rng(0)
    features = np.float32(random.normal(size=(60, 4)))
    labels = np.arange(60) % 3
    sources = np.array(["a", "b"])[np.arange(60) // 30]
    groups = np.arange(60) % 50  # photos 50 to 59 are copies of 0 to 9, in the other source
    seen: list[set[int]] = []

    def fit(rows: np.ndarray) -> Head:
        seen.append(set(groups[rows]))
        return Head(np.full((4, 3), float(len(seen)), np.float32), np.zeros(3, np.float32), CATEGORIES)

    logits = same_source_logits(features, groups, fit, folds=4)
    for row in range(60):
        fold = round(float(logits[row, 0] / features[row].sum())) - 1
        assert groups[row] not in seen[fold]
    seen.clear()
    logits, judged = other_source_logits(features, labels, sources, groups, fit)
    assert judged.all()
    for row in range(60):
        assert groups[row] not in seen[round(float(logits[row, 0] / features[row].sum())) - 1]


def test_held_out_photos_and_their_copies_are_kept_from_the_training() -> None:
    sources = ["a"] * 20 + ["b"] * 20 + ["secret"] * 10
    corpus = _corpus(sources, [number % 3 for number in range(50)], unlabelled=10)
    groups = np.arange(60)
    groups[50:55] = [0, 1, 2, 3, 4]  # unlabelled copies of photos of source a
    groups[55] = 45  # and of one of the secret source
    split = make_split(corpus, groups, frozenset({"secret"}), share=0.3, seed=1)
    assert (split.parts[40:50] == Part.OTHER_SOURCE).all()
    training = set(groups[split.parts == Part.TRAIN])
    held = np.isin(split.parts, [Part.SAME_SOURCE, Part.OTHER_SOURCE])
    assert 6 <= held[:40].sum() <= 18
    assert not training & set(groups[held])
    assert split.parts[55] == Part.DROPPED


def test_copies_are_found_and_joined() -> None:
    random = np.random.default_rng(1)
    photos = np.stack([cv2.resize(random.integers(0, 256, (6, 6, 3), np.uint8), (64, 64)) for _ in range(5)])
    photos = np.concatenate([photos, cv2.convertScaleAbs(photos[2], alpha=0.9)[None]])
    embeddings = np.float32(random.normal(size=(6, 32)))
    embeddings[5] = embeddings[2] + 0.01
    pairs = list(similar_pairs(thumbnails(photos), embeddings, chunk=2))
    assert pairs == [(2, 5)]
    groups = group_copies(6, iter([*pairs, (0, 1)]))
    assert groups[2] == groups[5]
    assert groups[0] == groups[1]
    assert len(set(groups)) == 4


def _two_worlds(count: int = 240) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    labels = np.arange(count) % 3
    return np.float32(np.eye(3)[labels] * 6 + random.normal(size=(count, 3))), labels


def test_a_wrong_label_is_doubted_and_gets_another_target() -> None:
    features, labels = _two_worlds()
    given = labels.copy()
    given[0] = 1
    given[9:12] = -1
    soft = make_soft_labels(features, given, np.arange(len(labels)), 3)
    assert soft.doubted[0]
    assert soft.targets[0].argmax() == labels[0]
    assert soft.doubted.sum() <= 4
    assert (soft.targets[9:12].argmax(1) == labels[9:12]).all()
    np.testing.assert_allclose(soft.targets.sum(1), 1, atol=1e-4)


def test_missing_labels_cannot_be_doubted() -> None:
    certain = np.float32([[0.01, 0.99], [0.01, 0.99]])
    assert list(doubted_labels(certain, np.array([-1, 0]))) == [False, True]


def test_the_refit_reports_only_on_photos_it_has_not_seen() -> None:
    features, labels = _two_worlds(360)
    sources = np.array(["a", "b", "secret"])[np.arange(360) // 120]
    parts = np.where(sources == "secret", int(Part.OTHER_SOURCE), int(Part.TRAIN))
    parts[::10] = np.where(parts[::10] == Part.TRAIN, int(Part.SAME_SOURCE), parts[::10])
    # In the secret source every label is wrong: a judged head that had seen it would know.
    given = np.where(sources == "secret", (labels + 1) % 3, labels)
    result = refit(Labelled(features, given, np.arange(360), parts, sources, CATEGORIES), 1e-2, exemplars=60)
    assert result.metrics["same_sources"]["accuracy"] > 0.9
    assert result.metrics["other_sources"]["accuracy"] < 0.1
    assert result.metrics["other_sources"]["photos"] == 120
    assert 50 <= len(result.exemplars) <= 60
    assert result.held_out.sum() == 12
    assert set(parts[result.exemplars[result.held_out]]) == {int(Part.SAME_SOURCE)}
    assert len(set(result.exemplars)) == len(result.exemplars)
    assert set(result.calibration.thresholds) <= {"default", *CATEGORIES}


def test_the_cache_holds_loose_and_archived_photos_once_each(tmp_path: Path) -> None:
    photo = np.full((50, 80, 3), 200, np.uint8)
    for category in ("Food", "Pets"):
        (tmp_path / "photos" / category).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "photos" / category / "one.jpg"), photo)
    (tmp_path / "photos" / "Pets" / "broken.jpg").write_bytes(b"no photo")
    (tmp_path / "photos" / "manifest.csv").write_text("file,source\nFood/one.jpg,kitchen\n", encoding="utf-8")
    loose = tmp_path / "loose.webp"
    cv2.imwrite(str(loose), photo)
    with tarfile.open(tmp_path / "more.tar", "w") as tar:
        tar.add(loose, "x.webp")
        tar.add(loose, "x.webp")
    assert build_cache(tmp_path / "photos", [tmp_path / "more.tar"], tmp_path / "cache") == 3
    corpus = open_cache(tmp_path / "cache")
    assert [entry.name for entry in corpus.entries] == ["Food/one.jpg", "Pets/one.jpg", "x.webp"]
    assert list(corpus.labels) == [0, 1, -1]
    assert list(corpus.sources) == ["kitchen", "unknown", ""]
    assert corpus.pixels.shape == (3, CACHE_SIDE, CACHE_SIDE, 3)


def test_a_cache_that_does_not_fit_its_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("name,category,source,origin\na,,,\n", encoding="utf-8")
    np.save(tmp_path / "pixels.npy", np.zeros((2, 4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="build it again"):
        open_cache(tmp_path)
