"""Groups photos that one decision may cover: bursts, and photos that look alike.

Run as a program, since what it loads (numpy, scipy, the vectors of all photos) is much more memory than the
page has: it reads a JSON object from standard input, writes one to standard output, and ends. No photo is
read: times, perceptual hashes and the vectors of VGG16 come from the feature store.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from photo_organizer.vision.feature_store import FeatureStore

Floats = NDArray[np.float32]

ALIKE = 0.30
"""Distance up to which photos are one group: that of their looks (0 for the same, about 0.5 for two photos at
random) and of their times (see `_TIME_COST`) together."""

_TIME_COST = ((10.0, 0.0), (600.0, 0.10), (86_400.0, 0.32))
"""What lies between two photos costs: (seconds, distance), between them by the logarithm of the time."""

_ALIKE_WHENEVER = 0.08  # distance of looks alone: edits, exports, the same scene again
_SAME_HASH_BITS = 3  # of 64, see `cli/sort/look_alikes.py`
_SEGMENT = 1200  # photos that are compared with each other at once
_LARGEST_GROUP = 60
_ROWS_AT_ONCE = 512


def group(
    times: NDArray[np.float64], looks: Floats, hashes: NDArray[np.uint64], kinds: NDArray[np.int64]
) -> list[list[int]]:
    """Groups of photos, each by time; the groups by the time of their first.

    Args:
        times: (N,) seconds.
        looks: (N, F) unit vectors; a row of zeros where nothing is known.
        hashes: (N,) perceptual hashes; 0 where there is none.
        kinds: (N,) what the model takes each for; only groups that are mostly of one kind are joined across
            time.
    """
    order = np.argsort(times, kind="stable")
    groups: list[NDArray[np.int64]] = []
    for segment in _segments(times[order]):
        members = order[segment]
        labels = _cluster(times[members], looks[members], hashes[members])
        groups += [members[labels == label] for label in np.unique(labels)]
    groups = _joined(groups, looks, kinds)
    in_order = (members[np.argsort(times[members], kind="stable")] for members in groups)
    parts = [part for members in in_order for part in _parts(members)]
    return sorted((part.tolist() for part in parts), key=lambda part: float(times[part[0]]))


def _segments(times: NDArray[np.float64]) -> list[slice]:
    """Stretches of at most `_SEGMENT` photos, cut where the longest time lies between two."""
    pending, found = [slice(0, len(times))], []
    while pending:
        part = pending.pop()
        if part.stop - part.start <= _SEGMENT:
            found.append(part)
            continue
        margin = (part.stop - part.start) // 4  # not into one photo and the rest
        gaps = np.diff(times[part])[margin:-margin]
        cut = part.start + margin + int(gaps.argmax()) + 1
        pending += [slice(cut, part.stop), slice(part.start, cut)]
    return [part for part in found if part.stop > part.start]


def _cluster(times: NDArray[np.float64], looks: Floats, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Labels (N,) by average linkage."""
    if len(times) == 1:
        return np.zeros(1, np.int64)
    first, second = np.triu_indices(len(times), 1)
    distance = (1.0 - looks @ looks.T)[first, second].astype(np.float64)
    different = (hashes[first] ^ hashes[second]).view(np.uint8).reshape(-1, 8)
    bits = np.unpackbits(different, axis=1).sum(axis=1, dtype=np.float64)
    hashed = (hashes[first] != 0) & (hashes[second] != 0)
    seen = np.linalg.norm(looks, axis=1) > 0
    unseen = ~(seen[first] & seen[second])
    distance[unseen] = np.where(hashed, bits / 48.0, 1.0)[unseen]
    distance[hashed & (bits <= _SAME_HASH_BITS)] *= 0.25
    apart = np.log(np.maximum(np.abs(times[first] - times[second]), 1.0))
    seconds, costs = zip(*_TIME_COST, strict=True)
    distance += np.interp(apart, np.log(seconds), costs)
    labels: NDArray[np.int64] = fcluster(
        linkage(np.maximum(distance, 0.0), "average"), ALIKE, criterion="distance"
    )
    return labels


def _joined(
    groups: list[NDArray[np.int64]], looks: Floats, kinds: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """Groups that look the same and are of one kind, whatever lies between them, as one."""
    kind = np.array([np.bincount(kinds[members]).argmax() for members in groups])
    centres = np.stack([looks[members].mean(axis=0) for members in groups])
    norms = np.linalg.norm(centres, axis=1, keepdims=True)
    centres = np.divide(centres, norms, out=np.zeros_like(centres), where=norms > 0)
    rows: list[NDArray[np.int64]] = []
    columns: list[NDArray[np.int64]] = []
    for start in range(0, len(groups), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        alike = (centres[part] @ centres.T >= 1.0 - _ALIKE_WHENEVER) & (kind[part, None] == kind)
        row, column = np.nonzero(alike)
        rows.append(row + start)
        columns.append(column)
    joins = np.concatenate(rows), np.concatenate(columns)
    graph = coo_array((np.ones(len(joins[0]), np.int8), joins), shape=(len(groups), len(groups)))
    count, labels = connected_components(graph, directed=False)
    joined: list[list[NDArray[np.int64]]] = [[] for _ in range(count)]
    for label, members in zip(labels, groups, strict=True):
        joined[label].append(members)
    return [np.concatenate(parts) for parts in joined]


def _parts(members: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """A group in parts that fit a screen or two."""
    return np.array_split(members, -(-len(members) // _LARGEST_GROUP))


def load(
    store: Path, photos: Sequence[tuple[str, float]]
) -> tuple[NDArray[np.float64], Floats, NDArray[np.uint64]]:
    """Times, looks and hashes for `group`.

    Args:
        store: the feature store's file; it need not be there.
        photos: SHA-256 in hex (or empty), and the file's time in seconds, for each photo.
    """
    times = np.array([modified for _, modified in photos], np.float64)
    hashes = np.zeros(len(photos), np.uint64)
    looks = np.zeros((len(photos), 1), np.float32)
    known = [sha256 for sha256, _ in photos if sha256]
    if not store.exists() or not known:
        return times, looks, hashes
    with FeatureStore(store) as opened:
        facts = opened.facts(known)
        backbone = opened.commonest_backbone(known)
        vectors = opened.get(backbone, known) if backbone else {}
    if vectors:
        looks = np.zeros((len(photos), len(next(iter(vectors.values())))), np.float32)
    for index, (sha256, _) in enumerate(photos):
        taken, perceptual_hash = facts.get(sha256, (None, ""))
        if taken is not None:
            times[index] = _seconds(taken, times[index])
        if perceptual_hash:
            hashes[index] = int(perceptual_hash, 16)
        vector = vectors.get(sha256)
        if vector is not None:
            wide = vector.astype(np.float32)
            looks[index] = wide / max(float(np.linalg.norm(wide)), 1e-6)
    return times, looks, hashes


def _seconds(taken: datetime, otherwise: float) -> float:
    """A capture time as seconds; cameras tell no zone, and only differences matter here."""
    try:
        return (taken if taken.tzinfo else taken.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return otherwise


def main() -> None:
    """Answers one request."""
    os.nice(5)  # filing goes first
    request = json.load(sys.stdin)
    photos = [(str(sha256), float(modified)) for sha256, modified, _ in request["photos"]]
    _, kinds = np.unique([str(kind) for _, _, kind in request["photos"]], return_inverse=True)
    times, looks, hashes = load(Path(request["store"]), photos)
    groups = group(times, looks, hashes, kinds) if photos else []
    json.dump({"groups": groups, "times": times.tolist()}, sys.stdout)


if __name__ == "__main__":
    main()
