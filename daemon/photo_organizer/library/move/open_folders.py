"""Open folders: each walked to once, below a trusted root, without following a symbolic link."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field

from photo_organizer.fsops import FileOperations

_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


@dataclass(frozen=True, slots=True)
class Place:
    """A folder by its path. The first `root` bytes of it are the owner's own setting, and trusted."""

    path: bytes
    root: int

    @classmethod
    def below(cls, root: bytes, relative: bytes = b"") -> Place:
        return cls(os.path.join(root, relative) if relative else root, len(root))

    @property
    def parts(self) -> list[bytes]:
        return [part for part in self.path[self.root :].split(b"/") if part]


@dataclass(slots=True)
class Folders:
    """The folders of one batch, by descriptor; closed with it."""

    operations: FileOperations
    _open: dict[Place, int] = field(default_factory=dict)

    def open(self, place: Place, *, make: int | None = None) -> int:
        """The descriptor of `place`; folders that are missing below its root are made with mode `make`, if
        given.

        Raises:
            OSError: it cannot be opened: missing, no folder, or a symbolic link below the root.
        """
        if place in self._open:
            return self._open[place]
        self._open[place] = self._walk(place, make)
        return self._open[place]

    def find(self, place: Place) -> int | None:
        """As `open`, but None where the folder is gone, or something else is in its place.

        Raises:
            OSError: it cannot be told.
        """
        try:
            return self.open(place)
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise

    def _walk(self, place: Place, make: int | None) -> int:
        folder = self.operations.open_root(place.path[: place.root])
        try:
            for part in place.parts:
                folder = self._step(part, folder, make)
        except BaseException:
            self.operations.close(folder)
            raise
        return folder

    def _step(self, part: bytes, folder: int, make: int | None) -> int:
        """The folder `part` in `folder`, which is closed then."""
        if part in {b".", b".."}:
            raise OSError(errno.EINVAL, "not a plain folder name", part)
        try:
            inner = self.operations.open_folder(part, folder)
        except FileNotFoundError:
            if make is None:
                raise
            self._make(part, folder, make)
            inner = self.operations.open_folder(part, folder)
        self.operations.close(folder)
        return inner

    def _make(self, part: bytes, folder: int, mode: int) -> None:
        try:
            self.operations.make_folder(part, folder, mode)
        except FileExistsError:  # somebody was faster; whether it is a folder shows in a moment
            return
        # at once, not with the batch: what is moved into it must not be able to outlive the folder's own name
        self.operations.sync(folder)

    def is_still_there(self, place: Place) -> bool:
        """Whether the open folder is the one that `place` leads to, not moved away and no link in its place.

        Raises:
            OSError: it cannot be told.
        """
        if place not in self._open:
            return False
        try:
            again = self._walk(place, None)
        except OSError as error:
            if error.errno in _GONE:
                return False
            raise
        try:
            return os.path.samestat(
                self.operations.status_of(again), self.operations.status_of(self._open[place])
            )
        finally:
            self.operations.close(again)

    def close(self) -> None:
        while self._open:
            _, folder = self._open.popitem()
            self.operations.close(folder)

    def __enter__(self) -> Folders:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
