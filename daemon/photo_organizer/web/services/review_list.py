"""The photos that wait in the review folders, and their groups."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from photo_organizer.companions.in_folder import FolderGroups
from photo_organizer.config import Configuration
from photo_organizer.library import Library
from photo_organizer.web.services.grouping import AskedPhoto, grouped
from photo_organizer.web.services.photos import KnownPhoto, ShownPhoto, ShownPhotos

_FIRST = 120  # photos: two screens


class ReviewList:
    """The photos in the review folder. Listing and grouping are slow: do not call them in the event loop.

    Args:
        configuration: whose review folders.
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
        self.is_complete = False
        self.folders = configuration.review_folders

    @property
    def count(self) -> int:
        """Return how many photos are waiting."""
        return len(self._photos)

    @property
    def is_grouped(self) -> bool:
        """Return whether all known photos have been grouped."""
        return not self._alone

    def state(self) -> tuple[tuple[str, int], ...]:
        """Return a value that changes when photos come or go: the folders with their times."""
        return tuple(time for folder in self.folders for time in _folder_times(folder))

    def list_first(self, library: Library) -> None:
        """List the surest photos from the journal alone, to be shown until `list_all` is done."""
        photos = {}
        surest = (placed for folder in self.folders for placed in library.surest_below(folder, _FIRST))
        for placed in surest:
            with contextlib.suppress(OSError):  # gone
                shown = self._shown.show(placed.place, placed.place.lstat(), KnownPhoto.of(placed))
                photos[shown.id] = shown
        with self._lock:
            self._photos = photos
            self._keep_groups()

    def list_all(self, library: Library) -> None:
        """List the folders. A new photo is a group of its own until `group` is called."""
        known = self.known(library)
        photos = {shown.id: shown for shown in self._look(known)}
        with self._lock:
            self._photos = photos
            self._keep_groups()
            self.is_complete = True

    def known(self, library: Library) -> dict[bytes, KnownPhoto]:
        """Return what the journal knows of the photos in the folders, by path."""
        below = (photo for folder in self.folders for photo in library.photos_below(folder))
        return {photo.location: KnownPhoto.of(photo) for photo in below}

    def is_inside(self, path: Path) -> bool:
        """Return whether a path is in one of the folders."""
        return any(path.is_relative_to(folder) for folder in self.folders)

    def group(self) -> None:
        """Group the photos again, in the grouping process."""
        with self._lock:
            photos = list(self._photos.values())
        found = grouped(self._features, [_asked(shown) for shown in photos])
        with self._lock:
            self._groups = [[photos[index].id for index in part] for part in found.groups]
            self._times = {shown.id: time for shown, time in zip(photos, found.times, strict=True)}
            self._keep_groups()
            self._alone.clear()

    def remove(self, names: Iterable[str]) -> None:
        """Remove photos that are no longer in the folder."""
        with self._lock:
            for name in names:
                self._photos.pop(name, None)
            self._keep_groups()

    def add(self, photos: Iterable[ShownPhoto]) -> None:
        """Add photos that are back in the folder."""
        with self._lock:
            self._photos.update({shown.id: shown for shown in photos})
            self._keep_groups()

    def to_json(self, *, everything: bool) -> dict[str, Any]:
        """Return groups as lists of ids, and photos by id; only the surest few unless `everything`."""
        with self._lock:
            groups = [list(part) for part in self._groups] if everything else self._surest()
            names = [name for part in groups for name in part]
            return {
                "complete": self.is_complete and len(names) == len(self._photos),
                "grouped": not self._alone,
                "groups": groups,
                "photos": {name: self._described(self._photos[name]) for name in names},
            }

    def _surest(self) -> list[list[str]]:
        def confidence(part: list[str]) -> float:
            tops = (self._photos[name].suggestions[:1] for name in part)
            return sum(top[0][1] for top in tops if top) / len(part)

        found: list[list[str]] = []
        for part in sorted(self._groups, key=confidence, reverse=True):
            if sum(map(len, found)) >= _FIRST:
                break
            found.append(list(part))
        return found

    def _described(self, shown: ShownPhoto) -> dict[str, Any]:
        taken = self._times.get(shown.id)
        return shown.to_json() | ({"time": int(taken)} if taken is not None else {})

    def _look(self, known: dict[bytes, KnownPhoto]) -> Iterator[ShownPhoto]:
        for folder, _, _ in (entry for top in self.folders for entry in os.walk(top)):
            for name in FolderGroups.of(Path(folder)).photos():
                path = Path(folder, name)
                try:
                    yield self._shown.show(path, path.lstat(), known.get(os.fsencode(path)))
                except OSError:  # gone meanwhile
                    continue

    def _keep_groups(self) -> None:
        """Drop photos that are gone from the groups; add each new one as its own group, by time."""
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
