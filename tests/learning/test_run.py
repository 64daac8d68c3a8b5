"""A retraining from beginning to end, with a small model, its vision process, and real photos on disk."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from photo_organizer.errors import OrganizerError
from photo_organizer.learning.events import Progress, TrainingOutcome
from photo_organizer.learning.judge.out_of_fold import load_out_of_fold
from photo_organizer.learning.labels.category_folders import accepted_folders
from photo_organizer.learning.labels.label_questions import read_questions
from photo_organizer.learning.retrain import TrainingRequest, retrain
from photo_organizer.models.categories import predicted_categories, serving_categories
from photo_organizer.models.serving_model import read_model
from photo_organizer.models.store import Registry, verify
from photo_organizer.vision.backbone.classifier import Classifier
from photo_organizer.vision.backbone.engine import load_engine
from photo_organizer.vision.decode.decoder import decode
from support.learning_home import SMALL, Home
from support.small_models import CATEGORIES, draw_photo


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path).make_folders()
    home.install_model()
    return home


def train(home: Home, **request: object) -> TrainingOutcome:
    heard: list[Progress] = []
    outcome = retrain(home.config, TrainingRequest(**{"mode": "head", **request}), heard.append)  # type: ignore[arg-type]
    assert outcome.model is None or {"looking", "features", "training", "judging", "report"} <= {
        it.stage for it in heard
    }
    return outcome


def predictions(home: Home, category: str, *, looks_like: str, count: int = 20) -> float:
    """The share of new photos of a kind that the model in use puts into `category`."""
    model = Registry(home.root / "models").current()
    categories = serving_categories(home.config, model, accepted_folders(home.config))
    photos = [
        decode(
            draw_photo(home.root / "new" / f"{seed}.png", looks_like, seed=seed + 5000).read_bytes(), 32
        ).pixels
        for seed in range(count)
    ]
    features = load_engine(model, "openvino").features(np.stack(photos))
    said = Classifier(read_model(model), categories).probabilities(features).argmax(axis=1)
    return float((said == categories.index(category)).mean())


def test_a_folder_of_the_owners_becomes_a_category_that_is_predicted(home: Home) -> None:
    for seed in range(30):
        home.place("Garden", seed, looks_like="Nature")
    assert home.scan().found_folders == {"Garden": 30}
    home.accept("Garden")

    outcome = train(home)

    assert outcome.promoted, outcome.reason
    registry = Registry(home.root / "models")
    assert registry.current().name == outcome.model
    manifest = verify(registry.current())
    assert manifest.categories == (*SMALL, "Garden")
    assert manifest.parent == "first"
    accepted = accepted_folders(home.config)
    assert serving_categories(home.config, registry.current(), accepted) == (*SMALL, "Garden")
    assert serving_categories(home.config, registry.current(), ()) == SMALL, "not without its owner's consent"
    assert predictions(home, "Garden", looks_like="Nature") >= 0.7
    assert predictions(home, "Food", looks_like="Food") >= 0.9
    assert (registry.current() / "backbone.npz").samefile(registry.show("first").path / "backbone.npz")

    shutil.rmtree(home.library / "Garden")
    assert serving_categories(home.config, registry.current(), accepted) == SMALL

    assert registry.use("first").name == "first", "the way back"
    _check_report(registry.directory / str(outcome.model) / "report")


def _check_report(report: Path) -> None:
    pictures = {
        "accuracy_loss.png",
        "confusion_matrix.png",
        "per_category.png",
        "reliability.png",
        "precision_coverage.png",
        "history.png",
    }
    assert pictures | {"metrics.csv", "epochs.csv", "coverage.csv", "index.html"} == {
        path.name for path in report.iterdir()
    }
    for name in pictures:
        assert (report / name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    table = pd.read_csv(report / "metrics.csv")
    assert set(table["model"]) == {"champion", "challenger"}
    assert {"(all)", *SMALL, "Garden"} == set(table["category"])
    page = (report / "index.html").read_text()
    assert "http" not in page.replace("http-equiv", ""), "nothing is fetched from anywhere"
    assert page.count("data:image/png;base64,") == 6


@pytest.mark.usefixtures("blank_pictures")
def test_half_of_a_category_shuffled_is_not_promoted_and_the_report_says_why(home: Home) -> None:
    """Issue 4: labels that are wrong on purpose."""
    for category in SMALL:
        for seed in range(30):
            wrong = category == "Food" and seed % 2
            home.place("Pets" if wrong else category, seed, looks_like=category)

    outcome = train(home)

    assert not outcome.promoted
    registry = Registry(home.root / "models")
    assert registry.current().name == "first"
    assert registry.show(str(outcome.model)).rejected == outcome.reason
    assert outcome.report is not None
    assert outcome.reason.split(";")[0] in outcome.report.read_text()


def test_a_category_that_left_the_configuration_is_no_longer_predicted(home: Home) -> None:
    smaller = Home(home.root, categories=("Food", "Pets"))
    model = Registry(home.root / "models").current()
    accepted = accepted_folders(smaller.config)
    assert serving_categories(smaller.config, model, accepted) == ("Food", "Pets")
    predicted = predicted_categories(smaller.config, model, read_model(model).categories, accepted)
    assert predicted[:2] == ("Food", "Pets")
    assert set(predicted) == set(read_model(model).categories), "told apart still, to be sent to review"


def test_nothing_to_learn_from_is_said_and_costs_nothing(home: Home) -> None:
    home.file("Food", 1)
    outcome = train(home)
    assert (outcome.promoted, outcome.model) == (False, None)
    assert "nothing to learn from yet" in outcome.reason


def test_a_scheduled_run_waits_for_enough_new_labels(home: Home) -> None:
    for seed in range(12):
        home.place("Garden", seed, looks_like="Nature")
    home.accept("Garden")
    outcome = train(home, scheduled=True)
    assert outcome.model is None
    assert "12 new labels" in outcome.reason


@pytest.mark.usefixtures("blank_pictures")
def test_a_category_with_too_few_photos_waits(home: Home) -> None:
    for seed in range(11):
        home.place("Garden", seed, looks_like="Nature")
    home.accept("Garden")
    for seed in range(3):
        home.place("Food", seed)
    outcome = train(home)
    manifest = verify(home.root / "models" / str(outcome.model))
    assert "Garden" not in manifest.categories
    assert manifest.data["too_few_photos"] == {"Garden": 11}


@pytest.mark.usefixtures("blank_pictures")
def test_a_data_set_of_folders(home: Home) -> None:
    home = dataclasses.replace(home, categories=(*SMALL, "Hobbies"))
    root = home.root / "dataset"
    for seed in range(20):
        draw_photo(root / "Hobbies" / f"{seed}.png", "Hobbies", seed=seed, categories=CATEGORIES)
        draw_photo(root / "Food" / f"{seed}.png", "Food", seed=seed, categories=CATEGORIES)
    (root / "Food" / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(200))

    outcome = train(home, photos=root)

    assert outcome.promoted, outcome.reason
    manifest = verify(home.root / "models" / str(outcome.model))
    assert manifest.categories == (*SMALL, "Hobbies")
    assert manifest.data["unreadable"] == 1
    assert manifest.data["labels"] == {"dataset": 41}


def test_a_data_set_with_classes_that_the_config_does_not_list_is_refused(home: Home) -> None:
    root = home.root / "dataset"
    for name in ("Food", "Cats", "Dogs"):
        draw_photo(root / name / "a.png", "Food", seed=1, categories=CATEGORIES)
        draw_photo(root / name / "b.png", "Food", seed=len(name) + ord(name[0]), categories=CATEGORIES)
    with pytest.raises(OrganizerError, match=r"classes that the config does not list: .*`categories: \["):
        train(home, photos=root)


def start(home: Home, *more: str) -> subprocess.Popen[bytes]:
    home.config  # noqa: B018 (writes the file)
    command = [
        sys.executable,
        "-m",
        "photo_organizer.learning.process",
        "--config",
        str(home.root / "organizer.yaml"),
    ]
    return subprocess.Popen([*command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("stage", ["features", "training", "installing"])
def test_killed_anywhere_the_champion_serves_and_no_half_made_model_is_visible(
    home: Home, stage: str
) -> None:
    for seed in range(14):
        home.place("Garden", seed, looks_like="Nature")
    home.accept("Garden")
    with start(home) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("stage") == stage:
                os.kill(process.pid, signal.SIGKILL)
                break
        process.wait()

    registry = Registry(home.root / "models")
    for record in registry.list():
        assert record.problem is None
        verify(record.path)
    verify(registry.current())
    if stage != "installing":
        assert [record.id for record in registry.list()] == ["first"]


def test_the_process_tells_its_progress_and_steps_back(home: Home) -> None:
    for seed in range(12):
        home.place("Garden", seed, looks_like="Nature")
    home.accept("Garden")
    with start(home) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 19
        limits = Path(f"/proc/{process.pid}/limits")
        if limits.exists():
            data = next(line for line in limits.read_text().splitlines() if line.startswith("Max data size"))
            assert "unlimited" not in data.split("Max data size")[1].split()[0]
        with start(home) as second:
            output, errors = second.communicate()
            assert second.returncode == 1
            assert "running already" in errors.decode()
            assert json.loads(output.splitlines()[-1])["event"] == "outcome"
        lines = [first, *(json.loads(line) for line in process.stdout)]
        assert process.wait() == 0
    assert {line["event"] for line in lines[:-1]} == {"progress"}
    assert set(lines[-1]) == {"event", "promoted", "model", "reason", "report"}


def test_a_wrong_configuration_ends_with_two(home: Home) -> None:
    (home.root / "organizer.yaml").write_text("inboxes: 3\n")
    command = [
        sys.executable,
        "-m",
        "photo_organizer.learning.process",
        "--config",
        str(home.root / "organizer.yaml"),
    ]
    result = subprocess.run(command, capture_output=True, check=False)
    assert result.returncode == 2
    assert json.loads(result.stdout)["event"] == "outcome"


@pytest.mark.usefixtures("blank_pictures")
def test_trainings_in_a_row_each_learn_from_all_corrections(home: Home) -> None:
    """Each model keeps its out-of-fold predictions, and the verdict says what the owner gets."""
    told: list[str] = []
    for number in range(2):
        for seed in range(12 * number, 12 * (number + 1)):
            path = home.file("Food", seed, looks_like="Nature")
            (home.library / "Pets").mkdir(exist_ok=True)
            path.rename(home.library / "Pets" / path.name)
        outcome = train(home)
        assert outcome.promoted, outcome.reason
        told.append(outcome.reason)
        kept = load_out_of_fold(home.root / "models" / str(outcome.model), SMALL, {})
        assert len(kept) == 12 * (number + 1)
    assert "files" in told[0]
    assert "of 100 right instead of" in told[0]
    assert "learned most: Pets" in told[0]
    assert "12 corrections used" in told[0]
    assert "24 corrections used" in told[1]
    manifest = verify(Registry(home.root / "models").current())
    assert set(manifest.metrics["estimate"]) == {"before", "after"}
    assert manifest.data["corrected_share"] == 1.0
    assert read_questions(home.root / "state") == ()
