"""The check of photos whose extension does not match their format."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.doctor.check import Check, hint, ok
from photo_organizer.errors import printable
from photo_organizer.formats import HEAD_SIZE, by_extension, identify
from photo_organizer.fsops import open_photo

MAX_FILES_CHECKED = 100_000
MAX_FILES_LISTED = 5


def extensions(configuration: Configuration) -> Iterator[Check]:
    """Check for photos whose extension does not match their format."""
    checked = 0
    wrong: list[str] = []
    for path in islice(photos_below(*configuration.libraries, *configuration.inbox_paths), MAX_FILES_CHECKED):
        checked += 1
        if kind := other_format(path):
            wrong.append(f"{printable(path)} is {kind}")
    if not wrong:
        yield ok("names", f"the extensions of {checked:,} photos match their formats")
        return
    named = "; ".join(wrong[:MAX_FILES_LISTED])
    more = f" and {len(wrong) - MAX_FILES_LISTED:,} more" if len(wrong) > MAX_FILES_LISTED else ""
    remedy = "they are filed anyway; rename them if other programs cannot open them"
    yield hint("names", f"wrong extensions: {named}{more}", remedy)


def photos_below(*folders: Path) -> Iterator[Path]:
    """Yield files with a photo's extension in `folders`, without symbolic links and hidden folders."""
    for top in folders:
        for folder, inner, names in os.walk(top):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and by_extension(name) is not None:
                    yield Path(folder, name)


def other_format(path: Path) -> str:
    """Return the real format of `path`; empty if its extension matches or it cannot be read."""
    try:
        descriptor = open_photo(path)
    except OSError:
        return ""
    try:
        found = identify(os.pread(descriptor, HEAD_SIZE, 0), path)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    expected = by_extension(path)
    # RAW formats are variants of TIFF and are not told apart
    if found is None or expected is None or found is expected or (found.is_raw and expected.is_raw):
        return ""
    return found.name
