"""Whether another program is still bringing a file here, by the unfinished file that lies beside it."""

from __future__ import annotations

import os
import time

from photo_organizer.companions.names import folded, stem
from photo_organizer.formats import extension_of
from photo_organizer.ignored_names import is_unfinished

_ABANDONED_SECONDS = 24 * 3600.0
"""What has not changed for so long, nobody goes on with."""


def is_being_transferred(path: str) -> bool:
    """Return whether an unfinished file beside `path` may become it.

    `photo.jpg.part` and `photo.x8Yz.jpg.part` begin as `photo.jpg` does. Firefox may choose any name and
    leaves an empty file where the whole one will be: there, the same extension is enough.
    """
    folder, name = os.path.split(path)
    own_stem, extension = stem(folded(name)), extension_of(name)
    try:
        is_empty = os.lstat(path).st_size == 0
        with os.scandir(folder) as entries:
            return any(
                _may_become(folded(entry.name), own_stem, extension if is_empty else None)
                and _is_recent(entry)
                for entry in entries
                if is_unfinished(entry.name)
            )
    except OSError:  # gone or closed to us: whoever looks next will say so
        return False


def _may_become(unfinished: str, own_stem: str, extension: str | None) -> bool:
    beginning = unfinished.lstrip(".~")
    if beginning.startswith(own_stem) and not beginning[len(own_stem) :][:1].isalnum():
        return True
    return extension is not None and f"{extension}." in unfinished


def _is_recent(entry: os.DirEntry[str]) -> bool:
    return time.time() - entry.stat(follow_symlinks=False).st_mtime < _ABANDONED_SECONDS
