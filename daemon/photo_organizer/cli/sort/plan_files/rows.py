"""One photo and what is done with it, with the ledger's columns as keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from photo_organizer.library import Filing, Placed

CONFIDENCE_DIGITS = 4


def row_of(filing: Filing, placed: Placed, *, batch: str, time: str) -> dict[str, Any]:
    """Return the row of a photo that is placed, or planned to be (then `batch` is empty).

    Numbers are numbers, and null where there are none; paths are as the disk has them, see `printable_row`.
    """
    decision, prediction = filing.decision, filing.prediction
    return {
        "time": time,
        "batch": batch,
        "action": str(placed.action),
        "sha256": prediction.sha256 if prediction else "",
        "source": os.fspath(filing.group.photo.path),
        "destination": os.fspath(placed.destination),
        "category": decision.category if decision else "",
        "confidence": _rounded(decision.confidence if decision else None),
        "second_category": decision.second_category if decision else "",
        "second_confidence": _rounded(decision.second_confidence if decision else None),
        "threshold": _rounded(decision.threshold if decision else None),
        "model": prediction.model if prediction else "",
    }


def printable_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return `row` with its paths escaped as in the ledger, for any JSON reader."""
    from photo_organizer.library.record.ledger_text import escape

    return {key: escape(value) if isinstance(value, str) else value for key, value in row.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, CONFIDENCE_DIGITS)


def shown_path(path: Path | str) -> str:
    """Return a path with ~ for the home folder."""
    home = os.path.expanduser("~")  # noqa: PTH111 (no path is made of it)
    text = os.fspath(path)
    return "~" + text[len(home) :] if home != "/" and text.startswith(home + "/") else text
