"""The photos that lie in folders of categories, by content: a walk that reads only what changed since the
last one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from photo_organizer import formats, fsops
from photo_organizer.config import Configuration
from photo_organizer.learning.labels.label_store import KnownFile

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundPhoto:
    """A photo in a category folder of the library."""

    path: Path
    category: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk found. `changed` and `gone` are what the cache has to learn; `unreadable` could not be
    hashed.
    """

    photos: tuple[FoundPhoto, ...]
    changed: dict[bytes, KnownFile]
    gone: tuple[bytes, ...]
    read: int
    unreadable: tuple[Path, ...]


def walk(
    root: Path,
    folders: Iterable[tuple[Path, str]],
    known: Mapping[bytes, KnownFile],
    progress: Callable[[int], None],
) -> Walk:
    """Finds the photos of folders that stand for categories; hidden files are left out.

    Args:
        root: the folder that holds all of them; known files below it that are not met again are gone.
        folders: each folder with its category, from `category_folders` or `dataset_folders`.
        known: the cache of earlier walks.
        progress: called with the number of photos found so far.
    """
    photos: list[FoundPhoto] = []
    changed: dict[bytes, KnownFile] = {}
    unreadable: list[Path] = []
    seen: set[bytes] = set()
    read = 0
    for folder, category in folders:
        for entry in _photo_entries(folder):
            path = Path(entry.path)
            key = os.fsencode(path)
            seen.add(key)
            try:
                status = entry.stat(follow_symlinks=False)
                before = known.get(key)
                if before is None or (before.size, before.mtime_ns, before.inode) != _state(status):
                    before = _read(path)
                    changed[key] = before
                    read += 1
            except OSError:  # gone, locked or on a failing disk: it has no say this time, and is told
                unreadable.append(path)
                continue
            if before.sha256 is not None:
                photos.append(FoundPhoto(path, category, before.sha256))
            if len(photos) % 256 == 0:
                progress(len(photos))
    below = os.fsencode(root) + b"/"
    gone = tuple(path for path in known if path.startswith(below) and path not in seen)
    return Walk(tuple(photos), changed, gone, read, tuple(unreadable))


def category_folders(config: Configuration) -> Iterator[tuple[Path, str]]:
    """Every folder below the library that can hold photos of a category, with that category.

    Review, Duplicates, videos and hidden folders are left out.
    """
    special = {config.review, config.duplicates_folder, config.videos} - {None}
    template = config.folder_template
    pending = [config.library]
    while pending:
        folder = pending.pop()
        relative = folder.relative_to(config.library)
        category = template.category_of(relative)
        if category is not None:
            yield folder, category
        try:
            inside = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
        except OSError:  # removed meanwhile, or closed to us
            continue
        names = [name for name in inside if not name.startswith(".")]
        pending += [folder / name for name in names if relative.parts or name not in special]


def dataset_folders(root: Path) -> Iterator[tuple[Path, str]]:
    """Every folder of a data set with a folder for each category, with that category."""
    pending = [root]
    while pending:
        folder = pending.pop()
        relative = folder.relative_to(root)
        if relative.parts:
            yield folder, relative.parts[0]
        inside = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
        pending += [folder / name for name in inside if not name.startswith(".")]


def _photo_entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """The photos of one folder; a camera's raw file beside its JPEG is the JPEG's companion and left out."""
    try:
        entries = [
            entry
            for entry in os.scandir(folder)
            if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False)
        ]
    except OSError:
        return
    kinds = [(entry, formats.by_extension(entry.name)) for entry in entries]
    plain = {Path(entry.name).stem.lower() for entry, kind in kinds if kind is not None and not kind.is_raw}
    for entry, kind in sorted(kinds, key=lambda pair: pair[0].name):
        if kind is not None and kind.is_raw and Path(entry.name).stem.lower() in plain:
            continue
        if kind is not None or not formats.extension_of(entry.name):
            yield entry


def _read(path: Path) -> KnownFile:
    """Hashes a file; it is no photo when its first bytes are those of no image format.

    Raises:
        OSError: it cannot be read, or it changed while it was.
    """
    with os.fdopen(fsops.open_photo(path), "rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        head = file.read(formats.HEAD_SIZE)
        if formats.identify(head, path) is None:
            return KnownFile(*_state(before), None)
        digest = hashlib.sha256(head)
        while block := file.read(_BLOCK):
            digest.update(block)
        if _state(os.fstat(file.fileno())) != _state(before):
            raise OSError("it changed while it was read")
    return KnownFile(*_state(before), digest.hexdigest())


def _state(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino
