"""The photos that wait in the review folder, and their groups."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from photo_organizer.companions.in_folder import FolderGroups
from photo_organizer.config import Configuration
from photo_organizer.library import Library, PlacedPhoto
from photo_organizer.web.grouping import AskedPhoto, grouped
from photo_organizer.web.photos import ShownPhoto, ShownPhotos


class ReviewList:
    """What waits for its owner's decision. Listing and grouping take their time: not for the event loop.

    Args:
        configuration: whose review folder.
        shown: gives the ids.
    """

    def __init__(self, configuration: Configuration, shown: ShownPhotos) -> None:
        self._features = configuration.feature_store_path
        self._shown = shown
        self._lock = threading.Lock()
        self._photos: dict[str, ShownPhoto] = {}
        self._groups: list[list[str]] = []
        self._times: dict[str, float] = {}
        self._alone: set[str] = set()
        self.folder = configuration.library / configuration.review

    @property
    def count(self) -> int:
        """How many photos wait."""
        return len(self._photos)

    @property
    def is_grouped(self) -> bool:
        """Whether all photos that are known have been grouped."""
        return not self._alone

    def state(self) -> tuple[tuple[str, int], ...]:
        """What changes when photos come or go: the folders with their times."""
        return tuple(_folder_times(self.folder))

    def list(self, library: Library) -> None:
        """Looks through the folder. A photo that is new is a group of its own until `group` is called."""
        placed = {photo.location: photo for photo in library.photos_below(self.folder)}
        photos = {shown.id: shown for shown in self._look(placed)}
        with self._lock:
            self._photos = photos
            self._keep_groups()

    def group(self) -> None:
        """Finds the groups anew, by the grouping process."""
        with self._lock:
            photos = list(self._photos.values())
        found = grouped(self._features, [_asked(shown) for shown in photos])
        with self._lock:
            self._groups = [[photos[index].id for index in part] for part in found.groups]
            self._times = {shown.id: time for shown, time in zip(photos, found.times, strict=True)}
            self._keep_groups()
            self._alone.clear()

    def remove(self, names: Iterable[str]) -> None:
        """Forgets photos that are no longer in the folder."""
        with self._lock:
            for name in names:
                self._photos.pop(name, None)
            self._keep_groups()

    def add(self, photos: Iterable[ShownPhoto]) -> None:
        """Photos that are back in the folder."""
        with self._lock:
            self._photos.update({shown.id: shown for shown in photos})
            self._keep_groups()

    def to_json(self) -> dict[str, Any]:
        """For the page: the groups as lists of ids, and the photos by id."""
        with self._lock:
            return {
                "grouped": not self._alone,
                "groups": [list(part) for part in self._groups],
                "photos": {name: self._described(shown) for name, shown in self._photos.items()},
            }

    def _described(self, shown: ShownPhoto) -> dict[str, Any]:
        taken = self._times.get(shown.id)
        return shown.to_json() | ({"time": int(taken)} if taken is not None else {})

    def _look(self, placed: dict[bytes, PlacedPhoto]) -> Iterator[ShownPhoto]:
        for folder, _, _ in os.walk(self.folder):
            for name in FolderGroups.of(Path(folder)).photos():
                path = Path(folder, name)
                try:
                    yield self._shown.show(path, path.lstat(), placed.get(os.fsencode(path)))
                except OSError:  # gone meanwhile
                    continue

    def _keep_groups(self) -> None:
        """The groups so far, without photos that are gone; those that are new each for itself, by time."""
        kept = [[name for name in part if name in self._photos] for part in self._groups]
        in_group = {name for part in kept for name in part}
        new = [shown for name, shown in self._photos.items() if name not in in_group]
        new.sort(key=lambda shown: shown.photo.identity.mtime_ns)
        self._groups = [part for part in kept if part] + [[shown.id] for shown in new]
        self._alone = (self._alone & self._photos.keys()) | {shown.id for shown in new}


def _asked(shown: ShownPhoto) -> AskedPhoto:
    kind = shown.suggestions[0][0] if shown.suggestions else ""
    return shown.sha256, shown.photo.identity.mtime_ns / 1e9, kind


def _folder_times(folder: Path) -> Iterator[tuple[str, int]]:
    try:
        yield str(folder), folder.stat().st_mtime_ns
        with os.scandir(folder) as entries:
            inside = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for path in inside:
        yield from _folder_times(Path(path))
