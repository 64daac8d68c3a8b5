"""Two NumPy calls with the types that they really have."""

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
    """The values as a float32 array, copied only where needed."""
    return np.asarray(values, np.float32)


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an npz file beside ``path``, then put it there in one step."""
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type] # its keywords are taken for options
