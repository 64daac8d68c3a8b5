"""Where the feature store was before it had a folder of its own. Light."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def move_older_store(path: Path) -> None:
    """Move the feature store of an earlier version to `path`, from the folder above, if there is none yet.

    It is a cache: where that fails, it is made anew.
    """
    older = path.parent.parent / path.name
    if path.exists() or not older.is_file():
        return
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for suffix in ("-wal", ""):  # the log first: the database without it would lack what is in it
            part = older.with_name(older.name + suffix)
            if part.exists():
                part.replace(path.with_name(part.name))
        older.with_name(older.name + "-shm").unlink(missing_ok=True)
