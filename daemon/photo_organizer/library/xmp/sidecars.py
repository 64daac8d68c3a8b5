"""Writes a photo's category in an XMP sidecar beside it, and removes that again.

Only sidecars that are ours in every byte are ever replaced or removed. Where another program has one for the
photo, none of ours is written: nobody's edits can be lost, and undo has nothing to put back.

A sidecar is written when its photo is in the library, and removed before undo moves the photo: a crash in
between leaves a photo without its keyword, and never a sidecar of ours in an inbox.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from photo_organizer.errors import printable
from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import DestinationError, SourceError
from photo_organizer.library.move.atomic_steps import Spot, put_back, remove_if, shift, write_all
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.plan.free_names import split_extension
from photo_organizer.library.xmp.keywords import LARGEST, KeywordSettings, is_ours, sidecar_text

log = logging.getLogger(__name__)

SUFFIX = b".xmp"
_DRAFT = b".photo-organizer-xmp.part"
_CAPTURED = b".photo-organizer-xmp.source"
_MODE = 0o666  # less the umask, as of any file of the owner's
_LONGEST_NAME = 255  # bytes, on every file system that matters here


def sidecar_of(photo: bytes) -> bytes:
    """Return the path of the sidecar that we write for the photo at `photo`."""
    return photo + SUFFIX


def is_own_sidecar(operations: FileOperations, name: bytes, folder: int) -> bool:
    """Return whether the file `name` is a sidecar that we wrote and nobody has changed."""
    try:
        descriptor = operations.open_file(name, folder)
    except OSError:
        return False
    try:
        return is_ours(operations.read(descriptor, LARGEST, 0))
    finally:
        operations.close(descriptor)


@dataclass(frozen=True, slots=True)
class Sidecars:
    """Writes and removes sidecars in the libraries; to be used while the moves lock is held.

    Args:
        libraries: absolute; nothing is done beside photos that lie elsewhere.
        settings: how the keyword is written; None when none is.
    """

    operations: FileOperations
    libraries: Sequence[bytes]
    settings: KeywordSettings | None

    def write(self, photo: bytes, category: str) -> bool:
        """Have the sidecar of `photo` name `category`; return whether it does.

        One that is not ours is left as it is. Trouble is logged: a photo is well filed without its keyword.
        """
        if self.settings is None:
            return False
        name = os.path.basename(sidecar_of(photo))
        if len(name) > _LONGEST_NAME:
            return False
        text = sidecar_text(category, self.settings)
        with self._troubles_logged(photo), self._folder_of(photo) as folder:
            self._tidy(folder)
            if self._has_sidecar(photo, folder) and not self._remove(name, folder):
                log.info("%s has a sidecar of its owner's: no keyword is written", printable(_text(photo)))
                return False
            self._create(name, folder, text)
            return True
        return False

    def remove(self, photo: bytes) -> None:
        """Remove the sidecar of `photo` if it is ours, with every trace of one that a crash has left."""
        with self._troubles_logged(photo), self._folder_of(photo) as folder:
            self._tidy(folder)
            if self._remove(os.path.basename(sidecar_of(photo)), folder):
                self.operations.sync(folder)

    def follow(self, old: bytes, new: bytes, category: str) -> None:
        """Have the sidecar of a photo that its owner moved from `old` to `new` name its category.

        Args:
            old: where the photo was.
            new: where it is.
            category: its owner's; "" when it is in none, so that no keyword is right.
        """
        if old != new:
            self.remove(old)
        if category:
            self.write(new, category)
        else:
            self.remove(new)

    def _has_sidecar(self, photo: bytes, folder: int) -> bool:
        """Whether any program has a sidecar for the photo: `x.jpg.xmp` or `x.xmp`, in any case."""
        base = os.path.basename(photo)
        stem = split_extension(base)[0]
        return any(
            self._exists(start + end, folder) for start in (base, stem) for end in (SUFFIX, SUFFIX.upper())
        )

    def _exists(self, name: bytes, folder: int) -> bool:
        try:
            self.operations.status(name, folder)
        except FileNotFoundError:
            return False
        return True

    def _create(self, name: bytes, folder: int, text: bytes) -> None:
        """Write it under a hidden name, and give it its own when it is whole and on the disk."""
        draft = self.operations.create_file(_DRAFT, folder, _MODE)
        try:
            write_all(self.operations, draft, text, 0)
            self.operations.sync(draft)
            shift(self.operations, Spot(_DRAFT, folder), Spot(name, folder), _CAPTURED)
            self.operations.sync(folder)
        except OSError:
            self._discard_draft(folder)
            raise
        finally:
            self.operations.close(draft)

    def _remove(self, name: bytes, folder: int) -> bool:
        """Remove it if it is ours and no program is writing to it; return whether it is gone now."""
        try:
            status = self.operations.status(name, folder)
        except FileNotFoundError:
            return False
        if not is_own_sidecar(self.operations, name, folder):
            return False

        def is_still_ours() -> bool:
            return is_own_sidecar(self.operations, _CAPTURED, folder)

        return remove_if(self.operations, Spot(name, folder), _CAPTURED, status, is_still_ours)

    def _tidy(self, folder: int) -> None:
        """Remove what a crash has left under our hidden names; a file that is not ours gets a name again."""
        self._discard_draft(folder)
        if self._exists(_CAPTURED, folder):
            if is_own_sidecar(self.operations, _CAPTURED, folder):
                self.operations.unlink(_CAPTURED, folder)
            else:
                put_back(self.operations, Spot(_CAPTURED, folder), Spot(b"recovered.xmp", folder), _DRAFT)

    def _discard_draft(self, folder: int) -> None:
        try:
            self.operations.unlink(_DRAFT, folder)
        except FileNotFoundError:
            return

    @contextmanager
    def _folder_of(self, photo: bytes) -> Iterator[int]:
        with Folders(self.operations) as folders:
            library = next((root for root in self.libraries if photo.startswith(root + b"/")), None)
            if library is None:
                raise FileNotFoundError(photo)
            yield folders.open(OpenFolder(os.path.dirname(photo), len(library)))

    @contextmanager
    def _troubles_logged(self, photo: bytes) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            return  # its folder is gone, and the sidecar with it
        except (OSError, SourceError, DestinationError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            log.warning("%s: its keyword cannot be written or removed: %s", printable(_text(photo)), reason)


def _text(path: bytes) -> str:
    return os.fsdecode(path)
