"""The simulation of owners: what it says is what happened, and it runs from its command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from support.small_models import draw_photo, make_model

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SMALL = ("Food", "Pets", "Travel")
WIDTH = 48


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.usefixtures("simulation")
def test_corrections_of_an_unseen_source_help_and_shuffled_ones_change_nothing() -> None:
    from harness.learning_owners import LabelledFeatures, owners, starter_without
    from harness.learning_rounds import SimulatedOwner

    random = np.random.default_rng(3)
    centres = 0.5 * random.standard_normal((4, WIDTH))
    labels = np.tile(np.repeat(np.arange(4), 60), 4)
    sources = np.repeat(["a", "b", "c", "d"], 240)
    shifts = np.repeat(1.0 * random.standard_normal((4, WIDTH)), 240, axis=0)
    noise = 0.9 * random.standard_normal((960, WIDTH))
    features = (centres[labels] + shifts + noise).astype(np.float32)
    photos = LabelledFeatures(features, labels, sources, ("Pets", "Food", "Travel", "Nature"))

    (rows,) = owners(photos, 3)
    assert np.unique(photos.sources[rows], return_counts=True)[1].tolist() == [200, 200, 200]
    starter = starter_without(photos, ["a"])
    mine = photos.only(sources == "a")
    honest = list(SimulatedOwner(starter, mine, 1).rounds([12, 30]))
    shuffled = list(SimulatedOwner(starter, mine, 1).rounds([12, 30], shuffled=True))

    assert [training.corrections for training in honest] == [12, 30]
    assert honest[-1].after.right > honest[0].before.right
    assert honest[1].before == honest[0].after, "a round begins with what the one before left"
    assert not any(training.promoted for training in shuffled)
    assert all(training.after == training.before for training in shuffled)


def test_the_command_writes_table_figures_and_plot(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model" / "small", SMALL, sharpness=4.0)
    for category in SMALL:
        for seed in range(12):
            other = SMALL[(SMALL.index(category) + 1) % 3] if seed % 3 == 0 else None
            path = tmp_path / "photos" / category / f"{seed}.png"
            draw_photo(path, category, between=other, categories=SMALL, seed=seed)
    command = [sys.executable, str(BENCHMARKS / "learning.py"), "--photos", str(tmp_path / "photos")]
    options = [
        "--model",
        str(model),
        "--draws",
        "2",
        "--corrections",
        "3",
        "--results",
        str(tmp_path / "results"),
    ]

    finished = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=100)

    assert finished.returncode == 0, finished.stderr
    assert "3 corrections: right of the filed" in finished.stdout
    written = json.loads((tmp_path / "results" / "learning.json").read_text())
    rounds = written["details"]["rounds"]
    assert {row["labels"] for row in rounds} == {"right", "three in ten wrong", "shuffled"}
    assert all(row["promoted"] == (not row["objections"]) for row in rounds)
    assert (tmp_path / "results" / "learning.png").read_bytes().startswith(b"\x89PNG")
