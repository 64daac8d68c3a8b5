"""What is wrong with the journal, for those who only look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from photo_organizer.library.record.journal_health import JOURNAL, is_begun, journal_fault
from photo_organizer.library.record.ledger_rows import has_rows

if TYPE_CHECKING:
    from photo_organizer.config import Configuration


def journal_problem(configuration: Configuration) -> str:
    """Return what is wrong with the journal: damaged, or gone although photos were filed; else nothing."""
    path = configuration.state_directory / JOURNAL
    if fault := journal_fault(path):
        return f"the journal is damaged ({fault})"
    if not is_begun(path) and has_rows(configuration.ledger_path):
        return "the journal is gone, although the ledger has photos that were filed"
    return ""
