"""Checkpoints of a training: weights, optimiser state and position in one file, replaced atomically."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from recipe.arrays import Arrays, save_arrays
from recipe.training.network import get_named_weights, set_named_weights


@dataclass(frozen=True)
class Position:
    """``step``: steps done. ``progress``: of the schedule, 0 to 1. ``seconds``: of all runs."""

    step: int
    progress: float
    seconds: float


def save_checkpoint(path: Path, model: keras.Model, position: Position) -> None:
    """Write the variables of model and optimiser, and the position, atomically."""
    arrays: Arrays = dict(get_named_weights(model))
    for number, variable in enumerate(model.optimizer.variables):
        arrays[f"optimizer/{number}"] = np.asarray(keras.ops.convert_to_numpy(variable))
    arrays["position"] = np.array(json.dumps(asdict(position)))
    save_arrays(path, arrays)


def restore_checkpoint(path: Path, model: keras.Model) -> Position:
    """Restore the model and optimiser that `save_checkpoint` wrote.

    Raises:
        ValueError: the checkpoint belongs to a network with other layers.
    """
    with np.load(path) as file:
        missing = set_named_weights(model, {name: file[name] for name in file.files})
        if missing:
            raise ValueError(
                f"{path} lacks {missing[0]} and {len(missing) - 1} more: it is of another network"
            )
        model.optimizer.build(model.trainable_variables)
        for number, variable in enumerate(model.optimizer.variables):
            variable.assign(file[f"optimizer/{number}"])
        return Position(**json.loads(str(file["position"])))
