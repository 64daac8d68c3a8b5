"""The corpus is gathered from snapshots as its tables say, without copies or a dominating source."""

from __future__ import annotations

import csv
import json
import subprocess
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from recipe.data import collect
from recipe.data.collect import CopyFilter, Rule, choose, fingerprint, largest_allowed, over_share

STARTER = Path(__file__).parents[2] / "models" / "starter" / "model.json"
CATEGORIES = {
    "Events",
    "Family",
    "Food",
    "Friends",
    "Hobbies",
    "Nature",
    "Others",
    "Pets",
    "Selfies",
    "Travel",
}


def _picture(seed: int, side: int = 400) -> np.ndarray:
    tiny = np.random.default_rng(seed).integers(0, 255, (9, 9, 3), np.uint8)
    return cv2.resize(tiny, (side, side), interpolation=cv2.INTER_CUBIC)


def test_rules_and_single_labels_together_choose_the_files() -> None:
    files = [
        ("dogs/1.jpg", "a" * 40),
        ("dogs/2.jpg", "b" * 40),
        ("party/3.jpg", "c" * 40),
        ("x.py", "d" * 40),
    ]
    rules = [Rule("o/r", "HEAD", "MIT", "dogs/", "Pets", None)]
    labels = {"b" * 16: "Hobbies", "c" * 16: "Events"}
    assert choose(files, rules, labels) == {"a" * 40: "Pets", "b" * 40: "Hobbies", "c" * 40: "Events"}
    assert choose(files, rules, {"a" * 16: "", "b" * 16: ""}) == {}


def test_at_most_so_many_are_taken_and_always_the_same() -> None:
    files = [(f"dogs/{number}.jpg", f"{number:040d}") for number in range(50)]
    rules = [Rule("o/r", "HEAD", "MIT", "dogs/", "Pets", 5)]
    assert len(choose(files, rules, {})) == 5
    assert choose(files, rules, {}) == choose(files, rules, {})


def test_a_smaller_copy_in_another_format_is_found_and_another_photo_is_not() -> None:
    copies = CopyFilter()
    photo = _picture(1)
    assert copies.is_new(fingerprint(photo))
    encoded = cv2.imencode(".jpg", cv2.resize(photo, (150, 150)), [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    assert not copies.is_new(fingerprint(cv2.imdecode(encoded, cv2.IMREAD_COLOR)))
    assert all(copies.is_new(fingerprint(_picture(seed))) for seed in range(2, 20))


@pytest.mark.parametrize("counts", [[800, 400, 200, 100, 90], [10, 10, 10], [1000, 2, 3, 4]])
def test_no_source_gives_more_than_a_third_of_a_category(counts: list[int]) -> None:
    most = largest_allowed(counts)
    left = [min(count, most) for count in counts]
    assert max(left) * 3 <= sum(left)
    sources = [f"s{place}" for place, count in enumerate(counts) for _ in range(count)]
    out = over_share(["Food"] * len(sources), sources)
    assert Counter(s for place, s in enumerate(sources) if place not in out) == {
        f"s{place}": count for place, count in enumerate(left)
    }


def test_a_snapshot_becomes_a_directory_of_categories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two", "three"):
        work = tmp_path / "work" / name
        (work / "dogs").mkdir(parents=True)
        for number in range(3):
            cv2.imwrite(str(work / "dogs" / f"{number}.png"), _picture(len(name) * 100 + number))
        (work / "dogs" / "notes.png").write_text("no picture")
        (work / "dogs" / "empty.png").touch()
        for command in (
            ["init", "-q"],
            ["add", "."],
            ["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"],
        ):
            subprocess.run(["git", "-C", str(work), *command], check=True, capture_output=True)
        missing = subprocess.run(
            ["git", "-C", str(work), "rev-parse", "HEAD:dogs/empty.png"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        (work / ".git" / "objects" / missing[:2] / missing[2:]).unlink()
        (tmp_path / f"o+{name}").mkdir()
        (work / ".git").rename(tmp_path / f"o+{name}" / "repo")
    tables = [
        Rule(f"o/{name}", "HEAD", "MIT", "dogs/", "Pets", None) for name in ("one", "two", "three", "gone")
    ]
    tables.append(Rule("o/labelled-already", "HEAD", "MIT", "", "", None))
    monkeypatch.setattr(collect, "read_rules", lambda: tuple(tables))
    monkeypatch.setattr(collect, "read_labels", dict)
    count = collect.collect(tmp_path, [], tmp_path / "photos")
    assert capsys.readouterr().out == "o/gone: no snapshot, left out\n"
    with (tmp_path / "photos" / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert count == len(rows) == len(list((tmp_path / "photos" / "Pets").iterdir()))
    assert {row["source"] for row in rows} <= {"o/one", "o/two", "o/three"}
    assert all(min(int(row["width"]), int(row["height"])) == 360 for row in rows)


def test_the_tables_name_a_licence_and_no_repository_kept_for_judging() -> None:
    rules = collect.read_rules()
    labels = collect.read_labels()
    kept_back = {
        "BlasphemyAngels/MarkDownPhotos",
        "Bliss-Wisdom-Lamrim-Discussion-Class/class-event-photos",
        "BradNeuberg/personal-photos-model",
        "Swayam1231/indian-food-ml",
        "bme3412/travel-photos",
        "developer0hye/COCO128",
        "huynhtiennhat0403/vietnamese-landmark-classifier",
        "lizhogn/tiny_coco_dataset",
    }
    assert not kept_back & {rule.repository for rule in rules}
    assert all(rule.licence and len(rule.commit) == 40 for rule in rules)
    starter = json.loads(STARTER.read_text(encoding="utf-8"))
    assert set(starter["data"]["sources"]) <= set(collect.licences())
    assert {rule.category for rule in rules} <= CATEGORIES | {""}
    assert {category for own in labels.values() for category in own.values()} <= CATEGORIES | {""}
    assert set(labels) <= {rule.repository for rule in rules}
