"""Each benchmark runs from its command, and its table, JSON and plot say what was measured."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.small_models import make_model

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "small")


def run(name: str, tmp_path: Path, model: Path, *arguments: str) -> dict[str, Any]:
    """Runs a benchmark with everything small, and returns what it wrote."""
    results = tmp_path / "results"
    folders = ["--model", str(model), "--scratch", str(tmp_path / "scratch"), "--results", str(results)]
    finished = subprocess.run(
        [sys.executable, str(BENCHMARKS / f"{name}.py"), *arguments, *folders],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert finished.returncode == 0, finished.stderr
    assert "this run |" in finished.stdout
    assert (results / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    written: dict[str, Any] = json.loads((results / f"{name}.json").read_text())
    assert written["machine"]["cores"] >= 1
    assert f"benchmarks/{name}.py" in written["machine"]["command"]
    return written


def test_throughput(tmp_path: Path, model: Path) -> None:
    written = run(
        "throughput", tmp_path, model, "--megapixels", "0.1", "--count", "20", "--rounds", "1",
        "--limit-count", "8", "--peer-count", "2",
    )  # fmt: skip
    of_limit, undisturbed, of_peer = written["figures"]
    assert 0 < of_limit["of_limit"] < 1
    assert undisturbed["value"] >= of_limit["value"]
    assert of_peer["of_peer"] > 0
    assert written["details"]["rounds"][0]["ours"]["photos"] == 20


def test_latency(tmp_path: Path, model: Path) -> None:
    written = run(
        "latency", tmp_path, model, "--megapixels", "0.1", "--drops", "2", "--cold-drops", "1",
        "--idle-minutes", "0.01", "--settle-seconds", "0.2",
    )  # fmt: skip
    values = {figure["name"]: figure["value"] for figure in written["figures"]}
    assert 0 < values["drop, all: median"] < 30
    assert values["daemon, resident"] < values["daemon + vision, shared once"]
    assert len(written["details"]["warm"]["beyond settling"]["written"]) == 1


def test_growth(tmp_path: Path, model: Path) -> None:
    written = run(
        "growth", tmp_path, model, "--photos-count", "200", "--rows", "500", "--starts", "1",
        "--plan-photos", "300", "--inbox-files", "300",
    )  # fmt: skip
    assert written["details"]["samples"][-1]["filed"] == 200
    names = [figure["name"] for figure in written["figures"]]
    assert "start-up with 500 rows (limit: empty)" in names
    assert sum("of 300 photos (limit: of 3)" in name for name in names) == 4
    assert "inbox with 300 files (limit: 3): core time" in names


def test_photos_differ_in_every_byte_sum_and_are_made_once(tmp_path: Path) -> None:
    code = """
import hashlib, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from harness.photos import make_photos
first = make_photos(205, None, 0.05, Path(sys.argv[2]))
before = [path.stat().st_mtime_ns for path in first]
again = make_photos(205, None, 0.05, Path(sys.argv[2]))
assert [path.stat().st_mtime_ns for path in again] == before
assert len({hashlib.sha256(path.read_bytes()).digest() for path in first}) == 205
"""
    subprocess.run([sys.executable, "-c", code, str(BENCHMARKS), str(tmp_path)], check=True, timeout=60)
