"""The check of photos whose extension promises another format."""

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

MOST_FILES_LOOKED_AT = 100_000
MOST_FILES_NAMED = 5


def extensions(configuration: Configuration) -> Iterator[Check]:
    """Check for photos whose name promises another format than their content has."""
    looked_at = 0
    wrong: list[str] = []
    for path in islice(
        photos_below(*configuration.libraries, *configuration.inbox_paths), MOST_FILES_LOOKED_AT
    ):
        looked_at += 1
        if kind := other_format(path):
            wrong.append(f"{printable(path)} is {kind}")
    if not wrong:
        yield ok("names", f"{looked_at:,} photos have the extension of their format")
        return
    named = "; ".join(wrong[:MOST_FILES_NAMED])
    more = f" and {len(wrong) - MOST_FILES_NAMED:,} more" if len(wrong) > MOST_FILES_NAMED else ""
    remedy = "they are filed all the same; rename them if other programs stumble"
    yield hint("names", f"wrong extensions: {named}{more}", remedy)


def photos_below(*folders: Path) -> Iterator[Path]:
    """Files with a photo's extension in `folders`; symbolic links and hidden folders are passed over."""
    for top in folders:
        for folder, inner, names in os.walk(top):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and by_extension(name) is not None:
                    yield Path(folder, name)


def other_format(path: Path) -> str:
    """The format that `path` really has; empty when its extension is right, or it cannot be read."""
    try:
        descriptor = open_photo(path)
    except OSError:
        return ""
    try:
        told = identify(os.pread(descriptor, HEAD_SIZE, 0), path)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    promised = by_extension(path)
    # one family: every RAW maker writes TIFF, and HEIF's brands are used for each other's
    if told is None or promised is None or told is promised or (told.is_raw and promised.is_raw):
        return ""
    return told.name
