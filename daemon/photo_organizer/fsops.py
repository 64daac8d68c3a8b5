"""Every system call that touches a user's file, or a file of ours that must survive.

Each method of `FileOperations` is one step on the disk, so that a test can count the steps, stop the world
before any of them, let one fail, or record them all (`tests/reliability/`). Nothing here decides anything.

Folders are opened once and worked in by descriptor (openat(2) and its family): a folder that somebody swaps
for a symbolic link meanwhile cannot lead a photo elsewhere. Names are bytes, as the kernel has them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_CLOEXEC = os.O_CLOEXEC
_RENAME_NOREPLACE = 1  # linux/fs.h
_RENAME_EXCL = 4  # macOS, sys/stdio.h
_UNSUPPORTED_ATTRIBUTE = {
    errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.E2BIG, errno.ERANGE, errno.EINVAL, errno.ENODATA,
    errno.ENOSPC, errno.EOVERFLOW,
}  # fmt: skip


def open_photo(path: Path | bytes) -> int:
    """A descriptor for reading the photo at `path`, which must be a regular file and no symbolic link.

    Never blocks (a FIFO under a photo's name), and is not inherited by other programs.

    Raises:
        OSError: it cannot be opened; `errno.EINVAL` when it is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | _CLOEXEC)
    return _regular(descriptor, path)


def _regular(descriptor: int, name: object) -> int:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", os.fspath(name) if isinstance(name, Path) else name)


class FileOperations:
    """The steps. `folder` is always the descriptor of an open folder, `name` one plain name in it."""

    def open_root(self, path: bytes) -> int:
        """A folder that the owner has configured: a symbolic link to it is theirs, and followed."""
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | _CLOEXEC)

    def open_folder(self, name: bytes, folder: int) -> int:
        """A folder in `folder`, never through a symbolic link."""
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | _CLOEXEC, dir_fd=folder)

    def make_folder(self, name: bytes, folder: int, mode: int) -> None:
        os.mkdir(name, mode, dir_fd=folder)

    def remove_folder(self, name: bytes, folder: int) -> None:
        """An empty folder; ENOTEMPTY (or EEXIST) where anything is in it."""
        os.rmdir(name, dir_fd=folder)

    def may_change(self, folder: int) -> bool:
        """Whether names can be added to and removed from `folder`."""
        try:
            return os.access(b".", os.W_OK | os.X_OK, dir_fd=folder, effective_ids=True)
        except NotImplementedError:  # a C library without faccessat2: the rename itself will tell
            return True

    def status(self, name: bytes, folder: int) -> os.stat_result:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def status_of(self, descriptor: int) -> os.stat_result:
        return os.fstat(descriptor)

    def open_file(self, name: bytes, folder: int) -> int:
        """For reading; a regular file and no symbolic link, as in `open_photo`."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | _CLOEXEC
        return _regular(os.open(name, flags, dir_fd=folder), name)

    def create_file(self, name: bytes, folder: int, mode: int = 0o600) -> int:
        """A new file, for writing and reading back; EEXIST where the name is taken."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | _CLOEXEC
        return os.open(name, flags, mode, dir_fd=folder)

    def open_ledger(self, name: bytes, folder: int) -> int:
        """A file of ours that grows, for reading and writing; made (mode 0600) where it is missing."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | _CLOEXEC
        return _regular(os.open(name, flags, 0o600, dir_fd=folder), name)

    def read(self, descriptor: int, size: int, offset: int) -> bytes:
        return os.pread(descriptor, size, offset)

    def write(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        """Writes as much of `data` as the disk takes, and says how much that was."""
        return os.pwrite(descriptor, data, offset)

    def truncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        """Returns when the file's bytes, or the folder's names, are on the disk (as far as the disk is
        honest).
        """
        os.fsync(descriptor)

    def forget_cached(self, descriptor: int) -> None:
        """Asks that the next read comes from the disk, so that a check of a copy checks the copy on the
        disk.
        """
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def copy_attributes(self, source: int, destination: int) -> None:
        """Owner, mode, extended attributes and times; what the destination cannot hold is left out.

        Times come last, since each of the others may change them.
        """
        status = os.fstat(source)
        if (status.st_uid, status.st_gid) != _owner(destination):
            _attempt(lambda: os.fchown(destination, status.st_uid, status.st_gid))
        _attempt(lambda: os.fchmod(destination, stat.S_IMODE(status.st_mode)))
        for attribute in _extended_attributes(source):
            _attempt(partial(_copy_attribute, source, destination, attribute))
        _attempt(lambda: os.utime(destination, ns=(status.st_atime_ns, status.st_mtime_ns)))

    def rename_without_replacing(self, name: bytes, folder: int, new_name: bytes, new_folder: int) -> None:
        """renameat2(2) with RENAME_NOREPLACE, or macOS's equal.

        Raises:
            FileExistsError: the new name is taken.
            OSError: `errno.EXDEV` for another device; `errno.EINVAL` or `errno.ENOSYS` where the file system
                (NFS, some FUSE) or the kernel cannot do it.
        """
        while _renameat(folder, name, new_folder, new_name) != 0:
            code = ctypes.get_errno()
            if code != errno.EINTR:
                raise OSError(code, os.strerror(code), name, None, new_name)

    def rename_own(self, name: bytes, folder: int, new_name: bytes, new_folder: int) -> None:
        """rename(2) onto a name that is ours alone: a hidden one, the ledger's, or one reserved by an empty
        file of ours.
        """
        os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=new_folder)

    def link(self, name: bytes, folder: int, new_name: bytes, new_folder: int) -> None:
        """A second name for a file; EEXIST where it is taken."""
        os.link(name, new_name, src_dir_fd=folder, dst_dir_fd=new_folder, follow_symlinks=False)

    def symlink(self, target: bytes, name: bytes, folder: int) -> None:
        """A symbolic link to `target`; EEXIST where the name is taken."""
        os.symlink(target, name, dir_fd=folder)

    def read_link(self, name: bytes, folder: int) -> bytes:
        """Where a symbolic link leads; `errno.EINVAL` when it is none."""
        return os.readlink(name, dir_fd=folder)

    def unlink(self, name: bytes, folder: int) -> None:
        os.unlink(name, dir_fd=folder)

    def hold_against_writers(self, descriptor: int) -> bool:
        """False when some program has the file open for writing; otherwise none can begin until it is closed.

        A read lease (fcntl(2), F_SETLEASE). True as well where the file system knows no leases.
        """
        if not hasattr(fcntl, "F_SETLEASE"):
            return True
        try:
            # who breaks the lease makes the kernel signal us; by default that signal would end the process
            fcntl.fcntl(descriptor, getattr(fcntl, "F_SETSIG", 10), signal.SIGURG)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            return error.errno != errno.EAGAIN
        return True

    def is_being_written(self, descriptor: int) -> bool:
        """Whether some program has the file open for writing; False where the file system cannot tell."""
        if not self.hold_against_writers(descriptor):
            return True
        if hasattr(fcntl, "F_SETLEASE"):
            with suppress(OSError):
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False

    def close(self, descriptor: int) -> None:
        """Never fails: what had to reach the disk was synced before, and a descriptor is gone even after an
        error.
        """
        with suppress(OSError):
            os.close(descriptor)

    def commit(self, connection: sqlite3.Connection) -> None:
        """Ends the journal's transaction; on return it is on the disk."""
        connection.execute("COMMIT")


def _owner(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_uid, status.st_gid


def _copy_attribute(source: int, destination: int, attribute: str) -> None:
    os.setxattr(destination, attribute, os.getxattr(source, attribute))


def _attempt(change: Callable[[], None]) -> None:
    """Runs `change`, and goes on where the destination's file system or our rights do not allow for it."""
    try:
        change()
    except OSError as error:
        if error.errno not in _UNSUPPORTED_ATTRIBUTE:
            raise


def _extended_attributes(descriptor: int) -> list[str]:
    if not hasattr(os, "listxattr"):
        return []
    try:
        return os.listxattr(descriptor)
    except OSError as error:
        if error.errno in _UNSUPPORTED_ATTRIBUTE:
            return []
        raise


_libc = ctypes.CDLL(None, use_errno=True)


def _renameat(folder: int, name: bytes, new_folder: int, new_name: bytes) -> int:
    if hasattr(_libc, "renameat2"):
        return int(_libc.renameat2(folder, name, new_folder, new_name, ctypes.c_uint(_RENAME_NOREPLACE)))
    if hasattr(_libc, "renameatx_np"):
        return int(_libc.renameatx_np(folder, name, new_folder, new_name, ctypes.c_uint(_RENAME_EXCL)))
    ctypes.set_errno(errno.ENOSYS)
    return -1
