"""Fine-tuning and backbones of other origin. TensorFlow is imported here, in one process."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from photo_organizer.learning.events import Progress
from photo_organizer.learning.finetune.backbone_source import (
    IMAGENET_MEAN,
    BackboneError,
    backbone_from_file,
    folded,
    official_backbone,
    write_backbone,
)
from photo_organizer.learning.finetune.drift import Drift
from photo_organizer.learning.finetune.fine_tune import class_weights
from photo_organizer.learning.head.samples import Samples
from photo_organizer.learning.retrain import TrainingRequest, retrain
from photo_organizer.models.store import Registry, verify
from photo_organizer.vision.backbone.weights import read_backbone
from support.learning_home import SMALL, Home
from support.small_models import make_model


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path).make_folders()
    home.install_model(sharpness=3.0)
    for category, looks_like in (("Food", "Food"), ("Pets", "Pets"), ("Garden", "Nature")):
        for seed in range(22):
            home.place(category, seed, looks_like=looks_like)
    home.accept("Garden")
    return home


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("blank_pictures")
def test_a_fine_tuned_model_is_made_judged_and_served(home: Home) -> None:
    heard: list[Progress] = []
    outcome = retrain(home.config, TrainingRequest("fine-tune"), heard.append)

    assert outcome.model is not None
    model = home.root / "models" / outcome.model
    manifest = verify(model)
    assert manifest.categories == (*SMALL, "Garden"), "Travel is kept by its exemplars alone"
    assert manifest.data["mode"] == "fine-tune"
    assert {"activations", "fine-tuning", "judging"} <= {it.stage for it in heard}
    before, after = (
        read_backbone(home.root / "models" / "first" / "backbone.npz"),
        read_backbone(model / "backbone.npz"),
    )
    changed = {name for name in before if not np.array_equal(before[name][0], after[name][0])}
    assert changed <= {"block5_conv1", "block5_conv2", "block5_conv3"}
    stages = (model / "report" / "epochs.csv").read_text()
    assert "head on frozen backbone" in stages and "block 5" in stages
    assert outcome.promoted, outcome.reason
    assert not list((home.root / "state").glob("training-*"))

    again = retrain(home.config, TrainingRequest("head"), heard.append)
    assert again.model is not None
    child = verify(home.root / "models" / again.model)
    assert child.files["backbone.npz"] == manifest.files["backbone.npz"]


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15 with numpy 2.4
def test_a_backbone_from_a_file_of_keras_weights(home: Home, tmp_path: Path) -> None:
    import keras

    vgg = keras.applications.VGG16(weights=None, include_top=False)
    path = tmp_path / "vgg16.weights.h5"
    vgg.save_weights(path)

    layers = backbone_from_file(path)

    expected = vgg.get_layer("block3_conv2").get_weights()
    np.testing.assert_array_equal(layers["block3_conv2"][0], expected[0])
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.float32)
    first = vgg.get_layer("block1_conv1")
    theirs = np.asarray(first(pixels - IMAGENET_MEAN))[:, 1:-1, 1:-1]
    first.set_weights(list(layers["block1_conv1"]))
    ours = np.asarray(first(pixels / 127.5 - 1))[:, 1:-1, 1:-1]
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-2)

    write_backbone(layers, tmp_path / "backbone.npz")
    assert read_backbone(tmp_path / "backbone.npz").keys() == layers.keys()


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("blank_pictures")
def test_training_on_a_backbone_of_the_owners(home: Home, tmp_path: Path) -> None:
    other = make_model(tmp_path / "other", SMALL, seed=9) / "backbone.npz"
    changed = Home(home.root)
    config = changed.config.model_copy(
        update={"model": changed.config.model.model_copy(update={"backbone": other})}
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("photo_organizer.learning.finetune.fine_tune._OFFICIAL_SIZE", 32)
        outcome = retrain(config, TrainingRequest("head"), lambda progress: None)
    assert outcome.model is not None
    manifest = verify(home.root / "models" / outcome.model)
    assert manifest.data["backbone_origin"] == str(other)
    assert manifest.categories == ("Food", "Pets", "Garden"), "no exemplars fit another backbone"
    assert Registry(home.root / "models").show(outcome.model).problem is None


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("absent.npz", None, "no such weights file"),
        ("model.h5", b"x", r"\.npz and \.weights\.h5 files only"),
        ("model.pkl", b"x", r"\.npz and \.weights\.h5 files only"),
        ("wrong.weights.h5", b"not hdf5", "not the weights of keras"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: bytes | None, expected: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BackboneError, match=expected):
        backbone_from_file(path)


def test_a_pickle_in_an_npz_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    np.savez(path, **{"block1_conv1/kernel": np.array([{"a": 1}], dtype=object)})  # type: ignore[arg-type]
    with pytest.raises(Exception, match="cannot be read"):
        backbone_from_file(path)


def test_without_a_network_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    def unreachable(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure: None -- [Errno -3] Temporary failure in name resolution")  # noqa: TRY002

    monkeypatch.setattr(keras.applications, "VGG16", unreachable)
    with pytest.raises(BackboneError, match=r"cannot be downloaded.*connect to the network") as caught:
        official_backbone(tmp_path)
    assert "goes on working" in str(caught.value)
    assert os.environ.get("KERAS_HOME")


def test_half_precision_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    layers = {"block1_conv1": (np.full((3, 3, 3, 64), 1e6, np.float32), np.zeros(64, np.float32))}
    with pytest.raises(BackboneError, match="usable size"):
        write_backbone(layers, tmp_path / "backbone.npz")


def test_folding_is_exact_in_arithmetic() -> None:
    random = np.random.default_rng(0)
    kernel, bias = random.standard_normal((3, 3, 3, 4)).astype(np.float32), np.zeros(4, np.float32)
    new_kernel, new_bias = folded({"block1_conv1": (kernel, bias)})["block1_conv1"]
    patch = random.integers(0, 256, (3, 3, 3)).astype(np.float32)
    theirs = np.einsum("hwi,hwio->o", patch - IMAGENET_MEAN, kernel)
    ours = np.einsum("hwi,hwio->o", patch / 127.5 - 1, new_kernel) + new_bias
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)


def test_drift_is_learned_and_applied_to_others() -> None:
    random = np.random.default_rng(0)
    turn = 0.2 * random.standard_normal((12, 12)) / np.sqrt(12)

    def pair(count: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
        old = random.random((count, 12)).astype(np.float32) + 1
        return old, (old + old @ turn + 0.3).astype(np.float32)

    old, new = pair(300)
    drift = Drift.of(old, new)
    others, truth = pair(50)
    assert drift.explained > 0.95
    assert np.abs(drift.apply(others) - truth).mean() < 0.2 * np.abs(others - truth).mean()
    assert drift.apply(others[:0]).shape == (0, 12)


def test_drift_of_noise_is_a_shift_at_most() -> None:
    random = np.random.default_rng(0)
    old = random.random((40, 60)).astype(np.float32)
    new = old + random.standard_normal(old.shape).astype(np.float32)
    drift = Drift.of(old, np.maximum(new, 0))
    assert drift.explained < 0.3


def test_class_weights_make_categories_equal() -> None:
    labels = np.array([0] * 30 + [1] * 10)
    weights = class_weights(
        Samples(np.zeros((40, 1), np.float32), labels, np.ones(40, np.float32), np.arange(40)), 2
    )
    assert weights[:30].sum() == pytest.approx(weights[30:].sum())
    assert weights.mean() == pytest.approx(1)
