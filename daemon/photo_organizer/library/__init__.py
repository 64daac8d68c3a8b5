"""The library: the move protocol, its journal and ledger, recovery and undo. See `docs/reliability.md`."""

from .filing import Filing, FilingReport, Placed
from .history import Correction, Event
from .joining import JoinReport, Latecomer
from .ledger_rows import LedgerCheck
from .library import Library
from .moving import Moved, MoveReport, OwnerMove
from .records import Manner
from .recovery import Recovery
from .settings import LibrarySettings
from .troubles import (
    DestinationTrouble,
    JournalError,
    LibraryLocked,
    SourceTrouble,
    SourceTroubleKind,
)
from .undo import NothingToUndoError, Selection, UndoReport, UndoStep

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
    "MoveReport",
    "Moved",
    "NothingToUndoError",
    "OwnerMove",
    "Placed",
    "Recovery",
    "Selection",
    "SourceTrouble",
    "SourceTroubleKind",
    "UndoReport",
    "UndoStep",
]
