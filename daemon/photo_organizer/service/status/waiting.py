"""Describe the files waiting in the inboxes, from status.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_WORDS = {
    "queued": "waiting",
    "settling": "being written",
    "unsettled": "changing",
    "incomplete": "incomplete, waiting for the rest",
    "retrying": "to be retried",
    "left_alone": "ignored (put back by undo, or duplicates)",
    "originals": "in the library as a copy or link",
    "not_images": "not images",
    "orphans": "companions without a photo",
    "videos": "videos",
}


def waiting_lines(values: dict[str, Any]) -> Iterator[str]:
    """Yield the number of files of each kind that wait."""
    for key, word in _WORDS.items():
        if values.get(key):
            yield f"{values[key]:,} {word}"
    for extra, count in (values.get("waiting_for_extra") or {}).items():
        yield f"{count:,} waiting for `{install_command(extra)}`"
    for folder in values.get("skipped_folders") or ():
        yield f"{folder} is ignored"
    for inbox in values.get("missing_inboxes") or ():
        yield f"{inbox} is missing"


def install_command(extra: str) -> str:
    """Return the command that installs the decoders of an extra."""
    return f"pip install 'smart-photo-organizer[{extra}]'"
