"""Whether a video ends before its own structure says so, as one does that is still being uploaded."""

from __future__ import annotations

import os

from photo_organizer import fsops
from photo_organizer.boxes import top_level_boxes

_KIND, _INDEX = b"ftyp", b"moov"
_KNOWN = frozenset(
    {
        _KIND, _INDEX, b"mdat", b"wide", b"free", b"skip", b"pnot", b"meta", b"uuid", b"moof", b"mfra",
        b"styp", b"sidx", b"pdin", b"prfl", b"udta",
    }
)  # fmt: skip


def video_ends_early(path: str) -> bool:
    """Return whether an MP4 or MOV lacks a part of its data, or the index that no player can do without.

    Only the headers of its boxes are read. A video of another kind, or with unknown boxes, counts as whole.
    """
    try:
        descriptor = fsops.open_photo(os.fsencode(path))
    except OSError:  # gone or closed to us: whoever opens it next will say so
        return False
    try:
        size = os.fstat(descriptor).st_size
        boxes = list(top_level_boxes(lambda length, at: os.pread(descriptor, length, at), size))
    except (OSError, ValueError):
        return False
    finally:
        os.close(descriptor)
    if not boxes:
        return True
    names = {box.name for box in boxes}
    if not names <= _KNOWN or names == {_KIND}:
        return False
    return _INDEX not in names or boxes[-1].end > size
