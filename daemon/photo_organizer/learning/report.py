"""The report of a retraining."""

from __future__ import annotations

from pathlib import Path

from photo_organizer.learning.plan import Judgement


def write_report(judgement: Judgement, folder: Path) -> None:
    """X."""
    folder.mkdir()
    (folder / "index.html").write_text("x")
