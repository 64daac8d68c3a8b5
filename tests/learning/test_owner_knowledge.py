"""What a training knows of the owner's photos besides labels, and what it leaves for the next one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from photo_organizer.learning.data.filing_state import moved_out_of, unlabelled_photos, with_features
from photo_organizer.learning.judge.out_of_fold import load_out_of_fold, save_out_of_fold
from photo_organizer.learning.labels.label_questions import (
    QUESTIONS,
    LabelQuestion,
    read_questions,
    write_questions,
)
from photo_organizer.learning.labels.label_store import Label, Provenance
from photo_organizer.models.manifest import read_manifest
from photo_organizer.models.staging import StagedModel
from support.small_models import make_model

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def label(name: str, category: str, provenance: Provenance) -> Label:
    return Label(name, category, provenance, Path(f"/library/{category}/{name}.jpg"), NOW)


LABELS = (
    label("moved", "Pets", Provenance.CORRECTED),
    label("sorted", "Pets", Provenance.REVIEWED),
    label("left", "Food", Provenance.UNTOUCHED),
)
FILED_IN = {"moved": "Food", "sorted": None, "left": "Food", "waiting": None, "gone": "Food"}


def test_photos_left_alone_and_photos_that_wait_are_without_a_label() -> None:
    found = unlabelled_photos(FILED_IN, LABELS)
    assert found == {"left": True, "waiting": False}, "a filed photo that is no longer there is gone"
    known = with_features(found, {"left": np.ones(4, np.float32)}, 4)
    assert (known.photos, known.features.shape, known.filed.tolist()) == (("left",), (1, 4), [True])
    assert with_features({}, {}, 4).features.shape == (0, 4)


def test_only_a_correction_says_where_a_photo_does_not_belong() -> None:
    assert moved_out_of(LABELS, FILED_IN, {}, ("Food", "Pets")).tolist() == [0, -1, -1]
    assert moved_out_of(LABELS, FILED_IN, {"Food": "Meals"}, ("Meals", "Pets")).tolist() == [0, -1, -1]
    assert moved_out_of(LABELS, FILED_IN, {}, ("Pets", "Travel")).tolist() == [-1, -1, -1]


def test_a_model_keeps_what_was_said_out_of_fold(tmp_path: Path) -> None:
    model = make_model(tmp_path / "one", ("Food", "Pets", "Travel"))
    assert load_out_of_fold(model, ("Food", "Pets", "Travel"), {}) == {}
    photos = ["a" * 64, "b" * 64]
    save_out_of_fold(model, photos, np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]], np.float32))
    StagedModel(model).seal(read_manifest(model).model_dump(mode="json", exclude={"files"}))

    said = load_out_of_fold(model, ("Meals", "Pets", "Garden"), {"Food": "Meals"})
    np.testing.assert_allclose(said["a" * 64], [2 / 3, 1 / 3, 0], atol=1e-3)
    np.testing.assert_allclose(said["b" * 64], [0.5, 0.5, 0], atol=1e-3)


def test_questions_are_written_and_read_again(tmp_path: Path) -> None:
    assert read_questions(tmp_path) == ()
    question = LabelQuestion("a" * 64, "/library/Pets/caf\udce9.jpg", "Pets", "Food", 0.93)
    write_questions(tmp_path, [question], model="x", time=NOW)
    (found,) = read_questions(tmp_path)
    assert found.looks_like == "Food"
    assert "It looks like Food: is that right?" in found.text
    assert json.loads((tmp_path / QUESTIONS).read_bytes())["model"] == "x"


@pytest.mark.parametrize("text", ["", "[]", '{"questions": [{"sha256": 1}]}', '{"questions": 3}'])
def test_a_file_that_is_not_ours_asks_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / QUESTIONS).write_text(text)
    assert read_questions(tmp_path) == ()
