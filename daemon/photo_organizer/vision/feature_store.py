"""The feature store: what the backbone saw in each photo, kept so that training need not decode again.

One SQLite file: a vector a (backbone, photo), and for each photo what decoding told besides. It is a cache:
losing it costs time, nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from photo_organizer.models.manifest import BACKBONE_FILE, INT8_FILES
from photo_organizer.models.serving_model import ModelDescription
from photo_organizer.sqlite import closed_on_error, open_database, transaction

# Vectors lie in an ordinary table: without a rowid, rows of this size would take a whole page each.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS features (
    backbone TEXT NOT NULL, sha256 BLOB NOT NULL, vector BLOB NOT NULL, UNIQUE (backbone, sha256)
);
CREATE TABLE IF NOT EXISTS photos (
    sha256 BLOB PRIMARY KEY, taken TEXT, perceptual_hash TEXT NOT NULL
) WITHOUT ROWID;
"""
_ASKED_TOGETHER = 500


def backbone_key(model: ModelDescription, engine_name: str) -> str:
    """Names what the vectors depend on: the backbone's file, the precision, the pools and the input size."""
    precision = engine_name.rpartition(" ")[2]
    file = INT8_FILES[1] if precision == "int8" else BACKBONE_FILE
    parts = (model.files[file], precision, ",".join(model.features), str(model.flip), str(model.input_size))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


class FeatureStore:
    """Vectors by backbone and photo; a context manager. Several processes may have it open.

    Args:
        path: the SQLite file; made with mode 0600 when it is not there.

    Raises:
        sqlite3.Error: it cannot be opened or is not a database (here and in every method).
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # a cache: the process may die, the file stays sound
        self._connection = open_database(path, synchronous="OFF", threads=True)
        with closed_on_error(self._connection):
            self._connection.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def put(self, backbone: str, vectors: Iterable[tuple[str, NDArray[np.float32]]]) -> None:
        """Keeps (sha256, vector (F,)) pairs, as float16, in one transaction."""
        rows = [
            (backbone, bytes.fromhex(sha256), vector.astype("<f2").tobytes()) for sha256, vector in vectors
        ]
        with transaction(self._connection):
            self._connection.executemany("INSERT OR IGNORE INTO features VALUES (?, ?, ?)", rows)

    def get(self, backbone: str, photos: Sequence[str]) -> dict[str, NDArray[np.float16]]:
        """Vectors (F,) of those of `photos` (sha256, hex) that are known."""
        return dict(self._rows(backbone, photos))

    def commonest_backbone(self, photos: Sequence[str]) -> str | None:
        """The backbone by which most of `photos` (sha256, hex) are known; None when none of them is."""
        some = photos[:_ASKED_TOGETHER]  # enough to tell
        names = [row[0] for row in self._connection.execute("SELECT DISTINCT backbone FROM features")]
        counts = {name: sum(1 for _ in self._rows(name, some)) for name in names}
        best = max(counts, key=lambda name: counts[name], default=None)
        return best if best is not None and counts[best] else None

    def put_facts(self, photos: Iterable[tuple[str, datetime | None, str]]) -> None:
        """Keeps (sha256, capture time, perceptual hash) of photos, in one transaction."""
        rows = [
            (bytes.fromhex(sha256), taken.isoformat() if taken else None, look)
            for sha256, taken, look in photos
        ]
        with transaction(self._connection):
            self._connection.executemany("INSERT OR IGNORE INTO photos VALUES (?, ?, ?)", rows)

    def facts(self, photos: Sequence[str]) -> dict[str, tuple[datetime | None, str]]:
        """Capture time and perceptual hash of those of `photos` (sha256, hex) that are known."""
        found: dict[str, tuple[datetime | None, str]] = {}
        for part, marks in _parts(photos):
            query = f"SELECT sha256, taken, perceptual_hash FROM photos WHERE sha256 IN ({marks})"  # noqa: S608 (marks)
            for sha256, taken, look in self._connection.execute(query, part):
                found[sha256.hex()] = (datetime.fromisoformat(taken) if taken else None, look)
        return found

    def _rows(self, backbone: str, photos: Sequence[str]) -> Iterator[tuple[str, NDArray[np.float16]]]:
        for part, marks in _parts(photos):
            query = f"SELECT sha256, vector FROM features WHERE backbone = ? AND sha256 IN ({marks})"  # noqa: S608 (marks)
            for sha256, vector in self._connection.execute(query, [backbone, *part]):
                yield sha256.hex(), np.frombuffer(vector, "<f2").astype(np.float16)


def _parts(photos: Sequence[str]) -> Iterator[tuple[list[bytes], str]]:
    """Some hundred hashes at a time, with as many question marks."""
    for start in range(0, len(photos), _ASKED_TOGETHER):
        part = [bytes.fromhex(sha256) for sha256 in photos[start : start + _ASKED_TOGETHER]]
        yield part, ",".join("?" * len(part))
