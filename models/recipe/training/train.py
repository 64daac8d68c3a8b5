"""The training loop: distillation and category losses, schedule, checkpoints and log.

Loss of a crop: 2 x mean squared error to the teacher's standardised embedding (clipped at +-4), + as much for
the single places of the teacher's map in their own standard deviation, + 0.5 x cross-entropy to the teacher's
class probabilities, + 0.5 x weighted cross-entropy to the category target of ``soft_labels``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.head.head import Floats
from recipe.data.batches import (
    PLACE_DEVIATION,
    Batch,
    TrainingData,
    make_batch,
    prefetch,
    whole_pictures,
)
from recipe.data.corpus import Pixels
from recipe.training.checkpoint import Position, restore_checkpoint, save_checkpoint
from recipe.training.clock import Budget, Schedule
from recipe.training.optimiser import ConvolutionMuon

Log = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """The choices of a training. ``dense_rate`` is the learning rate of everything but the convolutions,
    relative to theirs.
    """

    schedule: Schedule
    batch: int = 64
    weight_decay: float = 0.02
    gradient_norm: float = 2.0
    dense_rate: float = 0.6
    embedding_weight: float = 2.0
    places_weight: float = 2.0 / PLACE_DEVIATION**2
    classes_weight: float = 0.5
    category_weight: float = 0.5
    seed: int = 0
    checkpoint_seconds: float = 480.0
    log_seconds: float = 60.0


@dataclass(frozen=True)
class Probe:
    """Held-out photos for measuring the error during training: ``pixels`` uint8 (M, 136, 136, 3) and the
    standardised ``embedding`` float32 (M, E) of the teacher. It has no labels, so that nothing about the
    training can be chosen by them.
    """

    pixels: Pixels
    embedding: Floats


def compile_network(model: keras.Model, recipe: Recipe) -> None:
    """Attach optimiser and losses."""
    optimizer = ConvolutionMuon(
        learning_rate=recipe.schedule.peak,
        weight_decay=recipe.weight_decay,
        adam_weight_decay=recipe.weight_decay,
        adam_lr_ratio=recipe.dense_rate,
        global_clipnorm=recipe.gradient_norm,
    )
    # Weight decay on normalisation would only counteract the learning rate.
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    from_logits = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(
        optimizer=optimizer,
        loss={
            "embedding": keras.losses.MeanSquaredError(),
            "places": keras.losses.MeanSquaredError(),
            "classes": from_logits,
            "category": from_logits,
        },
        loss_weights={
            "embedding": recipe.embedding_weight,
            "places": recipe.places_weight,
            "classes": recipe.classes_weight,
            "category": recipe.category_weight,
        },
    )


def probe_error(model: keras.Model, probe: Probe, side: int, batch: int = 64) -> float:
    """Return the mean squared error of the embedding on the probe, whole photos at ``side`` pixels."""
    errors = []
    for start in range(0, len(probe.pixels) - batch + 1, batch):  # Whole batches: one compiled shape.
        rows = range(start, start + batch)
        answer = model.predict_on_batch(whole_pictures(probe.pixels, rows, side))
        errors.append(np.mean((answer["embedding"] - probe.embedding[start : start + batch]) ** 2))
    return float(np.mean(errors))


LOSSES = ("loss", "embedding_loss", "places_loss", "classes_loss", "category_loss")


def _take_step(model: keras.Model, batch: Batch) -> NDArray[np.float64]:
    """Take a step and return its `LOSSES`."""
    ones = np.ones(len(batch.pixels), np.float32)
    logs = model.train_on_batch(
        batch.pixels,
        {
            "embedding": batch.embedding,
            "places": batch.places,
            "classes": batch.classes,
            "category": batch.category,
        },
        sample_weight={
            "embedding": ones,
            "places": ones[:, None, None],
            "classes": ones,
            "category": batch.category_weight,
        },
        return_dict=True,
    )
    return np.array([float(logs[name]) for name in LOSSES])


def train(
    model: keras.Model,
    data: TrainingData,
    recipe: Recipe,
    make_budget: Callable[[float], Budget],
    *,
    checkpoint: Path,
    log: Log,
    probe: Probe | None = None,
) -> Position:
    """Train until the budget is used up, resuming from ``checkpoint`` if it exists.

    Args:
        model: from `network.build_training_network`, with the weights to start from.
        data: photos, targets, and which rows to train on.
        recipe: the choices.
        make_budget: given the progress of earlier runs, returns the budget of this run.
        checkpoint: file to resume from and to write.
        log: called with lines of text.
        probe: photos to measure the embedding error on at each checkpoint.

    Returns:
        The final position; the checkpoint file holds it too.
    """
    compile_network(model, recipe)
    position = restore_checkpoint(checkpoint, model) if checkpoint.exists() else Position(0, 0.0, 0.0)
    budget = make_budget(position.progress)
    step, progress, spent = position.step, position.progress, position.seconds
    began = logged = saved = time.monotonic()
    losses: list[NDArray[np.float64]] = []

    def side_at(number: int) -> int:
        return recipe.schedule.side(budget.progress(number))

    def make(number: int) -> Batch:
        return make_batch(data, number, size=recipe.batch, side=side_at(number), seed=recipe.seed)

    def here() -> Position:
        return Position(step, progress, spent + time.monotonic() - began)

    def save() -> None:
        save_checkpoint(checkpoint, model, here())
        error = probe_error(model, probe, side_at(step)) if probe else float("nan")
        log(f"checkpoint step {step} progress {progress:.4f} held-out embedding error {error:.4f}")

    for batch in prefetch(make, step):
        progress = budget.progress(step)
        if progress >= 1.0:
            break
        rate = recipe.schedule.learning_rate(progress)
        model.optimizer.learning_rate = rate
        losses.append(_take_step(model, batch))
        model.reset_metrics()
        step += 1
        now = time.monotonic()
        if now - logged >= recipe.log_seconds:
            means = zip(LOSSES, np.mean(losses, 0), strict=True)
            speed = len(losses) * recipe.batch / (now - logged)
            log(
                f"step {step} progress {progress:.4f} side {batch.pixels.shape[1]} rate {rate:.2e} "
                f"{speed:.1f} images/s " + " ".join(f"{name} {value:.4f}" for name, value in means)
            )
            losses, logged = [], now
        if now - saved >= recipe.checkpoint_seconds:
            save()
            saved = time.monotonic()
    save()
    return here()
