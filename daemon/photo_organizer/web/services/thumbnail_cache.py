"""Thumbnails on disk, by content: `STATE/thumbnails/SIDE/ab/SHA256.jpg`, within a bounded size."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from photo_organizer.files import PRIVATE, replace_file

MOST_BYTES = 512_000_000
_KEPT = 0.8  # share that stays when there are too many


class ThumbnailCache:
    """A cache: losing it only costs time, and write errors are ignored.

    Args:
        folder: made when it is first needed.
        most_bytes: how large it may grow; the least recently shown go first.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._size: int | None = None
        self._lock = threading.Lock()

    def get(self, sha256: str, side: int) -> bytes | None:
        """Return the thumbnail for the content `sha256`; None when it is not cached."""
        path = self._path(sha256, side)
        try:
            data = path.read_bytes()
            os.utime(path)  # shown now: it goes last
        except OSError:
            return None
        return data

    def put(self, sha256: str, side: int, jpeg: bytes) -> None:
        """Store a thumbnail, whole or not at all."""
        path = self._path(sha256, side)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(path, jpeg, mode=PRIVATE, durable=False)
        except OSError:
            return
        with self._lock:
            self._size = self._measured() if self._size is None else self._size + len(jpeg)
            if self._size > self._most_bytes:
                self._size = self._shrink()

    def _path(self, sha256: str, side: int) -> Path:
        return self._folder / str(side) / sha256[:2] / f"{sha256}.jpg"

    def _files(self) -> list[tuple[float, int, Path]]:
        files = []
        for path in self._folder.rglob("*"):
            try:
                status = path.lstat()
            except OSError:
                continue
            if path.is_file():
                files.append((status.st_mtime, status.st_size, path))
        return files

    def _measured(self) -> int:
        return sum(size for _, size, _ in self._files())

    def _shrink(self) -> int:
        """Remove the least recently shown, and return the bytes that are left."""
        files = sorted(self._files())
        left = sum(size for _, size, _ in files)
        for _, size, path in files:
            if left <= _KEPT * self._most_bytes:
                break
            with contextlib.suppress(OSError):
                path.unlink()
                left -= size
        return left
