"""The ``train`` command: arguments, budget and log."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np

from recipe.arrays import float32
from recipe.data.batches import TrainingData
from recipe.data.prepare import open_prepared
from recipe.data.split import Part
from recipe.data.teachers import open_teachers
from recipe.training.clock import Budget, Schedule, StepBudget, TimeBudget, parse_until
from recipe.training.network import build_training_network
from recipe.training.starting import start_from
from recipe.training.train import Log, Probe, Recipe, train

PROBE_STRIDE = 3  # Every third held-out photo is enough to watch an error fall.


def open_log(path: Path | None) -> Log:
    """Return a function that appends a line with the time of day to a file or standard output."""

    def log(line: str) -> None:
        text = f"{datetime.now():%H:%M:%S} {line}\n"
        if path is None:
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            with path.open("a", encoding="utf-8") as file:
                file.write(text)

    return log


def parse_sides(text: str) -> tuple[tuple[float, int], ...]:
    """Convert ``"0:96,0.8:128"`` to ``((0.0, 96), (0.8, 128))``."""
    pairs = (pair.split(":") for pair in text.split(","))
    return tuple((float(progress), int(side)) for progress, side in pairs)


def run_training(arguments: argparse.Namespace) -> None:
    """Train as the command line says, or resume from an existing checkpoint."""
    log = open_log(arguments.log)

    def make_budget(before: float) -> Budget:
        if arguments.steps is not None:
            return StepBudget(arguments.steps)
        return TimeBudget(before, time.time(), parse_until(arguments.until))

    prepared = open_prepared(arguments.cache)
    recipe = Recipe(Schedule(arguments.peak, sides=parse_sides(arguments.sides)), batch=arguments.batch)
    held = np.isin(prepared.parts, [Part.SAME_SOURCE, Part.OTHER_SOURCE])
    rows = np.nonzero(held)[0][::PROBE_STRIDE]
    probe = Probe(np.asarray(prepared.corpus.pixels[rows]), float32(prepared.targets.embedding[rows]))
    log(f"start: {len(prepared.training_rows)} photos, {vars(arguments)}")
    data = TrainingData(
        prepared.corpus.pixels,
        prepared.targets,
        prepared.training_rows,
        open_teachers(arguments.teacher),
        prepared.standard,
    )
    model = build_training_network(
        len(prepared.corpus.categories), len(prepared.standard.mean), dtype=arguments.dtype
    )
    if arguments.start_from is not None and not arguments.checkpoint.exists():
        start_from(model, arguments.start_from, prepared, arguments.start_side)
    end = train(model, data, recipe, make_budget, checkpoint=arguments.checkpoint, log=log, probe=probe)
    log(f"done: {end}")
