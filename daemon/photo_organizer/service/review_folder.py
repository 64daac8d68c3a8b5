"""How many photos wait in the Review folder, as the disk has it."""

from __future__ import annotations

import os
from pathlib import Path

from photo_organizer.companions.kinds import Kind, kind_of


def count_photos(folder: Path) -> int | None:
    """Return how many photos are below `folder`, companions and hidden files left out.

    None when the folder cannot be read; one that is not there holds none.
    """
    count = 0
    folders = [os.fspath(folder)]
    try:
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif kind_of(entry.name) is Kind.PHOTO:
                        count += 1
    except FileNotFoundError:
        return count
    except OSError:
        return None
    return count
