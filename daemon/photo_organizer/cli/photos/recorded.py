"""One recorded action of a photo as JSON, for `history` and `search`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from photo_organizer.library import Event


def event_values(event: Event) -> dict[str, Any]:
    """Return an event under the ledger's column names, with the journal's further details."""
    from photo_organizer.library.record.ledger_text import COLUMNS, escape

    details = event.details
    row = (
        event.time.isoformat(), event.batch, event.action, event.sha256, escape(str(event.source)),
        escape(str(event.destination)), details.category, details.confidence, details.second_category,
        details.second_confidence, details.threshold, details.model,
    )  # fmt: skip
    return {
        **dict(zip(COLUMNS, row, strict=True)),
        "label": event.label,
        "taken": details.taken or None,
        "camera": details.camera or None,
        "companions": [escape(str(path)) for path in event.companions],
        "undone": event.undone,
    }
