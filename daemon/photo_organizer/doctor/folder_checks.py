"""Checks of the folders: existence, permissions, free space, and features of their file systems."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from photo_organizer.companions.photo_count import count_photos
from photo_organizer.config import Configuration
from photo_organizer.doctor.check import Check, fix, hint, ok
from photo_organizer.errors import printable
from photo_organizer.service.status.attention import count_quarantined
from photo_organizer.typed_command import typed

LEAST_FREE_BYTES = 1 << 30
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_PROBE = ".photo-organizer-check-"


def folders(configuration: Configuration) -> Iterator[Check]:
    """Check for folders that are missing or not writable."""
    state = configuration.state_directory
    kept = [inbox.path for inbox in configuration.inboxes if inbox.action != "move"]  # may be read-only
    for name, folder in [
        *(("inbox", inbox) for inbox in configuration.inbox_paths),
        *(("library", library) for library in configuration.libraries),
        ("state folder", state),
        ("folder of the ledger", configuration.ledger_path.parent),
    ]:
        where = printable(folder)
        if not folder.is_dir():
            if folder != state:
                yield fix("folders", f"the {name} {where} is missing", f"mount it, or run `{typed('init')}`")
        elif folder not in kept and not os.access(folder, os.W_OK | os.X_OK):
            yield fix(
                "folders",
                f"the {name} {where} is not writable",
                f"run `chmod u+rwx '{where}'`, or choose another folder",
            )


def category_folders(configuration: Configuration) -> Iterator[Check]:
    """Check for category folders that are symbolic links or files: nothing is filed there."""
    names = dict.fromkeys([*configuration.all_categories, *sorted(configuration.own_folder_names)])
    for folder in (library / name for library in configuration.libraries for name in names):
        where = printable(folder)
        if folder.is_symlink():
            remedy = (
                "replace it with a folder (use a bind mount for another disk); until then its photos wait"
            )
            yield fix("categories", f"{where} is a symbolic link to {printable(folder.readlink())}", remedy)
        elif folder.exists() and not folder.is_dir():
            yield fix(
                "categories", f"{where} is a file, not a folder", "move it away; until then its photos wait"
            )


def waiting_photos(configuration: Configuration) -> Iterator[Check]:
    """Report the location of the review and quarantine folders, and the number of photos in them."""
    for review in configuration.review_folders:
        yield ok("review", f"{count_photos(review) or 0:,} photos in {printable(review)}")
    quarantine = configuration.quarantine_directory
    yield ok("quarantine", f"{count_quarantined(quarantine):,} files in {printable(quarantine)}")


def disk_space(configuration: Configuration) -> Iterator[Check]:
    """Check the free space for photos from another disk, for the journal and for models."""
    libraries = configuration.libraries
    named = [("library" if len(libraries) == 1 else f"library {printable(root)}", root) for root in libraries]
    for name, folder in (*named, ("state", configuration.state_directory)):
        existing = next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))
        free = shutil.disk_usage(existing).free
        words = f"{free / 1e9:,.1f} GB free for the {name}"
        if free < LEAST_FREE_BYTES:
            yield fix("disk", words, f"free some space on the disk of {printable(existing)}")
        else:
            yield ok("disk", words)


def moves(configuration: Configuration) -> Iterator[Check]:
    """Report whether photos can be renamed into the library or must be copied."""
    if not configuration.library.is_dir():
        yield hint("moves", "unknown while the library is missing")
        return
    elsewhere = []
    for inbox in configuration.inboxes:
        library = configuration.rules_of(inbox).library
        if inbox.action != "move":
            ways = {"copy": "copied", "link": "linked"}
            yield ok("moves", f"{printable(inbox.path)}: photos are {ways[inbox.action]}, the originals stay")
        elif inbox.path.is_dir() and library.is_dir() and inbox.path.stat().st_dev != library.stat().st_dev:
            elsewhere.append(printable(inbox.path))
    if elsewhere:
        what = f"{', '.join(elsewhere)} is on a different disk from the library"
        yield ok("moves", f"{what}: photos are copied, verified, and then removed from the inbox")
        return
    yield ok("moves", "inboxes and library are on one disk: photos are renamed, not copied")


def file_system(configuration: Configuration) -> Iterator[Check]:
    """Try with hidden files of ours what the file system of each library can do."""
    for library in configuration.libraries:
        yield from _file_system_of(library)


def _file_system_of(library: Path) -> Iterator[Check]:
    if not library.is_dir() or not os.access(library, os.W_OK | os.X_OK):
        return
    where = printable(library)
    try:
        with tempfile.TemporaryDirectory(dir=library, prefix=_PROBE) as folder:
            limits = list(_limits(Path(folder)))
    except OSError as error:
        yield fix(
            "file system",
            f"{where}: cannot create a file there ({error.strerror})",
            "free some space, or make it writable",
        )
        return
    for found, remedy in limits:
        yield hint("file system", f"{where} {found}", remedy)
    if not limits:
        yield ok("file system", "moves without replacing, all names, and hard links are supported")


def _limits(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the limitations of the file system of `folder`, an empty temporary folder, and their effects."""
    probe = folder / "probe"
    probe.touch()
    if not _moves_without_replacing(probe):
        yield (
            "has no atomic move that refuses to replace a file",
            "photos are hard-linked and unlinked there, or copied; ext4, btrfs and xfs support it",
        )
    if (folder / "PROBE").exists():
        yield (
            "ignores upper and lower case in names",
            "` (2)` is added to names that differ only in case",
        )
    cannot_hold = [shown for name, shown in _NAMES if not _can_hold(folder, name)]
    if cannot_hold:
        yield (
            f"does not allow {', '.join(cannot_hold)} in names",
            "photos with such names are renamed",
        )
    try:
        (folder / "link").hardlink_to(probe)
    except OSError:
        yield "has no hard links", "`sort --link` and `action: link` do not work there"


_NAMES = (
    (b'a:b?c"d', 'any of : ? "'),
    (b"a\\b|c<d>e*f", "any of \\ | < > *"),
    (b"\xff\xfe.jpg", "bytes that are not UTF-8"),
    (b"trailing dot.", "a dot at the end"),
    (b"n" * 255, "255 bytes"),
)


def _can_hold(folder: Path, name: bytes) -> bool:
    try:
        os.close(os.open(os.path.join(os.fsencode(folder), name), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return name in {os.fsencode(entry.name) for entry in folder.iterdir()}


def _moves_without_replacing(probe: Path) -> bool:
    """Return whether the file system supports renameat2(2) with RENAME_NOREPLACE, tested with `probe`."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    name = os.fsencode(probe)
    # onto itself: fails with EEXIST if the flag is supported, otherwise with EINVAL
    failed = rename(_AT_FDCWD, name, _AT_FDCWD, name, _RENAME_NOREPLACE) != 0
    return failed and ctypes.get_errno() == errno.EEXIST
