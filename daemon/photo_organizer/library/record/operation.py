"""What the journal holds: operations, each a photo with its companions, and how far they got."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from photo_organizer.photo import Action, FileIdentity

JOINED = "joined"
"""The kind of an operation that moves a late companion to its photo."""

UNJOINED = "unjoined"
"""The kind of an operation that takes such a companion back, and it alone."""

WITHOUT_ROW = (JOINED, UNJOINED)
"""The kinds that have no row in the ledger, which is about photos."""

SKIPPED = "skipped"
"""The label of a duplicate that was left in its inbox: there is nothing to take back."""

AGAIN = "again"
"""The label of an undo after which the photo is not held: it is taken again as if it were new."""

# the kinds that brought a photo into the library (or quarantine), from where undo can take it back
FILING_KINDS = ("filed", "review", "duplicate", "quarantined")
_FILED = ", ".join(repr(kind) for kind in FILING_KINDS)
BROUGHT = f"(o.kind IN ({_FILED}) OR (o.kind = 'corrected' AND NOT o.observed))"
"""The operations that moved a photo to where it was wanted (SQL over `o`): filed, or put there."""


RESERVED = 1
"""`Operation.reserved` before the inode of the file that takes the name is known."""


class TransferMode(StrEnum):
    """How a photo comes into the library; with all but MOVE its source stays as it is."""

    MOVE = "move"
    COPY = "copy"
    LINK = "link"
    SYMLINK = "symlink"


class State(IntEnum):
    INTENT = 0
    DONE = 1
    RECORDED = 2
    ABANDONED = 3


@dataclass(frozen=True, slots=True)
class Move:
    """One file of an operation.

    Args:
        identity: what was at the source when it was decided.
        sha256: known for photos, and for all files that cross devices.
        position: 0 for the photo, then its companions; stays the same when others drop out.
    """

    source: bytes
    destination: bytes
    identity: FileIdentity
    sha256: bytes | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Details:
    """What the model and the thresholds said; kept for the ledger and for `why`. Empty for a photo without
    prediction.
    """

    category: str = ""
    confidence: float | None = None
    second_category: str = ""
    second_confidence: float | None = None
    threshold: float | None = None
    model: str = ""
    engine: str = ""
    decoder: str = ""
    categories: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    taken: str = ""
    """When the photo was taken, by its own EXIF, in ISO 8601; empty where that is not known."""
    camera: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """A photo (the first move) and its companions.

    Args:
        id: 0 until it is in the journal.
        kind: an `Action`, `JOINED` or `UNJOINED`.
        source_root, destination_root: length of the trusted beginning of the paths, see `OpenFolder`.
        parent: the operation that this one takes back or joins.
        label: the owner's category, for `corrected`.
        reserved: a name was taken by an empty file of ours first (the last resort of `copying.py`).
        transfer_mode: how the files come to their destinations; of one that takes another back, that one's.
        observed: of a correction, that the owner had moved the photo already, and it was only written down:
            there is nothing to take back.
    """

    id: int
    batch: str
    kind: str
    time: str
    sha256: bytes
    moves: tuple[Move, ...]
    source_root: int
    destination_root: int
    details: Details = Details()
    reason: str = ""
    parent: int | None = None
    label: str = ""
    state: State = State.INTENT
    undone_by: int | None = None
    reserved: int = 0
    transfer_mode: TransferMode = TransferMode.MOVE
    observed: bool = False

    @property
    def is_withdrawal(self) -> bool:
        """Whether it takes copies or links back: what was made at its sources goes, for the originals are at
        its destinations.
        """
        return self.takes_back and self.transfer_mode is not TransferMode.MOVE

    @property
    def holds(self) -> bool:
        """Whether it puts a photo or companion back in its inbox to be left alone there."""
        return self.takes_back and not self.is_withdrawal and self.label != AGAIN

    @property
    def takes_back(self) -> bool:
        """Whether it takes another operation, its parent, back."""
        return self.kind in {Action.UNDONE, UNJOINED}

    @property
    def source(self) -> bytes:
        return self.moves[0].source

    @property
    def destination(self) -> bytes:
        return self.moves[0].destination

    def renamed(self, names: Sequence[bytes]) -> Operation:
        """The same with other names in the destination folder."""
        folder = os.path.dirname(self.destination)
        pairs = zip(self.moves, names, strict=True)
        return replace(
            self, moves=tuple(replace(move, destination=os.path.join(folder, name)) for move, name in pairs)
        )
