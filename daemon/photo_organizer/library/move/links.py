"""Copies, hard links and symbolic links in the library, whose originals stay as they are.

A link is made by one step that replaces nothing, so that it is there or not; copies are made by `copying.py`.
What was made is removed again (by undo, or because its group could not be completed) only while its original
is there with the same bytes: that is looked at first, and once more when the name is captured already.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import at_source, changed, gone
from photo_organizer.library.move.atomic_steps import (
    Found,
    Spot,
    digest,
    digest_named,
    find,
    has_content,
    put_back,
    remove_if,
)
from photo_organizer.library.record.operation import Move, Operation, TransferMode
from photo_organizer.photo import FileIdentity

_NOTHING_TO_SYNC = {errno.EINVAL, errno.EROFS}
"""What a read-only file system may answer to a sync."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is made in the library.

    Args:
        spot: its name there.
        original: the file that it is made of; None where the folder of that is gone.
        path: the original's, where a symbolic link leads.
        move: says which file the original is.
    """

    transfer_mode: TransferMode
    spot: Spot
    original: Spot | None
    path: bytes
    move: Move

    @classmethod
    def made_by(cls, operation: Operation, move: Move, source: int | None, destination: int) -> Entry:
        """What `operation` makes of one of its files."""
        return cls(
            operation.transfer_mode,
            Spot(os.path.basename(move.destination), destination),
            None if source is None else Spot(os.path.basename(move.source), source),
            move.source,
            move,
        )

    @classmethod
    def withdrawn_by(cls, operation: Operation, move: Move, source: int, destination: int | None) -> Entry:
        """What `operation`, a withdrawal, removes."""
        return cls(
            operation.transfer_mode,
            Spot(os.path.basename(move.source), source),
            None if destination is None else Spot(os.path.basename(move.destination), destination),
            move.destination,
            move,
        )


def make_link(operations: FileOperations, entry: Entry, original: Spot) -> None:
    """Makes a hard link or a symbolic link to `original`, which must be the file that was looked at.

    Raises:
        FileExistsError: the name is taken.
        SourceError: the original is gone or has changed; the link may be there.
        OSError: it cannot be made.
    """
    _check_original(operations, entry, original)
    try:
        if entry.transfer_mode is TransferMode.SYMLINK:
            operations.symlink(entry.path, *entry.spot)
        else:
            operations.link(*original, *entry.spot)
    except OSError:
        if not is_made(operations, entry):  # over a network a step may be made, and answered with an error
            raise
    _check_original(operations, entry, original)
    if not is_made(operations, entry):
        raise changed(entry.path)


def _check_original(operations: FileOperations, entry: Entry, original: Spot) -> None:
    with at_source(entry.path):
        found = find(operations, entry.move, *original)
    if found is not Found.SAME:
        raise gone(entry.path) if found is Found.NOTHING else changed(entry.path)


def is_made(operations: FileOperations, entry: Entry) -> bool:
    """Whether the copy or link is there, complete.

    Raises:
        OSError: it cannot be told.
    """
    try:
        status = operations.status(*entry.spot)
    except FileNotFoundError:
        return False
    match entry.transfer_mode:
        case TransferMode.SYMLINK:
            return stat.S_ISLNK(status.st_mode) and operations.read_link(*entry.spot) == entry.path
        case TransferMode.LINK:
            return status.st_ino == entry.move.identity.inode
        case _:
            return entry.move.sha256 is not None and has_content(operations, entry.move, *entry.spot)


@contextmanager
def removable(operations: FileOperations, entry: Entry) -> Iterator[os.stat_result]:
    """Makes sure that nothing is lost by removing `entry`, and of a copy's original that nobody writes to it
    while this lasts; gives what is to be removed.

    Raises:
        SourceError: something could be lost, or cannot be made sure of; nothing was done.
    """
    where = entry.spot.name
    with at_source(where):
        made = operations.status(*entry.spot)
    if entry.transfer_mode is TransferMode.SYMLINK:
        with at_source(where):
            is_ours = is_made(operations, entry)
        if not is_ours:
            raise changed(where, "is not the symbolic link any more that was made; it stays")
        yield made
        return
    if entry.original is None:
        raise gone(entry.path)
    with at_source(entry.path):
        descriptor = operations.open_file(*entry.original)
    try:
        with at_source(entry.path):
            _check_equal(operations, entry, made, descriptor)
            _make_lasting(operations, descriptor)
            _make_lasting(operations, entry.original.folder)
        yield made
    finally:
        operations.close(descriptor)


def _check_equal(operations: FileOperations, entry: Entry, made: os.stat_result, original: int) -> None:
    """Both have the same bytes: as one file under two names, or as two."""
    path = os.fsdecode(entry.path)
    if os.path.samestat(made, operations.status_of(original)):
        if made.st_nlink < 2:
            raise changed(entry.path, "is the photo in the library itself, under another path; it stays")
        return
    if entry.transfer_mode is TransferMode.LINK:
        raise changed(entry.spot.name, f"is not the same file as {path} any more; it stays")
    if not operations.hold_against_writers(original):
        raise changed(entry.path, "is being written to; its copy stays")
    if digest(operations, original) != entry.move.sha256:
        raise changed(entry.path, "has changed since it was copied; its copy stays")
    if digest_named(operations, *entry.spot) != entry.move.sha256:
        raise changed(entry.spot.name, "changed since it was filed; it stays where it is")


def _make_lasting(operations: FileOperations, descriptor: int) -> None:
    """The original's bytes and name are on the disk before its copy goes."""
    try:
        operations.sync(descriptor)
    except OSError as error:
        if error.errno not in _NOTHING_TO_SYNC:
            raise


def remove(operations: FileOperations, entry: Entry, hidden: bytes) -> None:
    """Removes a copy or link, if nothing is lost by it.

    Args:
        operations: the steps on files.
        entry: what is to be removed.
        hidden: a name that is ours alone, in the same folder.

    Raises:
        SourceError: something could be lost; it is where it was.
        OSError: it could not be removed.
    """
    with removable(operations, entry) as made:
        if entry.original is None or entry.transfer_mode is TransferMode.SYMLINK:
            is_removed = _remove_symlink(operations, entry, hidden)
        else:
            original = entry.original
            before = operations.status(*original)
            is_removed = remove_if(
                # two paths may lead to one file without showing it (a bind mount, a server's other share):
                # then the original has gone along when the name was captured
                operations, entry.spot, hidden, made, lambda: _is_still(operations, original, before),
            )  # fmt: skip
    if not is_removed:
        raise changed(entry.path, "or its copy changes at this moment; both stay")


def _is_still(operations: FileOperations, spot: Spot, before: os.stat_result) -> bool:
    try:
        now = operations.status(*spot)
    except FileNotFoundError:
        return False
    return FileIdentity.of(now) == FileIdentity.of(before)


def _remove_symlink(operations: FileOperations, entry: Entry, hidden: bytes) -> bool:
    """As `remove_if`, which is for files with bytes: what was captured is looked at again, and put back if it
    is something else.
    """
    captured = Spot(hidden, entry.spot.folder)
    operations.rename_own(*entry.spot, *captured)
    try:
        if is_made(operations, replace(entry, spot=captured)):
            operations.unlink(*captured)
            return True
    except OSError:
        put_back(operations, captured, entry.spot, hidden)
        raise
    put_back(operations, captured, entry.spot, hidden)
    return False
