"""Several teachers answer as one, with their maps side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recipe.data.teacher import Answer, Teacher
from recipe.data.teachers import open_lite_teacher, together
from recipe.training.network import build_training_network


def _teacher(channels: int, value: float) -> Teacher:
    places = np.full((7, 7, channels), value, np.float32)
    return lambda _: Answer(places, np.full(1001, value, np.float32))


def test_maps_are_side_by_side_and_the_first_one_names_the_classes() -> None:
    answer = together([_teacher(4, 1.0), _teacher(2, 3.0)])(np.zeros((8, 8, 3), np.uint8))
    assert answer.places.shape == (7, 7, 6)
    assert answer.embedding.tolist() == [1, 1, 1, 1, 3, 3]
    assert (answer.probabilities == 1).all()


def test_a_lite_network_without_its_number_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    with pytest.raises(ValueError, match="lite0"):
        open_lite_teacher(tmp_path / "weights.pth")


@pytest.mark.filterwarnings("default")
def test_the_network_learns_as_wide_an_embedding_as_the_teachers_have() -> None:
    pytest.importorskip("keras")
    model = build_training_network(3, 6, width=0.05, dtype="float32")
    answers = model(np.zeros((1, 32, 32, 3), np.float32))
    assert answers["embedding"].shape == (1, 6)
    assert answers["places"].shape == (1, 1, 1, 6)
