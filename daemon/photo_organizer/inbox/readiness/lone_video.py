"""How long a video waits for the picture that it may belong to, before it is a video of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence

from photo_organizer import fsops
from photo_organizer.companions.kinds import Kind, is_of_a_recording, kind_of, may_accompany

_USUAL_SECONDS = 60.0
"""An upload sends a Live Photo's two files one after the other, in any order."""

_LIVE_PHOTO = b"com.apple.quicktime.content.identifier"
"""The key that pairs the two files of a Live Photo; other videos have none."""

_LOOKED_AT = 256 * 1024


def seconds_to_wait(path: str, companions: Sequence[str], *, at_most: float) -> float:
    """Return for how many seconds a video without a picture may still get one.

    Args:
        path: of the video.
        companions: the names that belong to it.
        at_most: how long one that is half of a Live Photo waits.
    """
    name = os.path.basename(path)
    if kind_of(name) is not Kind.VIDEO or not may_accompany(name):
        return 0.0
    if any(is_of_a_recording(companion) for companion in companions):
        return 0.0
    return max(at_most, _USUAL_SECONDS) if _is_of_live_photo(path) else _USUAL_SECONDS


def _is_of_live_photo(path: str) -> bool:
    """Return whether it says so where videos keep their metadata: near the beginning or the end."""
    try:
        descriptor = fsops.open_photo(os.fsencode(path))
    except OSError:  # gone or closed to us: whoever opens it next will say so
        return False
    try:
        size = os.fstat(descriptor).st_size
        starts = {0, max(0, size - _LOOKED_AT)}
        return any(_LIVE_PHOTO in os.pread(descriptor, _LOOKED_AT, start) for start in starts)
    except OSError:
        return False
    finally:
        os.close(descriptor)
