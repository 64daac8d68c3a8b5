"""The thresholds of the starter keep their precision, and no category files nothing."""

from __future__ import annotations

import numpy as np

from recipe.head.refit import photo_weights
from recipe.head.thresholds import accepted, choose_thresholds

CATEGORIES = ("Family", "Friends", "Nature")


def _probabilities(category: int, confidence: np.ndarray) -> np.ndarray:
    rest = (1 - confidence) / 2
    rows = np.stack([rest, rest, rest], axis=1)
    rows[:, category] = confidence
    return np.float32(rows)


def test_a_category_that_would_file_nothing_gets_a_threshold_of_its_own() -> None:
    sure, unsure = np.linspace(0.5, 1, 200), np.linspace(0.4, 0.75, 200)
    probabilities = np.concatenate([_probabilities(2, sure), _probabilities(1, unsure)])
    labels = np.repeat([2, 1], 200)
    labels[:200][sure < 0.78] = 0  # Nature is wrong below 0.78
    labels[200:][::4] = 0  # Family, which Friends may be called
    thresholds = choose_thresholds(probabilities, labels, CATEGORIES, 0.95, 0.95)
    assert thresholds["default"] == 0.8
    assert set(thresholds) == {"default", "Friends"}
    assert thresholds["Friends"] == 0.5
    filed = probabilities[200:].max(axis=1) >= thresholds["Friends"]
    assert filed.any()


def test_an_accepted_neighbour_works_one_way_only() -> None:
    predicted, labels = np.array([1, 0, 1, 2]), np.array([0, 1, 2, 2])
    assert accepted(predicted, labels, CATEGORIES).tolist() == [True, False, False, True]


def test_a_large_source_and_a_large_category_weigh_less_than_their_size() -> None:
    labels = np.array([0] * 1010 + [1] * 10)
    sources = np.array(["big"] * 1000 + ["small"] * 10 + ["small"] * 10)
    weights = photo_weights(labels, sources)
    assert 1 < weights[:1000].sum() / weights[1000:1010].sum() < 100
    assert np.isclose(weights[labels == 0].sum() / weights[labels == 1].sum(), 101**0.5)
    assert np.isclose(weights.mean(), 1)


def test_a_photo_counts_as_its_source_does() -> None:
    labels, sources = np.zeros(4, np.int64), np.array(["plain", "plain", "objects", "objects"])
    weights = photo_weights(labels, sources, {"objects": 0.5})
    assert np.allclose(weights[:2] / weights[2:], 2)
