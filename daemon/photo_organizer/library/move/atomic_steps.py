"""Small compound steps on files, each safe to be stopped in: moving without replacing, removing what was
copied.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import NamedTuple

from photo_organizer.fsops import FileOperations
from photo_organizer.library.plan.free_names import GroupNames
from photo_organizer.library.record.operation import Move

CHUNK = 1 << 20

NOT_A_FILE = {errno.ENOENT, errno.EINVAL, errno.ELOOP, errno.ENXIO}
"""What opening something else than a regular file for reading can come to."""
_NO_NOREPLACE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}


class NoAtomicMoveError(Exception):
    """The file system has neither RENAME_NOREPLACE nor hard links."""


class Found(Enum):
    """What is under a name where a certain file is expected."""

    SAME = "that file, untouched"
    CHANGED = "that file, written to since"
    OTHER = "another file"
    NOTHING = "nothing"


def exists(operations: FileOperations, name: bytes, folder: int) -> bool:
    """Whether anything has this name; a symbolic link is not followed.

    Raises:
        OSError: it cannot be told.
    """
    try:
        operations.status(name, folder)
    except FileNotFoundError:
        return False
    return True


def find(operations: FileOperations, move: Move, name: bytes, folder: int) -> Found:
    """What is at `name`, compared with the file that `move` was decided for.

    The device is left out: its number can differ after a restart. Where inode numbers do not last (FAT, some
        FUSE
    file systems), equal size, time and content decide.
    """
    try:
        status = operations.status(name, folder)
    except FileNotFoundError:
        return Found.NOTHING
    same_inode = status.st_ino == move.identity.inode
    same_state = (status.st_size, status.st_mtime_ns) == (move.identity.size, move.identity.mtime_ns)
    if same_state and (same_inode or has_content(operations, move, name, folder)):
        return Found.SAME
    return Found.CHANGED if same_inode else Found.OTHER


def has_content(operations: FileOperations, move: Move, name: bytes, folder: int) -> bool:
    """Whether the file at `name` has the bytes of `move` (whose size it need not have); True where no hash is
    known.
    """
    if move.sha256 is None:
        return True
    try:
        descriptor = operations.open_file(name, folder)
    except OSError as error:
        if error.errno in NOT_A_FILE:
            return False
        raise
    try:
        return (
            operations.status_of(descriptor).st_size == move.identity.size
            and digest(operations, descriptor) == move.sha256
        )
    finally:
        operations.close(descriptor)


def digest(operations: FileOperations, descriptor: int) -> bytes:
    """SHA-256 of the whole file."""
    sha256 = hashlib.sha256()
    offset = 0
    while chunk := operations.read(descriptor, CHUNK, offset):
        sha256.update(chunk)
        offset += len(chunk)
    return sha256.digest()


def digest_named(operations: FileOperations, name: bytes, folder: int) -> bytes:
    descriptor = operations.open_file(name, folder)
    try:
        return digest(operations, descriptor)
    finally:
        operations.close(descriptor)


def write_all(operations: FileOperations, descriptor: int, data: bytes, offset: int) -> int:
    """Writes `data` at `offset`, and returns the offset behind it."""
    rest = memoryview(data)
    while rest:
        written = operations.write(descriptor, rest, offset)
        rest = rest[written:]
        offset += written
    return offset


class Spot(NamedTuple):
    """A name in an open folder."""

    name: bytes
    folder: int


def shift(
    operations: FileOperations, old: Spot, new: Spot, hidden: bytes, moved: os.stat_result | None = None
) -> None:
    """Moves a file on one device from `old` to `new`, without ever replacing one.

    Args:
        operations: the steps on files.
        old: where it is.
        new: where it goes.
        hidden: a name that is ours alone, for the way over a hard link.
        moved: the file at `old`, where that is known already.

    Raises:
        FileExistsError: the new name is taken.
        NoAtomicMoveError: neither way works here; nothing was done.
        OSError: `errno.EXDEV` for another device.
    """
    moved = moved or operations.status(*old)
    try:
        operations.rename_without_replacing(*old, *new)
    except OSError as error:
        if _is(operations, new, moved) and not _is(operations, old, moved):
            return  # made all the same: over a network an answer can get lost, and the repeated question fail
        if error.errno not in _NO_NOREPLACE:
            raise
    else:
        return
    try:
        operations.link(*old, *new)
    except OSError as error:
        if not _is(operations, new, moved):
            if error.errno in _NO_LINKS:
                raise NoAtomicMoveError from error
            raise
    operations.sync(new.folder)  # the new name must last before the old one goes
    remove_if(operations, old, hidden, operations.status(*new))


def _is(operations: FileOperations, spot: Spot, status: os.stat_result) -> bool:
    """Whether that file is there; False as well where it cannot be told."""
    with suppress(OSError):
        return os.path.samestat(operations.status(*spot), status)
    return False


def remove_if(
    operations: FileOperations,
    spot: Spot,
    hidden: bytes,
    expected: os.stat_result,
    is_safe: Callable[[], bool] = lambda: True,
) -> bool:
    """Removes `spot` if it still is the file `expected`, untouched, with no program writing to it; says
    whether it was.

    To be called only when the same bytes are on the disk under another complete name. The name is captured
    first (renamed to `hidden` in the same folder, which is atomic), so that what is checked is what is
    removed: a file that another program has put there meanwhile is put back. `is_safe` has the last word,
    when that name is gone already.
    """
    captured = Spot(hidden, spot.folder)
    try:
        operations.rename_own(*spot, *captured)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not _is(operations, spot, expected):
            if not _is(operations, captured, expected):
                return False  # its owner moved it away or removed it
        elif not _is(operations, captured, expected):
            raise
    try:
        if _is_untouched(operations, captured, expected) and is_safe():
            operations.unlink(*captured)
            return True
    except OSError:
        if not _is(operations, captured, expected) and _is_gone(operations, captured):
            return True  # removed all the same
        put_back(operations, captured, spot, hidden)
        raise
    put_back(operations, captured, spot, hidden)
    return False


def _is_gone(operations: FileOperations, spot: Spot) -> bool:
    try:
        operations.status(*spot)
    except FileNotFoundError:
        return True
    return False


def _is_untouched(operations: FileOperations, captured: Spot, expected: os.stat_result) -> bool:
    """Whether it is the file `expected`, and none can write to it: its name is known to us alone."""
    if not _equal(operations.status(*captured), expected):
        return False
    descriptor = operations.open_file(*captured)
    try:
        return operations.hold_against_writers(descriptor) and _equal(
            operations.status_of(descriptor), expected
        )
    finally:
        operations.close(descriptor)


def _equal(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_ino, one.st_size, one.st_mtime_ns) == (other.st_ino, other.st_size, other.st_mtime_ns)


def put_back(operations: FileOperations, spot: Spot, wanted: Spot, hidden: bytes) -> bytes:
    """Moves a file to `wanted`, or to `wanted (2)` and so on where that is taken; returns the name it got."""
    for number in range(1, 1_000_000):
        candidate = Spot(GroupNames(wanted.name).numbered(number)[0], wanted.folder)
        try:
            shift(operations, spot, candidate, hidden)
        except FileExistsError:
            continue
        except NoAtomicMoveError:
            if not _rename_to_free(operations, spot, candidate):
                continue
        return candidate.name
    raise FileExistsError(errno.EEXIST, "no free name", wanted.name)


def _rename_to_free(operations: FileOperations, spot: Spot, candidate: Spot) -> bool:
    """Move a file to `candidate` where the file system can neither link nor rename without replacing.

    The name is reserved by an empty file, which is replaced only while it is that file and still empty. What
    another program does between that check and the rename cannot be noticed here. Copying could not lose
    that race, but would separate a program that is writing to the file from its name.

    Returns:
        False when the name is taken, or was taken over meanwhile.
    """
    try:
        descriptor = operations.create_file(*candidate)
    except FileExistsError:
        return False
    try:
        reserved = operations.status_of(descriptor)
        is_ours = _is(operations, candidate, reserved) and operations.status(*candidate).st_size == 0
    finally:
        operations.close(descriptor)
    if is_ours:
        operations.rename_own(*spot, *candidate)
    return is_ours
