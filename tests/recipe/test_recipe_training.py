"""The loop: it learns, it resumes where it stood, and its schedule follows the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")
tensorflow = pytest.importorskip("tensorflow")

from recipe.data.batches import (  # noqa: E402
    Standard,
    Targets,
    TrainingData,
    crop,
    make_batch,
    recolour,
    resample,
    rows_of_step,
)
from recipe.data.teacher import Answer  # noqa: E402
from recipe.training.clock import (  # noqa: E402
    Budget,
    Schedule,
    StepBudget,
    TimeBudget,
    parse_until,
)
from recipe.training.network import (  # noqa: E402
    build_training_network,
    get_named_weights,
    set_named_weights,
)
from recipe.training.train import Recipe, train  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")  # Keras and TensorFlow have warnings of their own

PHOTOS = 24


@pytest.fixture
def _eagerly() -> Iterator[None]:
    """Without graphs: building them would take most of the test's time."""
    tensorflow.config.run_functions_eagerly(run_eagerly=True)
    yield
    tensorflow.config.run_functions_eagerly(run_eagerly=False)


def _teacher(photo: np.ndarray) -> Answer:
    """Says how bright each part of the photo is, in every feature of the map."""
    bright = resample(np.float32(photo.mean(2, keepdims=True)) / 255, 7)
    return Answer(np.repeat(bright, 1280, 2), np.full(1001, 1 / 1001, np.float32))


@pytest.fixture(scope="module")
def data() -> TrainingData:
    random = np.random.default_rng(0)
    return TrainingData(
        random.integers(0, 256, (PHOTOS, 40, 40, 3), np.uint8),
        Targets(
            random.normal(size=(PHOTOS, 1280)).astype(np.float16),
            np.eye(3, dtype=np.float32)[random.integers(0, 3, PHOTOS)],
            np.ones(PHOTOS, np.float32),
        ),
        np.arange(PHOTOS),
        _teacher,
        Standard(np.full(1280, 0.5, np.float32), np.full(1280, 0.1, np.float32)),
    )


def _train(
    data: TrainingData,
    weights: dict[str, np.ndarray],
    checkpoint: Path,
    stop: int,
    whole: int,
) -> dict[str, np.ndarray]:
    """Train until step ``stop`` of a schedule of ``whole`` steps; the weights afterwards."""

    class StopsEarly:
        def progress(self, step: int) -> float:
            return 1.0 if step >= stop else step / whole

    def budget(_before: float) -> Budget:
        return StopsEarly()

    model = build_training_network(3, width=0.05, dtype="float32")
    set_named_weights(model, weights)
    recipe = Recipe(Schedule(1e-2, sides=((0.0, 32),)), batch=8, log_seconds=1e9, checkpoint_seconds=1e9)
    train(model, data, recipe, budget, checkpoint=checkpoint, log=lambda _line: None)
    return get_named_weights(model)


@pytest.mark.usefixtures("_eagerly")
def test_a_resumed_training_ends_where_an_uninterrupted_one_does(data: TrainingData, tmp_path: Path) -> None:
    start = get_named_weights(build_training_network(3, width=0.05, dtype="float32"))
    straight = _train(data, start, tmp_path / "straight.npz", 3, 3)
    _train(data, start, tmp_path / "broken.npz", 2, 3)
    resumed = _train(data, start, tmp_path / "broken.npz", 3, 3)
    moved = [np.abs(straight[name] - start[name]).max() for name in start]
    assert max(moved) > 1e-3
    for name, value in straight.items():
        np.testing.assert_allclose(resumed[name], value, rtol=1e-4, atol=1e-5, err_msg=name)


def test_every_epoch_sees_every_photo_once_in_another_order() -> None:
    rows = np.arange(12) + 100
    epochs = [
        np.concatenate([rows_of_step(rows, step, 4, 7) for step in range(e * 3, e * 3 + 3)]) for e in (0, 1)
    ]
    assert [sorted(epoch) for epoch in epochs] == [list(rows), list(rows)]
    assert list(epochs[0]) != list(epochs[1])


def test_too_few_photos_for_a_batch_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 8 photos"):
        rows_of_step(np.arange(3), 0, 8, 0)


def test_a_batch_depends_on_its_number_alone(data: TrainingData) -> None:
    first = make_batch(data, 5, size=8, side=32, seed=1)
    make_batch(data, 6, size=8, side=32, seed=1)
    again = make_batch(data, 5, size=8, side=32, seed=1)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert first.pixels.shape == (8, 32, 32, 3)
    assert first.pixels.dtype == np.float32


def test_the_teacher_is_asked_about_what_the_network_sees(data: TrainingData) -> None:
    batch = make_batch(data, 0, size=8, side=32, seed=1)
    seen = batch.pixels.mean((1, 2, 3))
    said = batch.embedding.mean(1)
    assert np.corrcoef(seen, said)[0, 1] < 1  # In its own light, though.
    assert batch.places.shape == (8, 1, 1, 1280)
    np.testing.assert_allclose(batch.places[:, 0, 0], batch.embedding, atol=1e-4)
    assert batch.classes.sum(1) == pytest.approx(np.ones(8))


def test_a_map_is_averaged_by_area() -> None:
    places = np.float32(np.random.default_rng(1).normal(size=(7, 7, 5)))
    np.testing.assert_allclose(resample(places, 7), places, atol=1e-6)
    np.testing.assert_allclose(resample(places, 1)[0, 0], places.mean((0, 1)), atol=1e-6)
    smaller = resample(places, 3)
    np.testing.assert_allclose(smaller.mean((0, 1)), places.mean((0, 1)), atol=1e-6)
    corner = (
        (places[:2, :2].sum((0, 1)) + (places[2, :2] + places[:2, 2]).sum(0) / 3 + places[2, 2] / 9) * 9 / 49
    )
    np.testing.assert_allclose(smaller[0, 0], corner, atol=1e-5)


def test_standardised_answers_are_clipped() -> None:
    standard = Standard(np.float32([1.0]), np.float32([2.0]), clip=4.0)
    np.testing.assert_array_equal(standard.of(np.float32([[2.0], [99.0]])), [[0.5], [4.0]])
    np.testing.assert_array_equal(standard.of_places(np.float32([[2.0], [99.0]])), [[0.5], [6.0]])


def test_crops_are_parts_of_the_photo() -> None:
    image = np.zeros((136, 136, 3), np.uint8)
    image[:, :, 0], image[:, :, 1] = np.arange(136)[:, None], np.arange(136)
    flipped = 0
    for seed in range(20):
        part = crop(image, np.random.default_rng(seed))
        assert min(part.shape[:2]) >= 0.58 * 136
        assert (np.diff(part[:, 0, 0].astype(int)) == 1).all()
        steps = np.unique(np.diff(part[0, :, 1].astype(int)))
        assert steps in ([1], [-1])
        flipped += int(steps[0] == -1)
    assert 3 < flipped < 17


def test_recoloured_photos_stay_within_the_range_of_pixels() -> None:
    image = np.random.default_rng(3).integers(0, 256, (48, 48, 3), np.uint8)
    for seed in range(20):
        values = recolour(image, np.random.default_rng(seed))
        assert values.shape == (48, 48, 3)
        assert values.dtype == np.float32
        assert values.min() >= -1.0
        assert values.max() <= 1.0


def test_the_schedule_rises_falls_and_enlarges_the_pictures() -> None:
    schedule = Schedule(1e-3, floor=0.01, warmup=0.1, sides=((0.0, 64), (0.5, 96), (0.9, 128)))
    assert schedule.learning_rate(0.1) == pytest.approx(1e-3)
    assert schedule.learning_rate(0.05) == pytest.approx(5e-4)
    assert schedule.learning_rate(1.0) == pytest.approx(1e-5)
    assert [schedule.side(p) for p in (0.0, 0.49, 0.5, 0.95)] == [64, 64, 96, 128]


def test_a_time_budget_ends_on_time_whatever_was_done_before() -> None:
    now = [100.0]
    budget = TimeBudget(before=0.4, began=100.0, until=200.0, now=lambda: now[0])
    assert budget.progress(0) == pytest.approx(0.4)
    now[0] = 150.0
    assert budget.progress(1) == pytest.approx(0.7)
    now[0] = 900.0
    assert budget.progress(2) == 1.0
    assert TimeBudget(0.2, 200.0, 200.0).progress(0) == 1.0
    assert StepBudget(10).progress(5) == 0.5


def test_until_means_the_next_such_time() -> None:
    evening = datetime(2026, 1, 1, 20, 0)
    assert parse_until("21:30", evening) == datetime(2026, 1, 1, 21, 30).timestamp()
    assert parse_until("06:00", evening) == datetime(2026, 1, 2, 6, 0).timestamp()
    assert parse_until("2026-02-03T04:05") == datetime(2026, 2, 3, 4, 5).timestamp()
