"""Open folders: each walked to once, below a trusted root, without following a symbolic link."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field

from photo_organizer.fsops import FileOperations

_CANNOT_HOLD = "the disk cannot hold a folder of this name; choose another in the config"
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


_OF_ITS_NAME = {errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG}


class FolderRefusedError(OSError):
    """A folder below the root that cannot be used, while the others can: a symbolic link, or a name that the
    disk does not take. `strerror` says which, for people.
    """


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """A folder by its path. The first `root` bytes of it are the owner's own setting, and trusted."""

    path: bytes
    root: int

    @classmethod
    def below(cls, root: bytes, relative: bytes = b"") -> OpenFolder:
        return cls(os.path.join(root, relative) if relative else root, len(root))

    @property
    def parts(self) -> list[bytes]:
        return [part for part in self.path[self.root :].split(b"/") if part]


@dataclass(slots=True)
class Folders:
    """The folders of one batch, by descriptor; closed with it."""

    operations: FileOperations
    made: dict[bytes, int] = field(default_factory=dict)
    """The inode numbers of the folders that were made here, by path."""
    _open: dict[OpenFolder, int] = field(default_factory=dict)

    def open(self, place: OpenFolder, *, make: int | None = None) -> int:
        """The descriptor of `place`; folders that are missing below its root are made with mode `make`, if
        given.

        Raises:
            OSError: it cannot be opened: missing, no folder, or a symbolic link below the root.
        """
        if place in self._open:
            return self._open[place]
        self._open[place] = self._walk(place, make)
        return self._open[place]

    def find(self, place: OpenFolder) -> int | None:
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

    def nearest(self, place: OpenFolder) -> int | None:
        """The folder `place`, or the one above it that is there, down to its root; None without a root.

        Raises:
            FolderRefusedError: one of them is a symbolic link, or something else than a folder.
            OSError: it cannot be told.
        """
        path = place.path
        while len(path) >= place.root:
            try:
                return self.open(OpenFolder(path, place.root))
            except FileNotFoundError:
                path = os.path.dirname(path)
        return None

    def _walk(self, place: OpenFolder, make: int | None) -> int:
        path = place.path[: place.root]
        folder = self.operations.open_root(path)
        try:
            for part in place.parts:
                path = os.path.join(path, part)
                folder = self._step(path, folder, make)
        except BaseException:
            self.operations.close(folder)
            raise
        return folder

    def _step(self, path: bytes, folder: int, make: int | None) -> int:
        """The folder `path` in the open folder `folder`, which is closed then."""
        part = os.path.basename(path)
        if part in {b".", b".."}:
            raise OSError(errno.EINVAL, "not a plain folder name", part)
        try:
            try:
                inner = self.operations.open_folder(part, folder)
            except FileNotFoundError:
                if make is None:
                    raise
                is_made = self._make(part, folder, make)
                inner = self.operations.open_folder(part, folder)
                if is_made:
                    self.made[path] = self.operations.status_of(inner).st_ino
        except OSError as error:
            if error.errno in _OF_ITS_NAME and not isinstance(error, FolderRefusedError):
                raise FolderRefusedError(error.errno, self._why_not(part, folder), part) from error
            raise
        self.operations.close(folder)
        return inner

    def _make(self, part: bytes, folder: int, mode: int) -> bool:
        """Make a folder, and say whether it is ours."""
        try:
            self.operations.make_folder(part, folder, mode)
        except FileExistsError:  # somebody was faster; whether it is a folder shows in a moment
            return False
        except FileNotFoundError as error:
            if self.operations.status_of(folder).st_nlink == 0:
                raise
            raise FolderRefusedError(error.errno, _CANNOT_HOLD, part) from error  # exFAT
        # at once, not with the batch: what is moved into it must not be able to outlive the folder's own name
        self.operations.sync(folder)
        return True

    def _why_not(self, part: bytes, folder: int) -> str:
        try:
            mode = self.operations.status(part, folder).st_mode
        except OSError:
            return _CANNOT_HOLD
        if stat.S_ISLNK(mode):
            return "the folder is a symbolic link; put a folder (or a bind mount) in its place"
        return (
            _CANNOT_HOLD if stat.S_ISDIR(mode) else "there is a file where the folder should be; move it away"
        )

    def is_still_there(self, place: OpenFolder) -> bool:
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
