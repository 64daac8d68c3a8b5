"""The library: the move protocol, its journal and ledger, recovery and undo. See `docs/reliability.md`."""

from photo_organizer.library.filing import Filing, FilingReport, Placed
from photo_organizer.library.history import Correction, Event
from photo_organizer.library.joining import JoinReport, Latecomer
from photo_organizer.library.ledger_rows import LedgerCheck
from photo_organizer.library.library import Library
from photo_organizer.library.records import Manner
from photo_organizer.library.recovery import Recovery
from photo_organizer.library.settings import LibrarySettings
from photo_organizer.library.troubles import (
    DestinationTrouble,
    JournalError,
    LibraryLocked,
    SourceTrouble,
    SourceTroubleKind,
)
from photo_organizer.library.undo import NothingToUndoError, Selection, UndoReport, UndoStep

__all__ = [
    "Correction",
    "DestinationTrouble",
    "Event",
    "Filing",
    "FilingReport",
    "JoinReport",
    "JournalError",
    "Latecomer",
    "LedgerCheck",
    "Library",
    "LibraryLocked",
    "LibrarySettings",
    "Manner",
    "NothingToUndoError",
    "Placed",
    "Recovery",
    "Selection",
    "SourceTrouble",
    "SourceTroubleKind",
    "UndoReport",
    "UndoStep",
]
