"""What vision's tests do with a client."""

from __future__ import annotations

import time
from pathlib import Path

from photo_organizer.photo import FileIdentity, Photo
from photo_organizer.vision.client.client import VisionClient
from photo_organizer.vision.outcome import Outcome


def seen(path: Path) -> Photo:
    """The file as the inbox would hand it over."""
    return Photo(path, FileIdentity.of(path.lstat()))


def outcomes(client: VisionClient, *, patience: float = 60) -> dict[str, Outcome]:
    """All that is in flight, by file name."""
    answered: dict[str, Outcome] = {}
    deadline = time.monotonic() + patience
    process = client.pid
    while client.in_flight:
        if client.pid != process:  # each start may take as long as the first, on a machine that is busy
            process, deadline = client.pid, time.monotonic() + patience
        due = client.next_due()
        wait = 5.0 if due is None else min(5.0, max(0.0, due - time.monotonic()))
        for outcome in client.poll(wait):
            assert outcome.photo.path.name not in answered
            answered[outcome.photo.path.name] = outcome
        assert time.monotonic() < deadline, f"{client.in_flight} photos without an answer"
    return answered
