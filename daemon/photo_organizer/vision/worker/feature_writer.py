"""Writing to the feature store from the vision process: in batches, and never in a photo's way."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer.photo import Prediction
from photo_organizer.vision.feature_store import FeatureStore

_WRITTEN_TOGETHER = 64
_LONGEST_SECONDS = 5.0


class FeatureWriter:
    """Keeps vectors until there are enough for a transaction, or for some seconds.

    The store is a cache: when it cannot be written, it is given up with one line, and photos go on.

    Its thread starts with it. Later photos may have taken all the memory that the process is allowed, and a
    thread needs some for its stack.

    Args:
        path: of the store; None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._waiting: list[tuple[str, Prediction, NDArray[np.float32]]] = []
        self._is_closed = False
        self._change = threading.Condition()
        if path is not None:
            threading.Thread(target=self._write_late, daemon=True).start()

    def put(self, backbone: str, results: Sequence[tuple[Prediction, NDArray[np.float32]]]) -> None:
        """Takes predictions with their feature vectors (F,), to be written soon."""
        if self._path is None:
            return
        with self._change:
            self._waiting += [(backbone, prediction, vector) for prediction, vector in results]
            if len(self._waiting) >= _WRITTEN_TOGETHER:
                self._write()
            self._change.notify()

    def close(self) -> None:
        """Writes what waits."""
        with self._change:
            self._is_closed = True
            self._write()
            self._change.notify()

    def _write_late(self) -> None:
        with self._change:
            while not self._is_closed:
                self._change.wait_for(lambda: self._waiting or self._is_closed)
                self._change.wait_for(lambda: self._is_closed or not self._waiting, _LONGEST_SECONDS)
                self._write()

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._path is None or not waiting:
            return
        try:
            with FeatureStore(self._path) as store:
                for backbone in {key for key, _, _ in waiting}:
                    store.put(
                        backbone, [(one.sha256, vector) for key, one, vector in waiting if key == backbone]
                    )
                store.put_facts((one.sha256, one.taken, one.perceptual_hash) for _, one, _ in waiting)
        except (sqlite3.Error, OSError) as error:
            print(f"the feature store is given up ({error})", file=sys.stderr, flush=True)
            self._path = None
