"""Asks the grouping process, which is started for each request and ends with it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

PROCESS = "photo_organizer.vision.look_alikes"
_LONGEST_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups, as indices into the request, and when each photo was taken (seconds)."""

    groups: tuple[tuple[int, ...], ...]
    times: tuple[float, ...]


AskedPhoto = tuple[str, float, str]
"""SHA-256 in hex (or empty), the file's time in seconds, and what the model takes it for (or empty)."""


def alone(photos: Sequence[AskedPhoto]) -> Grouping:
    """Return each photo as its own group, by time: while there is no answer, or after a failure."""
    times = tuple(modified for _, modified, _ in photos)
    return Grouping(tuple((index,) for index in sorted(range(len(photos)), key=times.__getitem__)), times)


def grouped(store: Path, photos: Sequence[AskedPhoto]) -> Grouping:
    """Return bursts and look-alikes among `photos`; takes seconds for thousands of them.

    Args:
        store: the feature store's file.
        photos: see `AskedPhoto`.
    """
    request = json.dumps({"store": str(store), "photos": list(photos)})
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", PROCESS],
            input=request.encode(),
            capture_output=True,
            check=True,
            timeout=_LONGEST_SECONDS,
        )
        answer = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        detail = getattr(error, "stderr", b"") or b""
        lines = detail.decode("utf-8", "replace").splitlines()
        log.warning("look-alikes are not grouped: %s", lines[-1] if lines else error)
        return alone(photos)
    return Grouping(tuple(tuple(part) for part in answer["groups"]), tuple(answer["times"]))
