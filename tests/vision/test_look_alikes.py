"""Photos that one decision may cover, from times, hashes and vectors that are known already."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np

from photo_organizer.vision import look_alikes
from photo_organizer.vision.feature_store import FeatureStore

HOUR = 3600.0


def looks(*kinds: int, noise: float = 0.05) -> np.ndarray:
    """Unit vectors; those of one kind nearly the same."""
    random = np.random.default_rng(1)
    centres = np.abs(np.random.default_rng(7).normal(size=(max(kinds) + 1, 64)))
    vectors = centres[list(kinds)] + noise * random.normal(size=(len(kinds), 64))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def group(
    times: np.ndarray, seen: np.ndarray, hashes: np.ndarray, kinds: np.ndarray | None = None
) -> list[list[int]]:
    return look_alikes.group(times, seen, hashes, np.zeros(len(times), np.int64) if kinds is None else kinds)


def no_hashes(count: int) -> np.ndarray:
    return np.zeros(count, np.uint64)


def test_bursts_are_groups_in_the_order_of_time() -> None:
    times = np.array([5 * HOUR + 2, 0, 1, 5 * HOUR, 9 * HOUR])
    assert group(times, looks(1, 0, 0, 1, 2), no_hashes(5)) == [[1, 2], [3, 0], [4]]


def test_other_looks_at_the_same_time_are_other_groups() -> None:
    assert group(np.array([0.0, 1, 2, 3]), looks(0, 1, 0, 1), no_hashes(4)) == [[0, 2], [1, 3]]


def test_the_same_look_years_apart_is_one_group() -> None:
    times = np.array([0.0, 8e7, 1.6e8])
    assert group(times, looks(0, 0, 1, noise=0.01), no_hashes(3)) == [[0, 1], [2]]


def test_what_the_model_takes_for_another_kind_is_no_such_group() -> None:
    times, kinds = np.array([0.0, 1, 8e7]), np.array([3, 1, 1])
    assert group(times, looks(0, 0, 0, noise=0.01), no_hashes(3), kinds) == [
        [0, 1, 2]
    ]  # a burst and its like
    assert group(times[1:], looks(0, 0, noise=0.01), no_hashes(2), np.array([3, 1])) == [[0], [1]]


def test_without_vectors_the_hash_decides() -> None:
    hashes = np.array([0xFFFF0000FFFF0000, 0xFFFF0000FFFF0001, 0x00FF00FF00FF00FF, 0], np.uint64)
    nothing = np.zeros((4, 1), np.float32)
    assert group(np.array([0.0, 2, 3, 4]), nothing, hashes) == [[0, 1], [2], [3]]


def test_many_photos_are_each_in_one_group_of_bounded_size() -> None:
    random = np.random.default_rng(3)
    count = 4000
    times = random.uniform(0, 1e7, count)
    found = group(times, looks(*random.integers(0, 400, count)), no_hashes(count))
    assert sorted(index for part in found for index in part) == list(range(count))
    assert max(len(part) for part in found) <= 60
    assert len(found) < count


def test_the_same_photo_a_thousand_times_is_several_groups() -> None:
    found = group(np.zeros(1000), looks(*[0] * 1000, noise=0.0), no_hashes(1000))
    assert max(len(part) for part in found) <= 60


def test_as_a_program(tmp_path: Path) -> None:
    names = [f"{number:064x}" for number in range(3)]
    with FeatureStore(tmp_path / "features.sqlite") as store:
        store.put("backbone", zip(names, looks(0, 0, 1), strict=True))
        store.put_facts((name, datetime(2024, 1, 1, 12, 0, second), "") for second, name in enumerate(names))
    photos = [*((name, 0.0, "Food") for name in names), ("", 5.0, "")]
    request = json.dumps({"store": str(tmp_path / "features.sqlite"), "photos": photos})
    command = [sys.executable, "-P", "-m", "photo_organizer.vision.look_alikes"]
    done = subprocess.run(command, input=request, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["groups"] == [[3], [0, 1], [2]]
    assert answer["times"][3] == 5.0
