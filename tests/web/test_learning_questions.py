"""What the Learning tab asks, and the curve that a retraining leaves for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from photo_organizer.learning.labels.category_folders import known_folders
from photo_organizer.learning.labels.label_questions import LabelQuestion, write_questions
from photo_organizer.learning.labels.label_store import LABELS, LabelStore
from photo_organizer.learning.report.report import coverage_table
from photo_organizer.models.manifest import COVERAGE, REPORT
from photo_organizer.models.store import Registry
from photo_organizer.photo import Action
from support.web.review_home import CATEGORIES, Page, ReviewHome, ask_about

PageOf = Callable[[ReviewHome], Page]
STARTER = Path(__file__).resolve().parents[2] / "models" / "starter"


def test_a_question_is_answered_by_moving_or_confirming(home: ReviewHome, page_of: PageOf) -> None:
    photos = home.fill(3, Action.FILED)
    ask_about(home, photos, "Others")
    page = page_of(home)
    first, second, third = page.get("/api/learning")["questions"]
    assert (first["name"], first["looks_like"], first["confidence"]) == (photos[0].name, "Others", 0.93)
    assert page.post("/api/confirm", {"photos": [first["id"]]}) == (200, {"confirmed": 1})
    assert page.post("/api/file", {"photos": [second["id"]], "category": "Others"})[0] == 200
    assert [asked["name"] for asked in page.get("/api/learning")["questions"]] == [third["name"]]
    assert (home.library / "Others" / second["name"]).exists()
    with LabelStore(home.state / LABELS) as store:
        assert [found.category for found in store.confirmed().values()] == [first["category"]]


def test_no_question_about_what_lies_elsewhere(home: ReviewHome, page_of: PageOf) -> None:
    photos = home.fill(2, Action.FILED)
    ask_about(home, photos, "Others")
    photos[0].unlink()
    outside = shutil.copy(photos[1], home.root / "outside.jpg")
    question = LabelQuestion("00" * 32, str(outside), "Pets", "Others", 0.9)
    write_questions(home.state, [question], model="m", time=datetime.now(UTC))
    assert page_of(home).get("/api/learning")["questions"] == []


def test_found_folders_are_asked_for(home: ReviewHome, page_of: PageOf) -> None:
    home.state.mkdir()
    with LabelStore(home.state / LABELS) as store:
        store.replace_found_folders({"Boats": 12, "Scans": 3})
    page = page_of(home)
    assert page.get("/api/learning")["folders"] == [
        {"name": "Boats", "photos": 12},
        {"name": "Scans", "photos": 3},
    ]
    assert page.post("/api/folder", {"folder": "Boats", "accept": True})[0] == 200
    assert page.post("/api/folder", {"folder": "Scans", "accept": False})[0] == 200
    assert page.post("/api/folder", {"folder": "../in", "accept": True})[0] == 409
    assert page.post("/api/folder", {"folder": "Boats", "accept": "yes"})[0] == 400
    assert page.get("/api/learning")["folders"] == []
    states = {folder.name: folder.state for folder in known_folders(home.configuration)}
    assert (states["Boats"], states["Scans"]) == ("accepted", "declined")


def test_the_curve_of_a_retraining_is_shown(home: ReviewHome, page_of: PageOf) -> None:
    models = home.root / "models"
    shutil.copytree(STARTER, models / "starter", copy_function=os.link)
    report = models / "starter" / REPORT
    report.mkdir(exist_ok=True)
    probabilities = np.full((4, len(CATEGORIES)), 0.01, np.float32)
    for row, confidence in enumerate((0.9, 0.8, 0.6, 0.4)):
        probabilities[row, 0] = confidence
    labels = np.array([0, 0, 1, 0])  # the third is wrong
    (report / COVERAGE).unlink(missing_ok=True)
    coverage_table(probabilities, labels).to_csv(report / COVERAGE, index=False)
    Registry(models).use("starter")
    curve = page_of(home).get("/api/learning")["curve"]
    at = {threshold: (coverage, precision) for threshold, coverage, precision in curve}
    assert at[0.7] == (0.5, 1.0)
    assert at[0.5] == (0.75, pytest.approx(2 / 3, abs=1e-3))
    assert at[0.0][0] == 1.0
