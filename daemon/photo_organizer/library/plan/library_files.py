"""Which files in the library have a certain size, wherever their owner has put them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_UNSETTLED_NS = 3 * 10**9
"""A folder that changed so shortly before it was listed may change again without showing it (FAT: 2 s)."""


@dataclass(frozen=True, slots=True)
class _Listing:
    """A folder as it was listed: by what it is known to be unchanged, and its files by size."""

    mtime_ns: int | None
    files: dict[int, list[bytes]]
    folders: tuple[bytes, ...]


@dataclass(slots=True)
class LibraryFiles:
    """The files below `root`; hidden ones, which are nobody's photos, and symbolic links are left out.

    A folder is listed again only when its modification time says that names came or went, so that looking at
    a large library again takes a look at each folder. Nothing is opened.
    """

    root: bytes
    clock: Callable[[], float] = time.monotonic
    _listings: dict[bytes, _Listing] = field(default_factory=dict)
    _sizes: dict[int, set[bytes]] = field(default_factory=dict)
    _pending: list[bytes] = field(default_factory=list)
    _looked_at: float = float("-inf")

    def count_of_size(self, size: int) -> int:
        """Return how many files of `size` bytes were there at the last look."""
        return len(self._sizes.get(size, ()))

    def of_size(self, size: int) -> list[bytes]:
        """Return the paths of the files of `size` bytes that were there at the last look."""
        return sorted(self._sizes.get(size, ()))

    def look(self, *, newer_than: float, seconds: float = float("inf")) -> None:
        """Look at the library again, if the last look was not after `newer_than` (by the clock).

        Args:
            newer_than: a complete look since then is new enough.
            seconds: how long it may take; what is left is looked at the next time.
        """
        if self._looked_at > newer_than:
            return
        began = self.clock()
        if not self._pending:
            self._pending = [self.root]
        while self._pending:
            folder = self._pending.pop()
            self._pending += self._look_into(folder)
            if self.clock() - began > seconds:
                return
        self._looked_at = began

    def _look_into(self, folder: bytes) -> tuple[bytes, ...]:
        """List a folder if it has changed; its folders."""
        known = self._listings.get(folder)
        try:
            mtime_ns = os.lstat(folder).st_mtime_ns
            if known is not None and known.mtime_ns == mtime_ns:
                return known.folders
            listing = _list(folder, mtime_ns)
        except OSError:  # gone, or closed to us: nothing of it can be compared with
            self._forget(folder)
            return ()
        for gone in set(known.folders if known else ()) - set(listing.folders):
            self._forget(gone)
        self._replace(folder, known, listing)
        return listing.folders

    def _replace(self, folder: bytes, known: _Listing | None, listing: _Listing | None) -> None:
        for size, names in known.files.items() if known else ():
            self._sizes[size].difference_update(os.path.join(folder, name) for name in names)
            if not self._sizes[size]:
                del self._sizes[size]
        for size, names in listing.files.items() if listing else ():
            self._sizes.setdefault(size, set()).update(os.path.join(folder, name) for name in names)
        if listing is not None:
            self._listings[folder] = listing

    def _forget(self, folder: bytes) -> None:
        gone = [folder]
        while gone:
            folder = gone.pop()
            known = self._listings.pop(folder, None)
            if known is not None:
                self._replace(folder, known, None)
                gone += known.folders


def _list(folder: bytes, mtime_ns: int) -> _Listing:
    files: dict[int, list[bytes]] = {}
    folders: list[bytes] = []
    for entry in _visible(folder):
        try:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                size = entry.stat(follow_symlinks=False).st_size
                files.setdefault(size, []).append(entry.name)
        except OSError:  # gone meanwhile
            continue
    is_settled = abs(time.time_ns() - mtime_ns) > _UNSETTLED_NS
    return _Listing(mtime_ns if is_settled else None, files, tuple(folders))


def _visible(folder: bytes) -> Iterator[os.DirEntry[bytes]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(b"."):
                yield entry
