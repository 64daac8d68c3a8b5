"""Gather the labelled photos from snapshots of public repositories.

``collections.csv`` names the repositories, one line for each kind of file taken from it:
``repository,commit,licence,files,category,most,weight``. ``files`` is a regular expression that the path must
begin with, ``category`` the label of all of them and ``most`` how many are taken at random (empty: all).
``weight`` is how much one of its photos counts in the head (empty: 1; less for single objects on a plain
background and for long series of one scene). ``labels.csv`` has the labels of single photos,
``repository,blob,category`` with the first 16 digits of the git blob, assigned by eye; they override the
folder's label, and an empty category leaves the photo out. A repository without either only states its
licence: its photos come with their labels from elsewhere.

The output is a directory of category directories with a ``manifest.csv`` (``file,source,width,height``), as
the ``cache`` stage reads it. Photos are shrunk to a short side of 360 pixels. Of near-copies, also across
repositories, the first one stays; no repository gives more than a third of a category.
"""

from __future__ import annotations

import csv
import random
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recipe.data.corpus import Pixels, decode, labelled_photos

HERE = Path(__file__).parent
SHORT_SIDE = 360
SMALLEST_SIDE = 72
LONGEST_RATIO = 4.0  # Excludes banners and full-page screenshots.
BLOB_DIGITS = 16
LARGEST_SHARE = 3  # A source gives at most a third of a category.
SAME_HASH = 6  # Of 128 bits; chosen by eye on pairs around the limit.

Bits = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of ``collections.csv``; an empty ``category`` takes only what ``labels.csv`` names."""

    repository: str
    commit: str
    licence: str
    files: str
    category: str
    most: int | None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo to take: its source, file name, category and encoded bytes."""

    source: str
    name: str
    category: str
    encoded: bytes


def read_rules(path: Path = HERE / "collections.csv") -> tuple[Rule, ...]:
    """Return the lines of ``collections.csv``."""
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(
            Rule(
                row["repository"],
                row["commit"],
                row["licence"],
                row["files"],
                row["category"],
                int(row["most"]) if row["most"] else None,
                float(row["weight"]) if row["weight"] else 1.0,
            )
            for row in csv.DictReader(file)
        )


def licences() -> dict[str, str]:
    """Return the licence that each repository states, by repository."""
    return {rule.repository: rule.licence for rule in read_rules()}


def source_weights() -> dict[str, float]:
    """Return the weight of a photo by repository."""
    return {rule.repository: rule.weight for rule in read_rules()}


def read_labels(path: Path = HERE / "labels.csv") -> dict[str, dict[str, str]]:
    """Return the labels of single photos: by repository and beginning of the blob's name."""
    labels: dict[str, dict[str, str]] = defaultdict(dict)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            labels[row["repository"]][row["blob"]] = row["category"]
    return dict(labels)


def choose(
    files: Sequence[tuple[str, str]], rules: Iterable[Rule], labels: Mapping[str, str]
) -> dict[str, str]:
    """Return the category by blob of the photos to take from one repository.

    Args:
        files: path and blob of each file, in the snapshot's order.
        rules: the repository's lines.
        labels: of single photos, by the beginning of the blob's name.
    """
    chosen: dict[str, str] = {}
    for rule in rules:
        if not rule.category:
            continue
        matching = [blob for path, blob in files if re.match(rule.files, path)]
        if rule.most is not None:
            random.Random(0).shuffle(matching)  # noqa: S311 (a sample, not a secret)
            matching = matching[: rule.most]
        chosen |= dict.fromkeys(matching, rule.category)
    for _, blob in files:
        category = labels.get(blob[:BLOB_DIGITS])
        if category is not None:
            chosen[blob] = category
    return {blob: category for blob, category in chosen.items() if category}


def snapshot_photos(git: Path, rules: Sequence[Rule], labels: Mapping[str, str]) -> Iterator[Photo]:
    """Yield the chosen photos of a snapshot.

    Args:
        git: its git directory.
        rules: its lines of ``collections.csv``; the commit of the first one is read.
        labels: of its single photos.

    Raises:
        subprocess.CalledProcessError: git cannot list the commit.
    """
    command = ["git", "--git-dir", str(git)]
    listing = subprocess.run(
        [*command, "ls-tree", "-r", "-z", rules[0].commit], capture_output=True, check=True
    ).stdout
    files: list[tuple[str, str]] = []
    for line in filter(None, listing.split(b"\0")):
        details, path = line.split(b"\t", 1)
        files.append((path.decode("utf-8", "surrogateescape"), details.split()[2].decode()))
    chosen = choose(files, rules, labels)
    with subprocess.Popen(
        [*command, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        if reader.stdin is None or reader.stdout is None:
            raise OSError("git cat-file has no pipes")
        for blob, category in chosen.items():
            reader.stdin.write(f"{blob}\n".encode())
            reader.stdin.flush()
            header = reader.stdout.readline().split()
            if len(header) < len(("blob", "type", "size")):
                continue  # A snapshot may lack its largest files.
            encoded = reader.stdout.read(int(header[2]))
            reader.stdout.read(1)
            yield Photo(rules[0].repository, f"{blob[:BLOB_DIGITS]}.jpg", category, encoded)
        reader.stdin.close()


def shrink(image: Pixels) -> Pixels:
    """Return the photo with a short side of at most ``SHORT_SIDE`` pixels."""
    height, width = image.shape[:2]
    scale = SHORT_SIDE / min(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def suitable(image: Pixels) -> bool:
    """Return whether an image is large enough and not a strip."""
    short, long = sorted(image.shape[:2])
    return bool(short >= SMALLEST_SIDE and long <= LONGEST_RATIO * short)


def fingerprint(image: Pixels) -> Bits:
    """Return 128 bits, bool (128,): where a tiny grey version gets brighter to the right, and downwards."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    across = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(int)
    down = cv2.resize(grey, (8, 9), interpolation=cv2.INTER_AREA).astype(int)
    return np.concatenate([(np.diff(across, axis=1) > 0).ravel(), (np.diff(down, axis=0) > 0).ravel()])


class CopyFilter:
    """Remembers the fingerprints of the photos so far, to leave out copies of them."""

    def __init__(self) -> None:
        self._seen = np.zeros((1024, 128), np.int8)
        self._count = 0

    def is_new(self, bits: Bits) -> bool:
        """Return whether no photo so far looks like this one, and remember it in that case."""
        signs = np.where(bits, 1, -1).astype(np.int8)
        known = self._seen[: self._count]
        if self._count and int((known != signs).sum(axis=1).min()) <= SAME_HASH:
            return False
        if self._count == len(self._seen):
            self._seen = np.concatenate([self._seen, np.zeros_like(self._seen)])
        self._seen[self._count] = signs
        self._count += 1
        return True


def largest_allowed(counts: Sequence[int]) -> int:
    """Return how many photos each source may give so that none gives more than a third of the rest.

    With fewer than three sources that is impossible; then all may give as many as the smallest.
    """
    for most in range(max(counts), 0, -1):
        if most * LARGEST_SHARE <= sum(min(count, most) for count in counts):
            return most
    return min(counts)


def over_share(categories: Sequence[str], sources: Sequence[str]) -> set[int]:
    """Return the indices of the photos to leave out so that no source gives more than a third of a category.

    They are chosen at random with a fixed seed.
    """
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, key in enumerate(zip(categories, sources, strict=True)):
        places[key].append(place)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (category, source), own in places.items():
        counts[category][source] = len(own)
    left_out: set[int] = set()
    for (category, _), own in places.items():
        most = largest_allowed(list(counts[category].values()))
        shuffled = random.Random(0).sample(own, len(own))  # noqa: S311 (a sample, not a secret)
        left_out.update(shuffled[most:])
    return left_out


def existing_photos(directories: Iterable[Path]) -> Iterator[Photo]:
    """Yield the photos of directories that are laid out as the output is."""
    for directory in directories:
        for entry, encoded in labelled_photos(directory):
            yield Photo(entry.source, entry.name.split("/", 1)[1], entry.category, encoded)


def find_git(snapshots: Path, repository: str) -> Path | None:
    """Return the git directory of ``owner/name`` below ``snapshots/owner+name/``, or None."""
    root = snapshots / repository.replace("/", "+")
    candidates = (root / "repo" / ".git", root / "repo", root / ".git", root)
    return next((path for path in candidates if (path / "objects").is_dir()), None)


def collected_photos(snapshots: Path) -> Iterator[Photo]:
    """Yield the photos of every repository of ``collections.csv`` that has a snapshot."""
    labels = read_labels()
    rules: dict[str, list[Rule]] = defaultdict(list)
    for rule in read_rules():
        rules[rule.repository].append(rule)
    for repository, own in rules.items():
        if repository not in labels and not any(rule.category for rule in own):
            continue  # Its photos are labelled already; the line states its licence.
        git = find_git(snapshots, repository)
        if git is None:
            print(f"{repository}: no snapshot, left out")
            continue
        yield from snapshot_photos(git, own, labels.get(repository, {}))


def collect(snapshots: Path, existing: Sequence[Path], output: Path) -> int:
    """Write the corpus and return the number of photos in it.

    Args:
        snapshots: directory of ``owner+name`` directories, each with a git directory.
        existing: directories of photos that already have labels; they come first.
        output: directory to create; must be empty or missing.
    """
    copies = CopyFilter()
    rows: list[tuple[str, str, int, int]] = []
    for stream in (existing_photos(existing), collected_photos(snapshots)):
        for photo in stream:
            try:
                image = decode(photo.encoded)
            except ValueError:
                continue  # One damaged file should not stop a run over tens of thousands.
            if not suitable(image) or not copies.is_new(fingerprint(image)):
                continue
            directory = output / photo.category
            directory.mkdir(parents=True, exist_ok=True)
            smaller = shrink(image)
            cv2.imwrite(str(directory / photo.name), smaller, [cv2.IMWRITE_JPEG_QUALITY, 90])
            rows.append((f"{photo.category}/{photo.name}", photo.source, smaller.shape[1], smaller.shape[0]))
    too_many = over_share([row[0].split("/")[0] for row in rows], [row[1] for row in rows])
    for place in too_many:
        (output / rows[place][0]).unlink(missing_ok=True)
    kept = [row for place, row in enumerate(rows) if place not in too_many]
    with (output / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "source", "width", "height"])
        writer.writerows(kept)
    return len(kept)
