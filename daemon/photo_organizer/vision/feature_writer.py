"""Writing to the feature store from the vision process: in batches, and never in a photo's way."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photo_organizer.vision.features import FeatureStore

_WRITTEN_TOGETHER = 64
_LONGEST_SECONDS = 5.0


class FeatureWriter:
    """Keeps vectors until there are enough for a transaction, or for some seconds.

    The store is a cache: when it cannot be written, it is given up with one line, and photos go on.

    Args:
        path: of the store; None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._waiting: list[tuple[str, str, NDArray[np.float32]]] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def put(self, backbone: str, vectors: Sequence[tuple[str, NDArray[np.float32]]]) -> None:
        """Takes (sha256, vector (F,)) pairs, to be written soon."""
        if self._path is None:
            return
        with self._lock:
            self._waiting += [(backbone, sha256, vector) for sha256, vector in vectors]
            if len(self._waiting) >= _WRITTEN_TOGETHER:
                self._write()
            elif self._timer is None:
                self._timer = threading.Timer(_LONGEST_SECONDS, self._write_late)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Writes what waits."""
        with self._lock:
            self._write()

    def _write_late(self) -> None:
        with self._lock:
            self._write()

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        if self._path is None or not waiting:
            return
        try:
            with FeatureStore(self._path) as store:
                for backbone in {row[0] for row in waiting}:
                    store.put(
                        backbone, [(sha256, vector) for key, sha256, vector in waiting if key == backbone]
                    )
        except (sqlite3.Error, OSError) as error:
            print(f"the feature store is given up ({error})", file=sys.stderr, flush=True)
            self._path = None
