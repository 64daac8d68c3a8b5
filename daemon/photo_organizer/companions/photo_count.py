"""How many photos are in a folder, by their names: for what is shown, not for what is done."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from photo_organizer.companions.kinds import Kind, kind_of


def count_photos(folder: Path, leave_out: Collection[Path] = ()) -> int | None:
    """Return how many photos are below `folder`, without companions, hidden files and hidden folders.

    Args:
        folder: one that is not there holds none; what cannot be read in it is not counted.
        leave_out: folders that are not looked into.

    Returns:
        None when the folder itself cannot be read.
    """
    try:
        os.scandir(folder).close()
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except OSError:
        return None
    others = {os.fspath(path) for path in leave_out}
    count = 0
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[:1] != "." and os.path.join(path, name) not in others]
        count += sum(1 for name in names if name[:1] != "." and kind_of(name) is Kind.PHOTO)
    return count
