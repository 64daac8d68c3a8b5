"""The library: the move protocol, its journal and ledger, recovery and undo. See `docs/reliability.md`."""

from photo_organizer.library.errors import (
    DestinationError,
    JournalError,
    LibraryLocked,
    SourceError,
    SourceErrorKind,
)
from photo_organizer.library.library import Library
from photo_organizer.library.locations import LibrarySettings
from photo_organizer.library.plan.filing import Filing, FilingReport, Placed
from photo_organizer.library.plan.late_companions import JoinReport, Latecomer
from photo_organizer.library.plan.owner_moves import Moved, MoveReport, OwnerMove
from photo_organizer.library.plan.undo import NothingToUndoError, Selection, UndoReport, UndoStep
from photo_organizer.library.record.history import Correction, Event, MovedFile
from photo_organizer.library.record.ledger_rows import LedgerCheck
from photo_organizer.library.record.listing import BatchSummary, HeldPhoto, PlacedPhoto
from photo_organizer.library.record.operation import TransferMode
from photo_organizer.library.recovery import Recovery

__all__ = [
    "BatchSummary",
    "Correction",
    "DestinationError",
    "Event",
    "Filing",
    "FilingReport",
    "HeldPhoto",
    "JoinReport",
    "JournalError",
    "Latecomer",
    "LedgerCheck",
    "Library",
    "LibraryLocked",
    "LibrarySettings",
    "MoveReport",
    "Moved",
    "MovedFile",
    "NothingToUndoError",
    "OwnerMove",
    "Placed",
    "PlacedPhoto",
    "Recovery",
    "Selection",
    "SourceError",
    "SourceErrorKind",
    "TransferMode",
    "UndoReport",
    "UndoStep",
]
