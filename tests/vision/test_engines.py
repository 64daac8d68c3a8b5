"""The engines agree with VGG16 as written down, and the best that may serve is chosen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from photo_organizer.models.manifest import ModelError
from photo_organizer.models.serving_model import read_model
from photo_organizer.vision.backbone import engine as engines
from photo_organizer.vision.backbone.classifier import Classifier
from photo_organizer.vision.backbone.engine import INT8_FLAGS, choose, cpu_flags, load_engine
from photo_organizer.vision.backbone.heatmap import grad_cam, heatmap
from photo_organizer.vision.backbone.precision import EQUAL_DECISIONS
from photo_organizer.vision.backbone.quantise import quantise, verify
from photo_organizer.vision.backbone.rounding import round_matrix
from photo_organizer.vision.backbone.weights import read_backbone
from photo_organizer.vision.labelled_photos import LabelledPixels
from support.small_models import CATEGORIES, colours, make_model

TAPS = ("block5.avg", "block5.max", "block4.avg")


@pytest.fixture(scope="module")
def tapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tapped", features=TAPS, flip=True)


@pytest.fixture(scope="module")
def photos() -> NDArray[np.uint8]:
    """One a category in its colour, with noise, and three of nothing but noise."""
    random = np.random.default_rng(3)
    plain = np.repeat(np.repeat(colours(CATEGORIES)[:, None, None], 32, 1), 32, 2).astype(int)
    noisy = random.integers(-20, 21, plain.shape)
    return np.concatenate([np.clip(plain + noisy, 0, 255), random.integers(0, 256, (3, 32, 32, 3))]).astype(
        np.uint8
    )


def reference(model: Path, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
    """VGG16 by the book, in numpy: 3 x 3 convolutions with zero padding, ReLU, 2 x 2 max-pooling."""

    def pools(layer: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        found = {}
        for name, (kernel, bias) in read_backbone(model / "backbone.npz").items():
            padded = np.pad(layer, ((0, 0), (1, 1), (1, 1), (0, 0)))
            height, width = layer.shape[1:3]
            layer = sum(
                (padded[:, y : y + height, x : x + width] @ kernel[y, x] for y in range(3) for x in range(3)),
                start=bias,
            )
            layer = np.maximum(layer, 0)
            if name in {"block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"}:
                n, height, width, channels = layer.shape
                layer = layer.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
                found[f"{name[:6]}.avg"] = layer.mean(axis=(1, 2))
                found[f"{name[:6]}.max"] = layer.max(axis=(1, 2))
        return [found[tap] for tap in TAPS]

    scaled = photos.astype(np.float32) / 127.5 - 1
    both = [np.concatenate(pools(half), axis=1) for half in (scaled, scaled[:, :, ::-1])]
    return (both[0] + both[1]) / 2


@pytest.mark.parametrize(("engine", "tolerance"), [("openvino f32", 2e-3), ("openvino bf16", 4e-2)])
def test_openvino_is_vgg16(tapped: Path, photos: NDArray[np.uint8], engine: str, tolerance: float) -> None:
    wanted = reference(tapped, photos[-4:])
    found = load_engine(tapped, engine).features(photos[-4:])
    assert np.abs(found - wanted).max() <= tolerance * np.abs(wanted).max()


def test_tensorflow_is_vgg16_too(tapped: Path, photos: NDArray[np.uint8]) -> None:
    pytest.importorskip("tensorflow")
    program = """
import sys
import numpy as np
from pathlib import Path
from photo_organizer.vision.backbone.engine import load_engine
engine = load_engine(Path(sys.argv[1]), "tensorflow")
np.save(sys.argv[3], engine.features(np.load(sys.argv[2])))
print(engine.name, engine.reason)
"""
    np.save(tapped.parent / "photos.npy", photos)
    files = [str(tapped), str(tapped.parent / "photos.npy"), str(tapped.parent / "features.npy")]
    printed = subprocess.run(
        [sys.executable, "-c", program, *files], capture_output=True, text=True, check=True
    ).stdout
    assert "tensorflow f32 asked for" in printed
    found = np.load(files[2])
    assert len(found) == 13  # more than a batch, and no multiple of one
    wanted = load_engine(tapped, "openvino f32").features(photos)
    assert np.abs(found - wanted).max() <= 2e-3 * np.abs(wanted).max()


def test_features_do_not_depend_on_what_else_is_in_the_batch(model: Path, photos: NDArray[np.uint8]) -> None:
    engine = load_engine(model, "openvino f32")
    together = engine.features(photos)
    alone = np.concatenate([engine.features(photo[np.newaxis]) for photo in photos])
    assert np.array_equal(together, alone)
    assert engine.features(photos[:0]).shape == (0, 512)


def test_a_quantised_model_decides_alike_and_is_chosen(tmp_path: Path, photos: NDArray[np.uint8]) -> None:
    if not cpu_flags() & INT8_FLAGS:
        pytest.skip("this CPU adds up int8 products inexactly")
    model = make_model(tmp_path / "model")
    check = LabelledPixels(photos[:10], np.arange(10))
    verification = quantise(model, np.concatenate([photos] * 2), check, rounding_photos=0)
    assert verification.precision == "int8"
    assert verification.checks[0].equal_decisions >= EQUAL_DECISIONS
    described = read_model(model)
    assert described.has_int8
    assert (model / "backbone-int8.bin").stat().st_size < 16_000_000
    assert not list(model.glob(".*"))
    engine = load_engine(model, "auto")
    assert engine.name == "openvino int8"
    first = Classifier(described, CATEGORIES).probabilities(engine.features(photos[:10])).argmax(axis=1)
    assert list(first) == list(range(10))

    scrambled = LabelledPixels(
        photos[-3:], np.zeros(3, int)
    )  # noise: nothing that int8 must agree on by itself
    refused = verify(model, scrambled)
    assert next(check.precision for check in refused.checks) == "int8"
    if not refused.checks[0].passed:
        assert not read_model(model).has_int8
        assert "refused, int8" in load_engine(model, "auto").reason


def test_rounding_keeps_the_grid_and_harms_the_output_less_than_rounding_to_nearest() -> None:
    random = np.random.default_rng(0)
    mixing = random.normal(size=(16, 288))
    inputs = np.maximum(random.normal(size=(3000, 16)) @ mixing + random.normal(size=(3000, 288)) / 2, 0)
    seen, fresh = inputs[:2000].astype(np.float32), inputs[2000:].astype(np.float32)
    weights = random.normal(size=(64, 288)).astype(np.float32)
    step = np.abs(weights).max(axis=1, keepdims=True) / 127
    rounded = round_matrix(weights, seen.T @ seen / len(seen))
    assert np.allclose(rounded / step, np.rint(rounded / step), atol=1e-3)
    assert np.allclose(np.abs(rounded).max(axis=1, keepdims=True) / 127, step)

    def harm(changed: NDArray[np.float32]) -> float:
        return float(np.linalg.norm(fresh @ (changed - weights).T))

    assert harm(rounded) < 0.6 * harm(np.rint(weights / step) * step)


def test_the_choice_says_why(tapped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(flags: set[str], serving: dict[str, str], asked: str = "auto") -> tuple[str, str, str]:
        fields = json.loads((tapped / "model.json").read_text())
        monkeypatch.setattr(engines, "cpu_flags", lambda: frozenset(flags))
        files = dict.fromkeys(("backbone-int8.xml", "backbone-int8.bin"), "0" * 64) | fields["files"]
        folder = tapped.parent / "chosen"
        folder.mkdir(exist_ok=True)
        (folder / "model.json").write_text(json.dumps({**fields, "files": files, "serving": serving}))
        return choose(read_model(folder), asked)

    modern = {"avx512_vnni", "avx512_bf16"}
    assert chosen(modern, {"int8": "verified"})[:2] == ("openvino", "int8")
    assert chosen(modern, {"int8": "refused", "reason": "too far off"}) == (
        "openvino", "bf16", "too far off; the CPU has bf16"
    )  # fmt: skip
    assert chosen({"avx2"}, {"int8": "verified"}) == (
        "openvino",
        "f32",
        "the CPU has no VNNI; no bf16 either",
    )
    assert chosen(modern, {"int8": "refused", "bf16": "refused"})[:2] == ("openvino", "f32")
    assert chosen(modern, {"int8": "verified"}, "tensorflow")[:2] == ("tensorflow", "f32")
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None)
    assert chosen(modern, {"int8": "verified"}) == ("tensorflow", "f32", "OpenVINO is not installed")
    with pytest.raises(ModelError, match="not installed"):
        chosen(modern, {"int8": "verified"}, "openvino")


@pytest.mark.parametrize(("change", "complaint"), [
    ({"preprocessing": "rgb"}, "preprocessing"),
    ({"backbone": "resnet"}, "backbone"),
    ({"input_size": 5}, "input_size"),
    ({"features": ["block9.avg"]}, "pools"),
    ({"temperature": 0}, "temperature"),
    ({"files": {}}, "not listed"),
    ({"files": {"../../secret": "0", "backbone.npz": "0", "head.npz": "0"}}, "inside the folder"),
    ({"categories": []}, "two or more"),
    ({"input_size": "large"}, "not valid"),
])  # fmt: skip
def test_a_description_that_is_not_ours_is_refused(
    model: Path, tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    fields = json.loads((model / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**fields, **change}))
    with pytest.raises(ModelError, match=complaint):
        read_model(tmp_path)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    import hashlib

    model = make_model(tmp_path / "model")
    np.savez(model / "head.npz", kernel=np.zeros((3, 3), np.float32), bias=np.zeros(3, np.float32))
    fields = json.loads((model / "model.json").read_text())
    fields["files"]["head.npz"] = hashlib.sha256((model / "head.npz").read_bytes()).hexdigest()
    (model / "model.json").write_text(json.dumps(fields))
    with pytest.raises(ModelError, match="head does not fit"):
        Classifier(read_model(model), CATEGORIES)
    np.savez(model / "backbone.npz", nothing=np.zeros(3))
    with pytest.raises(ModelError, match="block1_conv1"):
        read_backbone(model / "backbone.npz")
    (model / "backbone.npz").write_bytes(b"PK no archive")
    with pytest.raises(ModelError, match="cannot be read"):
        read_backbone(model / "backbone.npz")


def test_nothing_is_reported_to_anybody(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom photo_organizer.vision.backbone import openvino_engine, quantise\nimport nncf\n"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry.')])"
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []


def test_the_heat_lies_where_the_category_is(tmp_path: Path) -> None:
    import cv2

    model = make_model(tmp_path / "model", input_size=64)
    pixels = np.full((300, 600, 3), colours(CATEGORIES)[CATEGORIES.index("Pets")], np.uint8)
    pixels[:, 300:] = colours(CATEGORIES)[CATEGORIES.index("Food")]
    data = cv2.imencode(".png", pixels)[1].tobytes()
    activations = np.zeros((512, 4, 4), np.float32)
    for half, category in ((slice(0, 2), "Pets"), (slice(2, 4), "Food")):
        blue, green, red = colours(CATEGORIES)[CATEGORIES.index(category)] / 127.5 - 1
        for channel, value in enumerate((blue, green, red, -blue, -green, -red)):
            activations[channel, :, half] = max(value, 0)
    described = read_model(model)
    heat = grad_cam(described, activations, CATEGORIES.index("Food"))
    assert heat.max() == 1
    assert heat[:, 2:].mean() > heat[:, :2].mean()
    overlay = heatmap(model, data, "Food")
    assert overlay.shape == (300, 600, 3)
    with pytest.raises(Exception, match="does not know this category"):
        heatmap(model, data, "Boats")
