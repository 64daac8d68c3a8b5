"""Finds photos that look the same (edits, exports, bursts) by their perceptual hashes, and only tells."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

MOST_BITS_APART = 3  # of 64; what a smaller or recompressed copy of a photo differs by
BLOCKS = (13, 13, 13, 13, 12)
"""Two hashes that differ in at most 3 bits are equal in at least 2 of 5 blocks. Two blocks have at least 25
bits, so that hardly any others share them, even among 10^7 photos.
"""
MOST_PAIRS_KEPT = 10
COMPARISONS_A_PHOTO = 200
"""Far more than hashes of different photos need. Millions of nearly blank scans would have no end."""
FEWEST_COMPARISONS = 10_000_000
SIGN = 1 << 63
SCHEMA = "CREATE TABLE photos (number INTEGER PRIMARY KEY, hash INTEGER NOT NULL, path BLOB NOT NULL)"


@dataclass(frozen=True, slots=True)
class Alike:
    """Photos that look like an earlier one.

    Attributes:
        count: how many there are.
        pairs: some of them, each with the earlier one.
        is_complete: False when the search was given up, and there may be more.
    """

    count: int = 0
    pairs: tuple[tuple[str, str], ...] = ()
    is_complete: bool = True


class LookAlikes:
    """Collects photos, in a temporary database on disk, and compares them once at the end."""

    def __init__(self) -> None:
        self._photos = sqlite3.connect("")
        self._photos.execute(SCHEMA)

    def add(self, perceptual_hash: str, path: str) -> None:
        """Add a photo with its 64-bit hash in hex; one without a hash is ignored."""
        if perceptual_hash:
            row = (int(perceptual_hash, 16) - SIGN, os.fsencode(path))
            self._photos.execute("INSERT INTO photos (hash, path) VALUES (?, ?)", row)

    def find(self) -> Alike:
        """Compare all photos: n log n steps, and about 60 bytes of memory a photo."""
        import numpy as np

        count = self._photos.execute("SELECT count(*) FROM photos").fetchone()[0]
        if count < 2:
            return Alike()
        rows = (row[0] for row in self._photos.execute("SELECT hash FROM photos ORDER BY number"))
        hashes = np.fromiter(rows, np.int64, count).view(np.uint64) ^ np.uint64(SIGN)
        later, earlier, is_complete = _alike(hashes)
        first = np.argsort(later)[:MOST_PAIRS_KEPT]
        pairs = tuple((self._path(later[place]), self._path(earlier[place])) for place in first)
        return Alike(len(later), pairs, is_complete)

    def _path(self, place: np.int64) -> str:
        number = int(place) + 1
        found = self._photos.execute("SELECT path FROM photos WHERE number = ?", (number,)).fetchone()
        return os.fsdecode(found[0])

    def close(self) -> None:
        """Forget the photos."""
        self._photos.close()


def _alike(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """Return the places of the hashes that are like an earlier one, that one for each, and whether all were
    compared.
    """
    import numpy as np

    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    is_new = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    different, first = ordered[is_new], order[is_new]
    originals = first[np.cumsum(is_new) - 1]
    nobody = np.int64(len(hashes))
    like = np.full(len(different), nobody)
    left = max(FEWEST_COMPARISONS, COMPARISONS_A_PHOTO * len(hashes))
    for mask in _masks():
        for one, other in _equal_pairs(different & np.uint64(mask)):
            left -= len(one)
            near = _are_near(different[one], different[other])
            low, high = one[near], other[near]
            is_swapped = first[low] > first[high]
            low, high = np.where(is_swapped, high, low), np.where(is_swapped, low, high)
            np.minimum.at(like, high, first[low])
            if left < 0:
                break
        if left < 0:
            break
    found = like < nobody
    later = np.concatenate((order[~is_new], first[found]))
    earlier = np.concatenate((originals[~is_new], like[found]))
    return later, earlier, left >= 0


def _masks() -> Iterator[int]:
    """Return the masks of the bits of any two blocks."""
    starts = [sum(BLOCKS[:number]) for number in range(len(BLOCKS))]
    blocks = [((1 << bits) - 1) << start for bits, start in zip(BLOCKS, starts, strict=True)]
    return (one | other for one, other in combinations(blocks, 2))


def _equal_pairs(keys: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the indices of all pairs of equal keys, each pair once, in portions."""
    import numpy as np

    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    places = np.arange(len(keys))
    distance = 1
    while True:
        places = places[places + distance < len(keys)]
        places = places[ordered[places] == ordered[places + distance]]
        if not len(places):
            return
        yield order[places], order[places + distance]
        distance += 1


def _are_near(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.bool_]:
    import numpy as np

    bits = one ^ other
    for _ in range(MOST_BITS_APART):
        bits &= bits - np.uint64(1)  # takes the lowest one away
    near: NDArray[np.bool_] = bits == 0
    return near
