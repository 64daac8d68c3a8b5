"""What can go wrong while photos are moved, told apart by who has to do something about it.

Source trouble concerns one photo (it is gone, it changed, it may not be read): that photo is set aside and
tried again, the rest goes on. Destination trouble (disk full, read-only, library unmounted) concerns all:
filing pauses.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.library.move.open_folders import FolderRefusedError


class SourceErrorKind(StrEnum):
    GONE = "gone"
    CHANGED = "changed"
    REFUSED = "refused"


class SourceError(OrganizerError):
    """A photo that cannot be moved now, for a reason of its own."""

    def __init__(self, kind: SourceErrorKind, what: str, *, where: object = "", remedy: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.kind = kind


class DestinationError(OrganizerError):
    """Nothing can be filed now; photos stay in the inbox until it is over."""

    def is_below(self, folder: Path) -> bool:
        """Whether it concerns `folder` or something in it."""
        where = printable(folder)
        return self.where == where or self.where.startswith(f"{where}/")


class LibraryLocked(OrganizerError):  # noqa: N818 (named by the seams)
    """Another process owns the library.

    Args:
        pid: that process, or None when it did not say.
    """

    def __init__(self, pid: int | None, *, where: object = "") -> None:
        owner = f"process {pid}" if pid else "another process"
        super().__init__(
            f"in use by {owner}", where=where, remedy="stop the daemon (or the other sort) first"
        )
        self.pid = pid


class JournalError(OrganizerError):
    """The journal cannot be read: damaged, or written by a newer version."""


# out of something that belongs to the whole process or machine: no photo is to blame
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.ENOLCK}
_REMEDIES = {
    errno.ENOSPC: "free some space; filing resumes by itself",
    errno.EDQUOT: "free some of your quota; filing resumes by itself",
    errno.EROFS: "make it writable; filing resumes by itself",
    errno.EACCES: "make it writable; filing resumes by itself",
    errno.EPERM: "make it writable; filing resumes by itself",
    errno.ENOENT: "mount it or put it back; filing resumes by itself",
    errno.ENOTDIR: "put a folder in its place; filing resumes by itself",
    errno.ELOOP: "put a folder in the place of the symbolic link; filing resumes by itself",
}


@contextmanager
def at_source(where: bytes) -> Iterator[None]:
    """Turns an OSError of a step on a photo in its inbox into the trouble that it is."""
    try:
        yield
    except OSError as error:
        raise source_error(error, where) from error


@contextmanager
def at_destination(where: bytes) -> Iterator[None]:
    """Turns an OSError of a step in the library (or in our own files) into destination trouble; but one of a
    single folder, which the photos of others do not need, into trouble of the photos that do.
    """
    try:
        yield
    except FolderRefusedError as error:
        raise refused(where, _words(error)) from error
    except OSError as error:
        raise destination_error(error, where) from error


def source_error(error: OSError, where: bytes) -> SourceError | DestinationError:
    if error.errno in _OURS:
        return destination_error(error, where)
    gone = error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ELOOP}
    kind = SourceErrorKind.GONE if gone else SourceErrorKind.REFUSED
    return SourceError(kind, _words(error), where=os.fsdecode(where))


def destination_error(error: OSError, where: bytes) -> DestinationError:
    """Return the trouble that an OSError of a step in the library, or on our own files, is."""
    remedy = _REMEDIES.get(error.errno or 0, "filing is tried again by itself")
    return DestinationError(_words(error), where=os.fsdecode(where), remedy=remedy)


_NO_LINK = {
    errno.EXDEV: "they are on different devices",
    errno.ENOTSUP: "its file system has none",
    errno.ENOSYS: "its file system has none",
}


def no_hard_link(source: Path, folder: Path, code: int) -> DestinationError | None:
    """What to tell when `folder` cannot have hard links to a photo; None when `code` says something else."""
    if code not in _NO_LINK:
        return None
    what = f"cannot have a hard link to {source}: {_NO_LINK[code]}"
    return DestinationError(what, where=folder, remedy="use --copy or --symlink")


@contextmanager
def one_photo(where: bytes, crash_log: CrashLog) -> Iterator[None]:
    """Turn an error that nobody foresaw into trouble with the photo at `where`, and write it to the crash
    log.

    Trouble that is known passes, and so does what SQLite says of the journal as a whole.
    """
    try:
        yield
    except OrganizerError:
        raise
    except Exception as error:
        if concerns_the_journal(error):
            raise
        raise unforeseen(error, where, crash_log) from error


def unforeseen(error: Exception, where: bytes, crash_log: CrashLog) -> SourceError:
    """Return what an error that nobody foresaw is for one photo; it is in the crash log then."""
    path = os.fsdecode(where)
    return SourceError(SourceErrorKind.REFUSED, crash_log.describe(error, path), where=path)


def concerns_the_journal(error: Exception) -> bool:
    """Whether SQLite failed, and not because of what one photo asked it to write."""
    return isinstance(error, sqlite3.Error) and not isinstance(error, _OF_ONE_ROW)


_OF_ONE_ROW = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.NotSupportedError,
    sqlite3.ProgrammingError,
)


def changed(where: bytes, what: str = "changed while it was being filed") -> SourceError:
    return SourceError(SourceErrorKind.CHANGED, what, where=os.fsdecode(where))


def gone(where: bytes) -> SourceError:
    return SourceError(SourceErrorKind.GONE, "no longer there", where=os.fsdecode(where))


def refused(where: bytes | Path, what: str, remedy: str = "") -> SourceError:
    return SourceError(SourceErrorKind.REFUSED, what, where=os.fsdecode(where), remedy=remedy)


def _words(error: OSError) -> str:
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]
