"""The accuracy command counts what the model says about folders of photos."""

import json
import subprocess
import sys
from pathlib import Path

from support.small_models import CATEGORIES, draw_photo, make_model

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


def test_judgements_that_allow_several_categories_are_counted_besides_the_labels(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    photos, first, second = tmp_path / "photos", *CATEGORIES[:2]
    (photos / first).mkdir(parents=True)
    draw_photo(photos / first / "other.jpg", second)  # labelled as the first, looks like the second
    draw_photo(photos / "no-folder.jpg", first)
    judgements = tmp_path / "judgements.csv"
    judgements.write_text(f"file,acceptable\n{first}/other.jpg,{first}+{second}\nno-folder.jpg,{second}\n")
    written = tmp_path / "figures.json"
    finished = run(
        "--photos",
        photos,
        "--model",
        model,
        "--acceptable",
        judgements,
        "--threshold",
        "0",
        "--json",
        written,
    )
    assert finished.returncode == 0, finished.stderr
    figures = json.loads(written.read_text())
    assert (figures["photos"], figures["accuracy"]) == (1, 0.0)
    assert figures["acceptable"] == {
        "photos": 2,
        "acceptable": 0.5,
        "coverage": 1.0,
        "filed_acceptable": 0.5,
    }
    assert "filed acceptable  0.500" in finished.stdout


def test_a_judgement_of_an_unknown_category_names_the_line(tmp_path: Path) -> None:
    judgements = tmp_path / "judgements.csv"
    judgements.write_text(f"file,acceptable\na.jpg,{CATEGORIES[0]}+Cars\n")
    finished = run(
        "--photos", tmp_path, "--model", make_model(tmp_path / "model"), "--acceptable", judgements
    )
    assert finished.returncode != 0
    assert "line 2" in finished.stderr
    assert "Cars" in finished.stderr
    assert "Traceback" not in finished.stderr
