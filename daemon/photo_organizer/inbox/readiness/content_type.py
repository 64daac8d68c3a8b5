"""What only an open file can tell: its first bytes, and whether somebody still writes it."""

from __future__ import annotations

import os

from photo_organizer import fsops
from photo_organizer.companions.kinds import Kind, kind_of
from photo_organizer.formats import HEAD_SIZE, by_extension, identify
from photo_organizer.inbox.skip_cache import NOT_AN_IMAGE, UNSUPPORTED, WAITS_FOR_EXTRA, SkipReason


def read_head(path: str) -> bytes:
    """The first `HEAD_SIZE` bytes of a regular file. Never waits (a FIFO, a device).

    Raises:
        OSError: when it cannot be opened or read (gone, no permission, not a regular file by now).
    """
    descriptor = fsops.open_photo(os.fsencode(path))
    try:
        return os.read(descriptor, HEAD_SIZE)
    finally:
        os.close(descriptor)


def is_being_written(path: str) -> bool:
    """Whether some program has the file open for writing. False where that cannot be told."""
    try:
        descriptor = fsops.open_photo(os.fsencode(path))
    except OSError:  # gone or closed to us: whoever opens it next will say so
        return False
    operations = fsops.FileOperations()
    try:
        return not operations.hold_against_writers(descriptor)
    finally:
        operations.close(descriptor)


def blocked_reason(
    path: str, available_extras: frozenset[str], *, always_read: bool = False
) -> SkipReason | None:
    """Why a file is not to be offered, or None when it is.

    Its content is asked only where the name does not suffice: an unknown extension, or one that other files
    have, too; a format that needs an extra which is not there (a `.heic` may be a JPEG all the same); or when
    told to (`always_read`).

    Raises:
        OSError: when its content cannot be read.
    """
    name = os.path.basename(path)
    promised = by_extension(name)
    if not always_read:
        has_decoder = promised is not None and (promised.extra is None or promised.extra in available_extras)
        if promised is not None and has_decoder and not promised.needs_name:
            return None
        if kind_of(name) is Kind.VIDEO:
            return None
    found = identify(read_head(path), name)
    if found is None:
        return SkipReason(NOT_AN_IMAGE)
    if not found.is_supported:
        return SkipReason(UNSUPPORTED)
    if found.extra is not None and found.extra not in available_extras:
        return SkipReason(WAITS_FOR_EXTRA, extra=found.extra)
    return None
