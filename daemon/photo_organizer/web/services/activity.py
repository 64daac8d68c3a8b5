"""The view of what happened: batches, quarantine, and what is left alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from photo_organizer.config import Configuration
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.library import BatchSummary, HeldPhoto, Library, Selection
from photo_organizer.photo import Action
from photo_organizer.web.services.photo_service import PhotoService
from photo_organizer.web.services.photos import KnownPhoto, ShownPhoto

_BATCHES = 100
_HELD = 200
_QUARANTINED = 500


def overview(configuration: Configuration, library: Library, photos: PhotoService) -> dict[str, Any]:
    """Return everything that the view shows."""
    return {
        "batches": [_batch(summary) for summary in library.last_batches(_BATCHES)],
        "quarantine": _quarantine(configuration, library, photos),
        "held": [_held(photo) for photo in library.held_photos(_HELD) if _is_there(configuration, photo)],
    }


def try_again(library: Library, photos: Sequence[ShownPhoto]) -> dict[str, Any]:
    """Put photos back in their inbox, from where the daemon files them like new ones."""
    back = 0
    refused = []
    for photo in photos:
        try:
            report = library.undo(Selection(photo=photo.photo.path), hold=False)
        except OrganizerError as error:
            refused.append({"name": printable(photo.photo.path.name), "reason": str(error)})
            continue
        back += len(report.undone)
        refused += [
            {"name": printable(step.source.name), "reason": error.what} for step, error in report.refused
        ]
    return {"back": back, "refused": refused}


def _batch(summary: BatchSummary) -> dict[str, Any]:
    return {
        "id": summary.id,
        "time": summary.time.isoformat(),
        "counts": dict(summary.counts),
        "undone": summary.undone,
        "undoable": summary.undoable,
    }


def _quarantine(configuration: Configuration, library: Library, photos: PhotoService) -> list[dict[str, Any]]:
    found = []
    last = {photo.location: photo for photo in library.photos_below(configuration.quarantine_directory)}
    for placed in last.values():
        try:
            status = placed.place.lstat()
        except OSError:  # its owner has taken it away
            continue
        shown = photos.shown.show(placed.place, status, KnownPhoto.of(placed))
        found.append(
            {
                "id": shown.id,
                **shown.to_json(),
                "reason": placed.event.reason or "it cannot be read as an image",
                "when": placed.event.time.isoformat(),
                "from": printable(placed.event.source),
            }
        )
    return found[::-1][:_QUARANTINED]


def _held(photo: HeldPhoto) -> dict[str, Any]:
    if photo.action == Action.DUPLICATE:
        reason = f"the same bytes as {printable(photo.original)}"
    else:
        reason = "put back by undo"
    return {"name": printable(photo.path), "reason": reason, "when": photo.time.isoformat()}


def _is_there(configuration: Configuration, photo: HeldPhoto) -> bool:
    """Return whether it is still in an inbox, unchanged."""
    if not any(photo.path.is_relative_to(inbox) for inbox in configuration.inbox_paths):
        return False
    try:
        status = os.lstat(photo.path)
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (photo.identity.size, photo.identity.mtime_ns)
