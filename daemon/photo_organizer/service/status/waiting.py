"""What waits in the inboxes, in words, from status.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_WORDS = {
    "queued": "waiting",
    "settling": "being written",
    "unsettled": "still changing",
    "incomplete": "incomplete, waiting for the rest",
    "retrying": "to be tried again",
    "left_alone": "left alone (put back by undo, or a duplicate)",
    "originals": "in the library as a copy or link",
    "not_images": "not an image, left alone",
    "orphans": "companions without a photo",
    "videos": "videos",
}


def waiting_lines(values: dict[str, Any]) -> Iterator[str]:
    """A line for each kind of file that waits, with its number; none when nothing waits."""
    for key, word in _WORDS.items():
        if values.get(key):
            yield f"{values[key]:,} {word}"
    for extra, count in (values.get("waiting_for_extra") or {}).items():
        yield f"{count:,} waiting for pip install 'smart-photo-organizer[{extra}]'"
    for folder in values.get("skipped_folders") or ():
        yield f"{folder} is left alone"
    for inbox in values.get("missing_inboxes") or ():
        yield f"{inbox} is missing"
