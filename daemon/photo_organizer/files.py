"""Files of our own: replaced as a whole, synced, hashed, locked. For the owner's photos see `fsops`."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
READABLE = 0o644


@contextmanager
def replacing(path: Path, *, mode: int = READABLE, durable: bool = True) -> Iterator[BinaryIO]:
    """Write a new file in the place of `path`: readers see the old one or the new one, never half of it.

    The new contents are written to a hidden file beside it, which takes the name when the block ends; when
    the block raises, the old file stays.

    Args:
        path: the file; its folder exists. A symbolic link is replaced, not followed.
        mode: permissions of the new file.
        durable: sync the file and its folder, so that a loss of power right after keeps the new file.

    Raises:
        OSError: it cannot be written; the old file is untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(temporary, flags, mode), "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)


def replace_file(path: Path, contents: str | bytes, *, mode: int = READABLE, durable: bool = True) -> None:
    """Put `contents` in the place of `path`, as `replacing` does.

    Raises:
        OSError: it cannot be written; the old file is untouched.
    """
    data = contents if isinstance(contents, bytes) else contents.encode("utf-8", "backslashreplace")
    with replacing(path, mode=mode, durable=durable) as file:
        file.write(data)


def private_file(path: Path) -> BinaryIO:
    """Open an empty file that only its owner can read, in the place of one of that name.

    Raises:
        OSError: it cannot be made, or `path` is a symbolic link.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    return open(os.open(path, flags, PRIVATE), "wb")


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; a pipe or a device in its place is not waited for.

    Args:
        path: the file; symbolic links are followed.

    Raises:
        OSError: it is missing, unreadable, or not a regular file.
    """
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return file


def read_small_file(path: Path, most: int) -> bytes:
    """Return the contents of a regular file; a pipe or a device in its place is not waited for.

    Args:
        path: the file; symbolic links are followed.
        most: bytes that it may have.

    Raises:
        OSError: it is missing, unreadable, not a regular file, or larger than `most`.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, "far too large", str(path))
    return data


def sync(path: Path) -> None:
    """Force a file or a folder to the disk.

    Raises:
        OSError: the disk refuses.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a regular file, as 64 hexadecimal digits.

    Raises:
        OSError: it is missing, unreadable, a symbolic link, or not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_lock_file(path: str | Path, *, folder: int | None = None, mode: int = PRIVATE) -> int:
    """Open a file that serves as a lock, made when it is missing; return its descriptor.

    Args:
        path: a name in `folder`, or a path when that is None.
        folder: descriptor of the folder that holds it.
        mode: permissions of a new file.

    Raises:
        OSError: it cannot be opened, or is a symbolic link.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return os.open(path, flags, mode, dir_fd=folder)


def try_lock(descriptor: int) -> bool:
    """Take the exclusive flock(2) lock of an open file; return False when another process holds it.

    The lock ends when the descriptor is closed or the process ends, whatever ends it.

    Raises:
        OSError: the file system has no locks.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
