"""Which photos judge and which train: a hold-out that stays the same from run to run.

Near-duplicates (perceptual hash) and bursts (capture time and hash) form a group, and a group never straddles
the split. A photo keeps its part for ever, so that models of different months are judged on the same photos
and no photo that a champion was trained on ever judges it; new photos extend both parts. A category with
fewer than ten photos holds out none of them: its cross-validated predictions stand in (see promotion.py).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from photo_organizer.learning.labels.label_store import Part

HOLD_OUT_SHARE = 0.2
FEWEST_TO_HOLD_OUT = 10
NEAR_DUPLICATE_BITS = 6  # of 64 that may differ
BURST_SECONDS = 10.0
BURST_BITS = 20
SHUTTER_SECONDS = 2.0  # so close in time that the hash need not agree
_STUCK_CLOCK = 30  # more photos than this in one second: a clock that does not run
_PLAIN_BITS = 5  # a hash with fewer ones (or zeros) is that of a plain surface and says nothing
_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A labelled photo, as far as the split is concerned. `perceptual_hash` is 64 bits in hex, or empty."""

    sha256: str
    category: str
    taken: datetime | None = None
    perceptual_hash: str = ""


def group_shots(shots: Sequence[LabelledPhoto]) -> NDArray[np.int64]:
    """Return group numbers (N,): near-duplicates and bursts have the same, also over several steps."""
    groups = _Groups(len(shots))
    bits, usable = _bits(shots)
    for first, second in _near_pairs(bits, usable):
        groups.join(first, second)
    for first, second, seconds in _neighbours_in_time(shots):
        alike = int((bits[first] != bits[second]).sum()) <= BURST_BITS
        if seconds <= SHUTTER_SECONDS or alike or not (usable[first] and usable[second]):
            groups.join(first, second)
    return np.array([groups.root(item) for item in range(len(shots))], np.int64)


def split(
    shots: Sequence[LabelledPhoto], groups: NDArray[np.int64], known: Mapping[str, Part]
) -> dict[str, Part]:
    """Return the part of each photo, by sha256; those in `known` keep theirs.

    Args:
        shots: all labelled photos of today.
        groups: from `group_shots`.
        known: parts given in earlier runs.
    """
    parts = {shot.sha256: known[shot.sha256] for shot in shots if shot.sha256 in known}
    photos = Counter(shot.category for shot in shots)
    held = Counter(shot.category for shot in shots if parts.get(shot.sha256) is Part.HOLD_OUT)
    members: dict[int, list[LabelledPhoto]] = {}
    for shot, group in zip(shots, groups.tolist(), strict=True):
        members.setdefault(group, []).append(shot)
    for group in sorted(members.values(), key=_random_order):
        fresh = [shot for shot in group if shot.sha256 not in parts]
        before = {parts[shot.sha256] for shot in group if shot.sha256 in parts} - {Part.ASIDE}
        if len(before) == 1:
            part = before.pop()
        elif before:
            part = Part.ASIDE
        else:
            part = _part_for(fresh, photos, held)
        for shot in fresh:
            parts[shot.sha256] = part
            held[shot.category] += part is Part.HOLD_OUT
    return parts


def folds(
    categories: Sequence[str], groups: NDArray[np.int64], count: int, seed: int = 0
) -> NDArray[np.int64]:
    """Return fold numbers (N,) for cross-validation: whole groups, each category spread evenly."""
    order = np.random.default_rng(seed).permutation(len(categories))
    size = [Counter[str]() for _ in range(count)]
    fold_of: dict[int, int] = {}
    for item in order.tolist():
        group, category = int(groups[item]), categories[item]
        if group not in fold_of:
            fold_of[group] = min(
                range(count), key=lambda fold: (size[fold][category], size[fold].total(), fold)
            )
        size[fold_of[group]][category] += 1
    return np.array([fold_of[int(group)] for group in groups], np.int64)


def _part_for(fresh: Sequence[LabelledPhoto], photos: Counter[str], held: Counter[str]) -> Part:
    """Hold the group out while its most common category still lacks hold-out photos."""
    category, _ = Counter(shot.category for shot in fresh).most_common(1)[0]
    if photos[category] < FEWEST_TO_HOLD_OUT:
        return Part.TRAIN
    lacking = HOLD_OUT_SHARE * photos[category] - held[category]
    return Part.HOLD_OUT if lacking >= len(fresh) * 0.5 else Part.TRAIN


def _random_order(group: Sequence[LabelledPhoto]) -> str:
    """Return the same shuffled order in every run, whatever order the library is walked in."""
    return min(hashlib.sha256(f"part {shot.sha256}".encode()).hexdigest() for shot in group)


def _bits(shots: Sequence[LabelledPhoto]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return hashes as bits (N, 64), and which of them say something (N,)."""
    packed = b"".join(_hash_bytes(shot.perceptual_hash) for shot in shots)
    bits = np.unpackbits(np.frombuffer(packed, np.uint8)).reshape(len(shots), 64)
    ones = bits.sum(axis=1)
    return bits, (ones >= _PLAIN_BITS) & (ones <= 64 - _PLAIN_BITS)


def _hash_bytes(text: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    return value if len(value) == 8 else bytes(8)


def _near_pairs(bits: NDArray[np.uint8], usable: NDArray[np.bool_]) -> Iterable[tuple[int, int]]:
    """Return pairs of photos whose hashes differ in a few bits; distances by matrix product, a block of
    rows at a time.
    """
    places = np.flatnonzero(usable)
    signs = bits[places].astype(np.float32) * 2 - 1
    for start in range(0, len(places), _BLOCK):
        distance = (64 - signs[start : start + _BLOCK] @ signs[start:].T) / 2
        rows, columns = np.nonzero(np.triu(distance <= NEAR_DUPLICATE_BITS, k=1))
        yield from zip(places[rows + start].tolist(), places[columns + start].tolist(), strict=True)


def _neighbours_in_time(shots: Sequence[LabelledPhoto]) -> Iterable[tuple[int, int, float]]:
    """Return photos taken one after the other, with the seconds between. A capture time without a zone is
    taken as it is.
    """
    timed = sorted(
        (shot.taken.replace(tzinfo=UTC).timestamp(), index)
        for index, shot in enumerate(shots)
        if shot.taken is not None
    )
    crowd = Counter(int(time) for time, _ in timed)
    for (earlier, first), (later, second) in pairwise(timed):
        if later - earlier <= BURST_SECONDS and crowd[int(earlier)] <= _STUCK_CLOCK:
            yield first, second, later - earlier


class _Groups:
    """Union-find."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, item: int) -> int:
        while self._parent[item] != item:
            self._parent[item] = self._parent[self._parent[item]]
            item = self._parent[item]
        return item

    def join(self, first: int, second: int) -> None:
        low, high = sorted((self.root(first), self.root(second)))
        self._parent[high] = low
