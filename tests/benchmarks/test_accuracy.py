"""The accuracy command counts what the model says about folders of photos."""

import json
import subprocess
import sys
from pathlib import Path

from models import CATEGORIES, draw_photo, make_model

ACCURACY = Path(__file__).resolve().parents[2] / "benchmarks" / "accuracy.py"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ACCURACY, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_right_and_wrong_photos_are_counted_by_category_and_source(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    photos = tmp_path / "photos"
    rows = ["file,source"]
    for name in CATEGORIES[:3]:
        (photos / name).mkdir(parents=True)
        draw_photo(photos / name / "right.jpg", name)
        rows.append(f"{name}/right.jpg,kitchen")
    draw_photo(photos / CATEGORIES[0] / "wrong.jpg", CATEGORIES[1])
    rows.append(f"{CATEGORIES[0]}/wrong.jpg,garden")
    (photos / CATEGORIES[0] / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    (photos / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    written = tmp_path / "figures.json"
    finished = run("--photos", photos, "--model", model, "--json", written)
    assert finished.returncode == 0, finished.stderr
    figures = json.loads(written.read_text())
    assert figures["photos"] == 4
    assert figures["accuracy"] == 0.75
    assert figures["confusion"][0][:2] == [1, 1]
    assert "1 photos could not be read" in finished.stdout
    assert any(
        line.split()[:2] == ["3", "1.000"] and "kitchen" in line for line in finished.stdout.splitlines()
    )
    assert any(
        line.split()[:2] == ["1", "0.000"] and "garden" in line for line in finished.stdout.splitlines()
    )


def test_a_folder_without_categories_is_one_line_of_error(tmp_path: Path) -> None:
    finished = run("--photos", tmp_path, "--model", make_model(tmp_path / "model"))
    assert finished.returncode == 1
    assert "no photos" in finished.stderr
    assert "Traceback" not in finished.stderr
