"""The trained network, the folded one and what a checkpoint brings back are one and the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from recipe.arrays import save_arrays  # noqa: E402
from recipe.training.folding import PLACES, fold, folded_backbone  # noqa: E402
from recipe.training.network import (  # noqa: E402
    build_training_network,
    get_named_weights,
    set_named_weights,
)
from recipe.training.normalisation import FusedBatchNormalization  # noqa: E402
from recipe.training.starting import ridge_regression, unfold_into  # noqa: E402

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


def _numbers(tensor: Any) -> np.ndarray:
    return np.float32(keras.ops.convert_to_numpy(tensor))


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
    expected = _numbers(features(_photos(2), training=False))
    assert expected.std() > 0
    np.testing.assert_allclose(_numbers(plain(_photos(2))), expected, rtol=2e-3, atol=1e-4)


def test_a_folded_network_can_be_trained_on(trained: dict[str, np.ndarray]) -> None:
    first, second = (build_training_network(3, dtype="float32") for _ in range(2))
    set_named_weights(first, trained)
    unfold_into(second, fold(trained), _photos(8))
    expected, alike = (
        _numbers(keras.Model(model.input, model.get_layer("features").output)(_photos(2), training=False))
        for model in (first, second)
    )
    np.testing.assert_allclose(alike, expected, rtol=2e-3, atol=1e-4)
    for place in PLACES:
        kernel = _numbers(second.get_layer(place.convolution).kernel)
        np.testing.assert_allclose((kernel**2).sum((0, 1, 2)), 2, rtol=1e-3)  # As in a new network.
    while_training = _numbers(
        keras.Model(second.input, second.get_layer("block1_bn1").output)(_photos(8), training=True)
    )
    serving = _numbers(
        keras.Model(second.input, second.get_layer("block1_bn1").output)(_photos(8), training=False)
    )
    np.testing.assert_allclose(serving, while_training, rtol=0.05, atol=0.05)


def test_a_head_is_found_by_ridge_regression() -> None:
    random = np.random.default_rng(5)
    features = np.float32(random.normal(2, 3, (500, 4)))
    kernel, bias = np.float32(random.normal(size=(4, 2))), np.float32([1, -2])
    found = ridge_regression(features, features @ kernel + bias)
    np.testing.assert_allclose(features @ found[0] + found[1], features @ kernel + bias, atol=0.5)


def test_the_average_of_the_places_is_the_embedding() -> None:
    model = build_training_network(3, width=0.05, dtype="float32")
    answer = model(np.float32(np.random.default_rng(0).uniform(-1, 1, (2, 96, 96, 3))), training=False)
    places = _numbers(answer["places"])
    assert places.shape == (2, 3, 3, 1280)
    np.testing.assert_allclose(places.mean((1, 2)), _numbers(answer["embedding"]), atol=1e-4)


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
    axis = 1 if keras.backend.backend() == "torch" else -1
    ours = FusedBatchNormalization(axis=axis, momentum=0.9, epsilon=1e-3, dtype=dtype)
    theirs = keras.layers.BatchNormalization(axis=axis, momentum=0.9, epsilon=1e-3, dtype=dtype)
    for training in (True, False):
        expected = _numbers(theirs(inputs, training=training))
        actual = _numbers(ours(inputs, training=training))
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(_numbers(ours.moving_mean), _numbers(theirs.moving_mean), atol=1e-4)
    np.testing.assert_allclose(_numbers(ours.moving_variance), _numbers(theirs.moving_variance), rtol=2e-3)
