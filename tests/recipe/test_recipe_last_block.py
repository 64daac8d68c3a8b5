"""Block 5 learns the teachers' embedding without a label, and everything below it stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")
pytest.importorskip("tensorflow")

from photo_organizer.models.manifest import BACKBONE_FILE
from photo_organizer.vision.backbone.weights import Layer, read_backbone
from recipe.training.folding import folded_backbone
from recipe.training.last_block import Batches, Distillation, block5, distil, folded, source_shares
from support.small_models import make_model

pytestmark = pytest.mark.filterwarnings("default")  # Keras and TensorFlow have warnings of their own

CHOICE = Distillation(steps=12, batch=8, peak=1e-3, average=0.5)


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Layer]:
    return read_backbone(make_model(tmp_path_factory.mktemp("seed"), ("Food", "Pets")) / BACKBONE_FILE)


@pytest.fixture(scope="module")
def maps() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (24, 2, 2, 512)).astype(np.float16)


def _error(layers: dict[str, Layer], maps: np.ndarray, embedding: np.ndarray) -> float:
    """Squared error of the best linear map from the features to the embedding."""
    features = block5(layers, 2, "float32").predict(maps, verbose=0)
    known = np.column_stack([features, np.ones(len(features))])
    return float(np.mean((known @ np.linalg.lstsq(known, embedding, rcond=1e-3)[0] - embedding) ** 2))


def test_block_5_learns_the_embedding_and_the_rest_stays(
    layers: dict[str, Layer], maps: np.ndarray, tmp_path: Path
) -> None:
    embedding = np.float32(np.random.default_rng(1).normal(size=(24, 3)))
    before = {name: kernel.copy() for name, (kernel, _) in layers.items()}
    trained = layers | distil(layers, maps, embedding, np.ones(24, np.float32), CHOICE, dtype="float32")
    assert _error(trained, maps, embedding) < 0.8 * _error(layers, maps, embedding)
    np.savez(tmp_path / "weights.npz", **folded(trained))
    changed = {name for name, kernel in before.items() if not np.array_equal(trained[name][0], kernel)}
    assert changed == {"block5_conv1", "block5_conv2", "block5_conv3"}
    assert set(folded_backbone(tmp_path / "weights.npz")) == {
        f"{name}/{part}" for name in before for part in ("kernel", "bias")
    }


def test_a_batch_depends_on_its_number_alone(maps: np.ndarray) -> None:
    embedding = np.arange(24, dtype=np.float32)[:, None]
    batches = Batches(maps, embedding, np.ones(24, np.float32), CHOICE)
    first, again = batches[3], batches[3]
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[1], batches[4][1])
    mirrored = set()
    for step in range(CHOICE.steps):
        seen, rows = batches[step]
        own = maps[rows[:, 0].astype(int)].astype(np.float32)
        mirrored.add(np.array_equal(seen, own[:, :, ::-1]))
        assert np.array_equal(seen, own) or np.array_equal(seen, own[:, :, ::-1])
    assert mirrored == {False, True}


def test_photos_of_a_large_source_are_drawn_less_often() -> None:
    shares = source_shares(np.array(["large"] * 100 + ["small"]))
    assert shares[0] < shares[-1]
    assert shares[:100].sum() > shares[-1]
