"""The photos that lie in folders of categories, by content: a walk that lists only folders that changed since
the last one, and reads only files that nobody knows.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from photo_organizer import formats, fsops
from photo_organizer.companions.grouping import bundle
from photo_organizer.ignored_names import MARKERS, is_ignored
from photo_organizer.learning.labels.journal_history import JournalHistory
from photo_organizer.learning.labels.label_store import FolderStamp, KnownFile
from photo_organizer.learning.labels.recognition import Recogniser, Role, is_same

_BLOCK = 1 << 20
_RECENT_NS = 2_000_000_000  # a folder that changed so lately may change again without its time telling
_ALWAYS_LISTED = FolderStamp(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which folders below `root` are looked into, and the category that each stands for.

    Both functions get the folder's path relative to `root`, which is never empty.
    """

    root: Path
    category_of: Callable[[PurePath], str | None]
    is_left_out: Callable[[PurePath], bool] = lambda _folder: False


@dataclass(frozen=True, slots=True)
class FoundPhoto:
    """A photo in a category folder of the library; `path` is as the kernel has it."""

    path: bytes
    category: str
    sha256: str


@dataclass(slots=True)
class Walk:
    """What a walk found.

    Attributes:
        photos: the photos of their own, without companions.
        changed, gone: what the list of known files has to learn.
        folders: the state of each folder that was met, for the next walk.
        read: how many files were read.
        unreadable: files that could not be.
    """

    photos: list[FoundPhoto] = field(default_factory=list)
    changed: dict[bytes, KnownFile] = field(default_factory=dict)
    gone: tuple[bytes, ...] = ()
    folders: dict[bytes, FolderStamp] = field(default_factory=dict)
    read: int = 0
    unreadable: list[Path] = field(default_factory=list)


def walk(
    layout: Layout,
    files: Mapping[bytes, KnownFile],
    folders: Mapping[bytes, FolderStamp],
    history: JournalHistory,
    progress: Callable[[int], None],
) -> Walk:
    """Find the photos of folders that stand for categories; hidden files are left out.

    Args:
        layout: where to look; known files below its root that are not met again are gone.
        files: the files of earlier walks.
        folders: the folders of the last walk; one whose state is the same is not listed again. None makes the
            walk look at every file, so that it also finds those that were edited in place.
        history: which files were moved as photos, and which as companions.
        progress: called with the number of photos found so far.
    """
    return _Walker(layout, files, folders, history, progress).walk()


def library_files_of(root: Path, files: Iterable[bytes]) -> list[bytes]:
    """Return those of `files` that are below `root`."""
    below = os.fsencode(root) + b"/"
    return [path for path in files if path.startswith(below)]


class _Walker:
    """One walk."""

    def __init__(
        self,
        layout: Layout,
        files: Mapping[bytes, KnownFile],
        folders: Mapping[bytes, FolderStamp],
        history: JournalHistory,
        progress: Callable[[int], None],
    ) -> None:
        self._layout = layout
        self._known = files
        self._stamps = folders
        self._progress = progress
        self._recogniser = Recogniser(history, files)
        self._found = Walk()
        self._seen: set[bytes] = set()
        self._now = time.time_ns()
        self._files_in: defaultdict[bytes, list[bytes]] = defaultdict(list)
        self._folders_in: defaultdict[bytes, list[str]] = defaultdict(list)
        if folders:
            for path in files:
                self._files_in[os.path.dirname(path)].append(path)
            for path in folders:
                self._folders_in[os.path.dirname(path)].append(os.fsdecode(os.path.basename(path)))

    def walk(self) -> Walk:
        pending = [PurePath()]
        while pending:
            relative = pending.pop()
            inside = sorted(relative / name for name in self._visit(relative))
            pending += [folder for folder in inside if not self._is_left_out(folder)]
        known_here = library_files_of(self._layout.root, self._known)
        self._found.gone = tuple(path for path in known_here if path not in self._seen)
        return self._found

    def _is_left_out(self, folder: PurePath) -> bool:
        return is_ignored(folder.name) or self._layout.is_left_out(folder)

    def _visit(self, relative: PurePath) -> Iterable[str]:
        """Take in the photos of one folder, and return the names of the folders in it."""
        folder = self._layout.root / relative
        key = os.fsencode(folder)
        category = self._layout.category_of(relative) if relative.parts else None
        try:
            stamp = FolderStamp.of(folder.stat())
            if self._stamps.get(key) == stamp:
                self._found.folders[key] = stamp
                self._recall(self._files_in[key], category)
                return self._folders_in[key]
            entries = list(os.scandir(folder))
        except OSError:  # removed meanwhile, or closed to us
            return ()
        if relative.parts and any(entry.name in MARKERS for entry in entries):
            return ()  # another program's own folder
        entries = [entry for entry in entries if not is_ignored(entry.name)]
        statuses = self._statuses(entries) if category is not None else {}
        is_recent = any(
            0 <= self._now - moment < _RECENT_NS
            for moment in (
                stamp.mtime_ns,
                stamp.ctime_ns,
                *(status.st_ctime_ns for status in statuses.values()),
            )
        )
        self._found.folders[key] = _ALWAYS_LISTED if is_recent else stamp
        if category is not None:
            self._list(folder, category, statuses)
        return [entry.name for entry in entries if _is_folder(entry)]

    def _statuses(self, entries: Sequence[os.DirEntry[str]]) -> dict[str, os.stat_result]:
        """Return the status of each file whose name may be that of a photo."""
        statuses = {}
        for entry in entries:
            if formats.by_extension(entry.name) is None and formats.extension_of(entry.name):
                continue
            try:
                if entry.is_file(follow_symlinks=False):
                    statuses[entry.name] = entry.stat(follow_symlinks=False)
            except OSError:  # gone, or on a failing disk
                self._found.unreadable.append(Path(entry.path))
        return statuses

    def _recall(self, paths: Iterable[bytes], category: str | None) -> None:
        """Take in the photos of a folder that has not changed."""
        for path in paths:
            self._seen.add(path)
            if category is not None:
                self._take(path, category, self._known[path])

    def _list(self, folder: Path, category: str, statuses: Mapping[str, os.stat_result]) -> None:
        keys = {name: os.fsencode(folder / name) for name in statuses}
        recognised = {name: self._recogniser.recognise(keys[name], statuses[name]) for name in statuses}
        followers: set[str] = set()
        if any(file.role is Role.UNKNOWN for file in recognised.values()):
            groups, _ = bundle(statuses, ())
            followers = {name for group in groups for name in group.companions}
        for name in sorted(statuses):
            file, key, status = recognised[name], keys[name], statuses[name]
            self._seen.add(key)
            if file.role is Role.COMPANION or (file.role is Role.UNKNOWN and name in followers):
                found = KnownFile(*_state(status), None, is_companion=True)
            elif (photo := self._identify(key, status, file.sha256)) is not None:
                found = photo
            else:
                continue
            if self._known.get(key) != found:
                self._found.changed[key] = found
            self._take(key, category, found)

    def _identify(self, key: bytes, status: os.stat_result, sha256: str | None) -> KnownFile | None:
        """Return a file that is not a companion, read if need be; None when it cannot be."""
        known = self._known.get(key)
        if known is not None and not known.is_companion and is_same(known, status):
            return known
        if sha256 is not None:
            return KnownFile(*_state(status), sha256)
        try:
            read = _read(Path(os.fsdecode(key)))
        except OSError:  # gone, locked or on a failing disk: it is skipped this time, and reported
            self._found.unreadable.append(Path(os.fsdecode(key)))
            return None
        self._found.read += 1
        return read

    def _take(self, path: bytes, category: str, file: KnownFile) -> None:
        if file.sha256 is None or file.is_companion:
            return
        self._found.photos.append(FoundPhoto(path, category, file.sha256))
        if len(self._found.photos) % 256 == 0:
            self._progress(len(self._found.photos))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _read(path: Path) -> KnownFile:
    """Hash a file; it is not a photo when its first bytes are those of no image format.

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
