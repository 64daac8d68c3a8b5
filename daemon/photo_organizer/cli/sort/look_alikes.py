"""Finds photos that look the same (edits, exports, bursts) by their perceptual hashes, and only tells."""

from __future__ import annotations

import os
import sqlite3

MOST_BITS_APART = 3  # of 64; what a smaller or recompressed copy of a photo differs by
BANDS = 4  # two hashes that differ in at most 3 bits are equal in at least one of 4 parts (pigeonholes)
BITS_A_BAND = 16
MOST_PAIRS_KEPT = 10
MOST_IN_A_BAND = 64  # of a thousand blank scans, a few are enough
SCHEMA = "CREATE TABLE bands (band INTEGER, hash BLOB, path BLOB); CREATE INDEX by_band ON bands (band)"


class LookAlikes:
    """Counts photos that look like an earlier one, and keeps some of the pairs.

    What was seen is kept in a temporary database on disk, so that any number of photos fits.
    """

    def __init__(self) -> None:
        self.count = 0
        self.pairs: list[tuple[str, str]] = []
        self._seen = sqlite3.connect("")
        self._seen.executescript(SCHEMA)

    def add(self, perceptual_hash: str, path: str) -> None:
        """A photo, with its 64-bit hash in hex; an empty one tells nothing."""
        if not perceptual_hash:
            return
        value = int(perceptual_hash, 16)
        bands = [band << BITS_A_BAND | (value >> band * BITS_A_BAND & 0xFFFF) for band in range(BANDS)]
        earlier = self._earlier(value, bands)
        if earlier is None:
            row = (value.to_bytes(8), os.fsencode(path))
            self._seen.executemany("INSERT INTO bands VALUES (?, ?, ?)", [(band, *row) for band in bands])
            return
        self.count += 1
        if len(self.pairs) < MOST_PAIRS_KEPT:
            self.pairs.append((path, earlier))

    def _earlier(self, value: int, bands: list[int]) -> str | None:
        for band in bands:
            query = "SELECT hash, path FROM bands WHERE band = ? LIMIT ?"
            for known, path in self._seen.execute(query, (band, MOST_IN_A_BAND)):
                if (int.from_bytes(known) ^ value).bit_count() <= MOST_BITS_APART:
                    return os.fsdecode(path)
        return None

    def close(self) -> None:
        """Forgets what was seen; the count and the pairs stay."""
        self._seen.close()
