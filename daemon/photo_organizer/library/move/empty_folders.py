"""Removes the folders that were made for photos and are empty, because nothing came or all was taken back."""

from __future__ import annotations

import os

from photo_organizer.fsops import FileOperations
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.record.journal import Journal


def remove_empty_folders(operations: FileOperations, journal: Journal, place: OpenFolder) -> None:
    """Remove the folder `place`, and those above it down to its root, as long as they are ours and empty.

    A folder that its owner made stays, and so does one that cannot be removed now: it harms nobody.

    Raises:
        DestinationError: the journal cannot be written.
    """
    path = place.path
    with Folders(operations) as folders:
        while len(path) > place.root and (inode := journal.made_folder(path)) is not None:
            above = OpenFolder(os.path.dirname(path), place.root)
            if not _is_removed(operations, folders, os.path.basename(path), above, inode):
                return
            journal.forget_folder(path)
            path = above.path


def _is_removed(
    operations: FileOperations, folders: Folders, name: bytes, above: OpenFolder, inode: int
) -> bool:
    """Whether it is gone now; the folder that is removed must be the one that was made."""
    try:
        folder = folders.open(above)
        if operations.status(name, folder).st_ino != inode:
            return False
        operations.remove_folder(name, folder)
    except FileNotFoundError:
        return True
    except OSError:  # something is in it, or it may not be changed
        return False
    return True
