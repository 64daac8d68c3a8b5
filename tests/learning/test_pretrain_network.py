"""The trained network, the folded one and what a checkpoint brings back are one and the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from photo_organizer.learning.pretrain.arrays import save_arrays  # noqa: E402
from photo_organizer.learning.pretrain.averaging import average_weights, measure_normalisation  # noqa: E402
from photo_organizer.learning.pretrain.folding import PLACES, fold, folded_backbone, unfold  # noqa: E402
from photo_organizer.learning.pretrain.network import (  # noqa: E402
    build_training_network,
    get_named_weights,
    set_named_weights,
)
from photo_organizer.learning.pretrain.normalisation import FusedBatchNormalization  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")  # Keras and TensorFlow have warnings of their own

SIDE = 32


@pytest.fixture(scope="module")
def trained() -> dict[str, np.ndarray]:
    """Named weights of a full network whose normalisation has moved away from its beginnings."""
    random = np.random.default_rng(1)
    model = build_training_network(3, dtype="float32")
    weights = get_named_weights(model)
    for place in PLACES:
        norm = place.normalisation
        weights[f"{norm}/gamma"] = np.float32(random.uniform(0.5, 1.5, place.channels))
        weights[f"{norm}/beta"] = np.float32(random.normal(0, 0.3, place.channels))
        weights[f"{norm}/moving_mean"] = np.float32(random.normal(0, 0.3, place.channels))
        weights[f"{norm}/moving_variance"] = np.float32(random.uniform(0.5, 2.0, place.channels))
    return weights


def _photos(count: int) -> np.ndarray:
    return np.float32(np.random.default_rng(0).uniform(-1, 1, (count, SIDE, SIDE, 3)))


def test_the_folded_network_computes_what_the_trained_one_does(trained: dict[str, np.ndarray]) -> None:
    model = build_training_network(3, dtype="float32")
    set_named_weights(model, trained)
    features = keras.Model(model.input, model.get_layer("features").output)
    plain = keras.applications.VGG16(
        weights=None, include_top=False, input_shape=(SIDE, SIDE, 3), pooling="avg"
    )
    folded = fold(trained)
    for place in PLACES:
        layer = plain.get_layer(place.convolution)
        layer.set_weights([folded[f"{place.convolution}/kernel"], folded[f"{place.convolution}/bias"]])
    expected = np.asarray(features(_photos(2), training=False))
    assert expected.std() > 0
    np.testing.assert_allclose(np.asarray(plain(_photos(2))), expected, rtol=2e-3, atol=1e-4)


def test_unfolding_takes_the_folding_back(trained: dict[str, np.ndarray]) -> None:
    normalisation = {name: value for name, value in trained.items() if "_bn" in name}
    again = unfold(fold(trained), normalisation)
    for place in PLACES:
        name = f"{place.convolution}/kernel"
        np.testing.assert_allclose(again[name], trained[name], rtol=1e-4, atol=1e-7)


def test_a_backbone_is_stored_in_half_precision_whichever_file_it_comes_from(
    trained: dict[str, np.ndarray], tmp_path: Path
) -> None:
    save_arrays(tmp_path / "checkpoint.npz", trained)
    save_arrays(tmp_path / "folded.npz", fold(trained))
    from_checkpoint = folded_backbone(tmp_path / "checkpoint.npz")
    from_folded = folded_backbone(tmp_path / "folded.npz")
    assert from_checkpoint.keys() == from_folded.keys()
    assert len(from_checkpoint) == 2 * len(PLACES)
    for name, value in from_checkpoint.items():
        assert value.dtype == (np.float16 if name.endswith("kernel") else np.float32)
        np.testing.assert_array_equal(value, from_folded[name])


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-3), ("mixed_bfloat16", 1e-2)])
def test_fused_normalisation_agrees_with_keras(dtype: str, tolerance: float) -> None:
    inputs = np.float32(np.random.default_rng(2).normal(1, 3, (8, 12, 12, 16)))
    ours = FusedBatchNormalization(momentum=0.9, epsilon=1e-3, dtype=dtype)
    theirs = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3, dtype=dtype)
    for training in (True, False):
        expected = np.float32(theirs(inputs, training=training))
        actual = np.float32(ours(inputs, training=training))
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(np.asarray(ours.moving_mean), np.asarray(theirs.moving_mean), atol=1e-4)
    np.testing.assert_allclose(
        np.asarray(ours.moving_variance), np.asarray(theirs.moving_variance), rtol=2e-3
    )


def test_a_network_in_between_has_weights_in_between() -> None:
    first, second = {"a": np.zeros(3, np.float32)}, {"a": np.full(3, 4.0, np.float32)}
    np.testing.assert_array_equal(average_weights(first, second, 0.25)["a"], np.ones(3))


def test_measured_normalisation_makes_serving_agree_with_training() -> None:
    model = build_training_network(3, width=0.05, dtype="float32")
    random = np.random.default_rng(4)
    photos = np.float32(random.uniform(-1, 1, (16, SIDE, SIDE, 3)))
    before = np.asarray(model(photos, training=False)["category"])
    expected = np.asarray(model(photos, training=True)["category"])
    measure_normalisation(model, [photos])
    after = np.asarray(model(photos, training=False)["category"])
    assert np.abs(after - expected).max() < 0.1 * np.abs(before - expected).max()
    with pytest.raises(ValueError, match="needs photos"):
        measure_normalisation(model, [])
