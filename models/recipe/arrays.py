"""NumPy calls with precise types, and npz files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from photo_organizer.files import replacing

Arrays = dict[str, NDArray[Any]]
"""Named arrays, as an npz file holds them."""


def float32(values: ArrayLike) -> NDArray[np.float32]:
    """Return the values as a float32 array, copied only if necessary."""
    return np.asarray(values, np.float32)


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an npz file atomically."""
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type] # its keywords are taken for options


def holds(path: Path, arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether an npz file exists and has exactly these arrays."""
    if not path.is_file():
        return False
    with np.load(path, allow_pickle=False) as file:
        return set(file.files) == set(arrays) and all(
            file[name].dtype == values.dtype and np.array_equal(file[name], values)
            for name, values in arrays.items()
        )
