"""What a file in the library is: a photo of its own, or the companion of another.

Asked in this order: the journal, by path; the last scan, by path; both, by inode, size and time (the owner
moved or renamed the file); both, by size and time alone (to another disk); the names in its folder, by the
rule that also groups files in an inbox.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from photo_organizer.learning.labels.journal_history import JournalHistory
from photo_organizer.learning.labels.label_store import KnownFile

_FINEST_COARSE_NS = 10_000_000  # exFAT keeps 10 ms, FAT 2 s
_COARSE_NS = 2_000_000_000
_FINE_NS = 100  # NTFS


class Role(Enum):
    """What a file is."""

    PHOTO = auto()
    COMPANION = auto()
    UNKNOWN = auto()
    """Only the names in its folder can tell."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is, and the sha256 of its content where that is known without reading it."""

    role: Role
    sha256: str | None = None


class Recogniser:
    """Recognises files of the library by what the journal and the last scan know.

    Args:
        history: the journal's knowledge; an empty one for folders that are not the library.
        known: the files of the last scan, by path.
    """

    def __init__(self, history: JournalHistory, known: Mapping[bytes, KnownFile]) -> None:
        self._history = history
        self._known = known
        self._moved: _MovedFiles | None = None

    def recognise(self, path: bytes, status: os.stat_result) -> Recognised:
        """Return what the file at `path` is.

        Args:
            path: of the file, as the kernel has it.
            status: of the file now.
        """
        known = self._known.get(path)
        sha256 = known.sha256 if known is not None and is_same(known, status) else None
        if path in self._history.companions:
            return Recognised(Role.COMPANION)
        if path in self._history.photos:
            return Recognised(Role.PHOTO, sha256 or self._sha256_at(path, status))
        if known is not None and known.is_companion:
            return Recognised(Role.COMPANION)
        if sha256 is not None and sha256 in self._history.filed:
            return Recognised(Role.PHOTO, sha256)
        moved = self._moved_files().find(status)
        return Recognised(moved.role, sha256 or moved.sha256)

    def _sha256_at(self, path: bytes, status: os.stat_result) -> str | None:
        photo = self._history.photos[path]
        same_size = photo.identity.size == status.st_size
        return photo.sha256 if same_size and _same_time(photo.identity.mtime_ns, status.st_mtime_ns) else None

    def _moved_files(self) -> _MovedFiles:
        if self._moved is None:  # made at the first file that is new: most scans have none
            self._moved = _MovedFiles(self._history, self._known)
        return self._moved


def is_same(known: KnownFile, status: os.stat_result) -> bool:
    """Return whether a file was not touched since the last scan."""
    return (known.size, known.mtime_ns, known.inode) == (status.st_size, status.st_mtime_ns, status.st_ino)


class _MovedFiles:
    """Finds files that were moved or renamed, by what a move does not change."""

    def __init__(self, history: JournalHistory, known: Mapping[bytes, KnownFile]) -> None:
        self._by_inode: dict[tuple[int, int, int], Recognised] = {}
        self._by_size: defaultdict[int, list[tuple[int, Role]]] = defaultdict(list)
        for photo in history.photos.values():
            identity = photo.identity
            state = (identity.inode, identity.size, identity.mtime_ns)
            self._add(*state, Recognised(Role.PHOTO, photo.sha256))
        for identity in history.companions.values():
            self._add(identity.inode, identity.size, identity.mtime_ns, Recognised(Role.COMPANION))
        for path, file in known.items():
            self._add(file.inode, file.size, file.mtime_ns, self._last_seen_as(path, file, history))

    @staticmethod
    def _last_seen_as(path: bytes, file: KnownFile, history: JournalHistory) -> Recognised:
        if path in history.companions or (file.is_companion and path not in history.taken_back):
            return Recognised(Role.COMPANION)
        is_filed = path in history.photos or file.sha256 in history.filed
        return Recognised(Role.PHOTO if is_filed else Role.UNKNOWN, file.sha256)

    def _add(self, inode: int, size: int, mtime_ns: int, found: Recognised) -> None:
        self._by_inode[inode, size, mtime_ns] = found
        self._by_size[size].append((mtime_ns, found.role))

    def find(self, status: os.stat_result) -> Recognised:
        size, mtime_ns = status.st_size, status.st_mtime_ns
        found = self._by_inode.get((status.st_ino, size, mtime_ns))
        if found is not None:
            return found
        roles = {role for time, role in self._by_size[size] if _same_time(time, mtime_ns)}
        # as a photo it is read, so that only companions may be told by size and time alone
        return Recognised(Role.COMPANION if roles == {Role.COMPANION} else Role.UNKNOWN)


def _same_time(journal_ns: int, file_ns: int) -> bool:
    """Return whether a file system that keeps times coarsely made the second time of the first."""
    tolerance = _COARSE_NS if file_ns % _FINEST_COARSE_NS == 0 else _FINE_NS
    return abs(journal_ns - file_ns) < tolerance
