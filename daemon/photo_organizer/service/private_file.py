"""Replacing a small file of ours as a whole: readers see the old one or the new one, and nobody else reads
it.
"""

from __future__ import annotations

import os
from pathlib import Path


def replace_private_file(path: Path, text: str, *, durable: bool) -> None:
    """Puts `text` in the place of `path`, mode 0600.

    Args:
        path: the file; its folder exists.
        text: the new contents.
        durable: whether it must survive a loss of power right after (status need not, memory must).

    Raises:
        OSError: it could not be written; the file before is untouched.
    """
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
