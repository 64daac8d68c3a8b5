"""What the export writes is what serving and Keras read."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from photo_organizer.models.serving_model import read_model
from photo_organizer.models.store import verify
from photo_organizer.vision.backbone.classifier import Classifier
from photo_organizer.vision.backbone.engine import load_engine
from recipe.__main__ import main
from recipe.arrays import save_arrays
from recipe.data.batches import Standard, Targets
from recipe.data.corpus import build_cache, open_cache
from recipe.data.prepare import Prepared
from recipe.data.split import Part
from recipe.export import ExportChoice, next_id
from recipe.export import make_model as export_model
from recipe.head.features import FeatureChoice
from recipe.head.thresholds import choose_threshold
from recipe.training.folding import PLACES, folded_backbone
from support.small_models import draw_photo, make_model

CATEGORIES = ("Events", "Family", "Food")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Drawn photos of three categories, two sources; the teacher's embedding tells the categories apart."""
    root = tmp_path_factory.mktemp("prepared")
    photos, rows = root / "photos", ["file,source"]
    for category in CATEGORIES:
        (photos / category).mkdir(parents=True)
        for number in range(24):
            draw_photo(photos / category / f"{number}.jpg", category, categories=CATEGORIES, seed=number)
            rows.append(f"{category}/{number}.jpg,{'kitchen' if number % 2 else 'garden'}")
    (photos / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    count = build_cache(photos, [], root / "cache")
    corpus = open_cache(root / "cache")
    parts = np.where(np.arange(count) % 8 == 0, int(Part.SAME_SOURCE), int(Part.TRAIN))
    embedding = np.repeat(np.eye(4, dtype=np.float16)[corpus.labels], 320, 1)
    return Prepared(
        corpus,
        parts,
        np.arange(count),
        np.zeros(count, np.bool_),
        Targets(embedding, np.ones((count, 3), np.float32), np.ones(count, np.float32)),
        Standard(np.zeros(1280, np.float32), np.ones(1280, np.float32)),
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Path:
    """A model exported from a colour-reading backbone."""
    root = tmp_path_factory.mktemp("export")
    backbone = make_model(root / "seed", CATEGORIES) / "backbone.npz"
    choice = ExportChoice(FeatureChoice(32, ("block5.avg",)), strength=0.01)
    export_model(prepared, backbone, root / "model", choice)
    return root / "model"


def test_serving_reads_it_and_recognises_the_photos(exported: Path, tmp_path: Path) -> None:
    verify(exported)
    model = read_model(exported)
    photos = [draw_photo(tmp_path / f"{c}.png", c, categories=CATEGORIES, seed=99) for c in CATEGORIES]
    pixels = np.stack([cv2.resize(cv2.imread(str(photo)), (32, 32)) for photo in photos])
    probabilities = Classifier(model, CATEGORIES).probabilities(load_engine(model).features(pixels))
    assert list(probabilities.argmax(axis=1)) == [0, 1, 2]


def test_the_manifest_tells_the_data_and_honest_figures(exported: Path) -> None:
    manifest = json.loads((exported / "model.json").read_text())
    assert manifest["categories"] == list(CATEGORIES)
    assert manifest["data"]["labelled"] == 72
    assert manifest["data"]["held_out_photos"] == manifest["metrics"]["same_sources"]["photos"] == 9
    assert manifest["metrics"]["same_sources"]["accuracy"] == 1.0
    card = (exported / "MODEL_CARD.md").read_text()
    assert manifest["id"] in card
    assert "- kitchen" in card


def test_exemplars_hold_features_and_labels_and_no_pixels(exported: Path) -> None:
    with np.load(exported / "exemplars.npz") as file:
        assert set(file.files) == {"features", "labels", "held_out"}
        assert file["held_out"].dtype == np.bool_
        assert 0 < file["held_out"].sum() < len(file["labels"]) / 2
        assert file["features"].dtype == np.float16
        assert file["features"].shape == (len(file["labels"]), 512)
        assert file["labels"].dtype == np.int16


@pytest.mark.filterwarnings("default")
def test_keras_takes_the_backbone_by_layer_name(exported: Path) -> None:
    keras = pytest.importorskip("keras")
    network = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    with np.load(exported / "backbone.npz") as file:
        assert len(file.files) == 26
        for place in PLACES:
            kernel, bias = file[f"{place.convolution}/kernel"], file[f"{place.convolution}/bias"]
            assert kernel.dtype == np.float16
            network.get_layer(place.convolution).set_weights([kernel, bias])


@pytest.mark.filterwarnings("default")
def test_training_goes_on_from_it(exported: Path, prepared: Prepared) -> None:
    keras = pytest.importorskip("keras")
    from recipe.training.network import build_training_network
    from recipe.training.starting import start_from

    network = build_training_network(3, dtype="float32")
    start_from(network, exported, prepared, 32)
    pixels = np.stack([cv2.resize(photo, (32, 32)) for photo in prepared.corpus.pixels[::12]])
    answer = network(np.float32(pixels) / 127.5 - 1, training=False)
    served = load_engine(read_model(exported)).features(pixels)
    with np.load(exported / "head.npz") as head:
        expected = served @ head["kernel"] + head["bias"]
    category, embedding = (keras.ops.convert_to_numpy(answer[name]) for name in ("category", "embedding"))
    np.testing.assert_allclose(category, expected, rtol=0.05, atol=0.05)
    wanted = np.float32(prepared.targets.embedding[::12])
    assert np.mean((embedding - wanted) ** 2) < 0.2 * wanted.var()


@pytest.mark.filterwarnings("default")
def test_block_5_is_distilled_from_it(exported: Path, prepared: Prepared, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    from recipe.training.last_block import Distillation, distil_last_block

    output = tmp_path / "block5.npz"
    distil_last_block(prepared, exported, output, Distillation(2, batch=4), side=32, cache=tmp_path)
    with np.load(exported / "backbone.npz") as before:
        after = folded_backbone(output)
        changed = {name for name in before.files if not np.array_equal(before[name], after[name])}
    assert {name.split("_")[0] for name in changed} == {"block5"}
    kept = np.load(tmp_path / "last-block-pixels.npy", mmap_mode="r")
    assert len(kept) == len(prepared.training_rows) < len(prepared.corpus.entries)


def test_the_export_command_passes_its_choices_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[tuple[Any, ...]] = []

    def make(*arguments: Any, kept: Path) -> dict[str, Any]:
        calls.append((*arguments, kept))
        return {"id": "starter-1", "temperature": 1.0, "thresholds": {}, "metrics": {}}

    monkeypatch.setattr("recipe.data.prepare.open_prepared", lambda cache: f"prepared {cache.name}")
    monkeypatch.setattr("recipe.export.make_model", make)
    weights, model, cache = tmp_path / "weights.npz", tmp_path / "model", tmp_path / "cache"
    options = ["--side", "128", "--feature-layers", "block4.avg,block5.avg", "--flip", "--strength", "0.1"]
    where = ["--cache", str(cache), "--weights", str(weights), "--model", str(model)]
    monkeypatch.setattr("sys.argv", ["recipe", "export", *where, *options])
    main()
    choice = ExportChoice(FeatureChoice(128, ("block4.avg", "block5.avg"), flip=True), strength=0.1)
    assert calls == [("prepared cache", weights, model, choice, cache)]


def test_the_id_counts_up_within_a_day(exported: Path, tmp_path: Path) -> None:
    made = datetime.fromisoformat(json.loads((exported / "model.json").read_text())["made"])
    assert next_id(exported, made).endswith("-2")
    assert next_id(tmp_path, made).endswith("-1")


def test_a_file_that_is_no_vgg16_is_refused(tmp_path: Path) -> None:
    save_arrays(tmp_path / "other.npz", {"dense/kernel": np.zeros(3, np.float32)})
    with pytest.raises(ValueError, match="block1_conv1"):
        folded_backbone(tmp_path / "other.npz")


def test_the_threshold_is_the_lowest_that_keeps_the_precision() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.4, 1.0, 4000)
    right = random.random(4000) < confidence
    probabilities = np.stack([confidence, 1 - confidence], 1).astype(np.float32)
    labels = np.where(right, probabilities.argmax(1), probabilities.argmin(1))
    threshold = choose_threshold(probabilities, labels, 0.9)
    assert right[confidence >= threshold].mean() >= 0.9
    assert right[confidence >= threshold - 0.05].mean() < 0.9
    assert choose_threshold(probabilities, labels, 0.999) == 0.95, "the highest, where none is enough"
