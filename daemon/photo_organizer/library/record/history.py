"""Looking back: what was done with a photo, and what its owner has corrected since."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath

from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import (
    JOINED,
    SKIPPED,
    Details,
    Move,
    Operation,
    State,
    TransferMode,
)
from photo_organizer.photo import Action, FileIdentity

_FINISHED = f"o.state IN ({State.DONE:d}, {State.RECORDED:d})"
_MOVED = f"{_FINISHED} AND o.label <> '{SKIPPED}' AND o.kind NOT IN ('undone', 'unjoined', 'quarantined')"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done with a photo.

    Args:
        action: an `Action`, or `joined` for a companion that arrived late.
        companions: where they went, if any.
        details: what the model said, with all probabilities.
        label: for `corrected`, the owner's category.
        undone: taken back since.
        transfer_mode: how it came there.
    """

    number: int
    batch: str
    action: str
    time: datetime
    sha256: str
    source: Path
    destination: Path
    companions: tuple[Path, ...]
    details: Details
    reason: str
    label: str
    undone: bool
    transfer_mode: TransferMode = TransferMode.MOVE


@dataclass(frozen=True, slots=True)
class Correction:
    """The owner has moved a photo from one category to another.

    Args:
        sha256: of the photo, in hex.
        source, destination: its path before and now.
        category: the owner's.
    """

    sha256: str
    source: Path
    destination: Path
    category: str


@dataclass(frozen=True, slots=True)
class MovedFile:
    """A file that an operation put somewhere.

    Args:
        kind: of the operation: an `Action`, or `joined`.
        sha256: of the operation's photo, in hex; a companion's own is not known.
        is_companion: whether it is a companion of that photo.
        path: where it was put, as the kernel has it.
        root: length of the library's path in it.
        identity: what it was before it was moved; device and inode change with the disk.
        category: the predicted one; empty for what no model looked at.
        label: the owner's category, for `corrected`.
        is_taken_back: whether undo has moved it back since.
    """

    kind: str
    sha256: str
    is_companion: bool
    path: bytes
    root: int
    identity: FileIdentity
    category: str
    label: str
    is_taken_back: bool

    @property
    def folder(self) -> PurePath:
        """The folder that it was put in, relative to the library."""
        return PurePath(os.fsdecode(os.path.dirname(self.path)[self.root :].lstrip(b"/")))


def event(operation: Operation) -> Event:
    """`operation` as the owner sees it."""
    return Event(
        operation.id, operation.batch, operation.kind, datetime.fromisoformat(operation.time),
        operation.sha256.hex(),
        _path(operation.source), _path(operation.destination),
        tuple(_path(move.destination) for move in operation.moves[1:]),
        operation.details, operation.reason, operation.label, operation.undone_by is not None,
        operation.transfer_mode,
    )  # fmt: skip


def finished_events(journal: Journal) -> Iterator[Event]:
    return (event(operation) for operation in journal.select(f"{_FINISHED} ORDER BY o.id"))


def moved_files(journal: Journal) -> Iterator[MovedFile]:
    """Yield every file of every filing, correction and late companion, in the order of the moves.

    One query for all, a row at a time: a hundred thousand photos take a second.
    """
    columns = "o.kind, o.sha256, o.destination_root, o.category, o.label, o.undone_by IS NOT NULL"
    for (kind, sha256, root, category, label, undone), move in journal.moves(columns, _MOVED):
        yield MovedFile(
            kind, sha256.hex(), kind == JOINED or move.position > 0, move.destination, root, move.identity,
            category, label, bool(undone),
        )  # fmt: skip


def events_of(journal: Journal, photo: Path | str) -> Iterator[Event]:
    """All events of the photo with this path or SHA-256 (and of the same bytes elsewhere), oldest first."""
    for sha256 in _hashes(journal, photo):
        for operation in journal.select(f"o.sha256 = ? AND {_FINISHED} ORDER BY o.id", (sha256,)):
            yield event(operation)


def _hashes(journal: Journal, photo: Path | str) -> list[bytes]:
    if isinstance(photo, str) and len(photo) == 64:
        try:
            return [bytes.fromhex(photo)]
        except ValueError:
            pass  # a path of that length
    path = os.fsencode(os.path.abspath(photo))
    condition = "o.id IN (SELECT operation FROM moves WHERE source = ? OR destination = ?) ORDER BY o.id DESC"
    return list(dict.fromkeys(o.sha256 for o in journal.select(condition, (path, path))))[:1]


def corrected(
    journal: Journal, correction: Correction, batch: str, time: str, libraries: Sequence[Path]
) -> Iterator[Operation]:
    """The operation that writes the correction down; none when it is known already."""
    sha256 = bytes.fromhex(correction.sha256)
    earlier = list(journal.select(f"o.sha256 = ? AND {_FINISHED} ORDER BY o.id", (sha256,)))
    source, destination = os.fsencode(correction.source), os.fsencode(correction.destination)
    known = [o for o in earlier if o.kind == Action.CORRECTED and o.undone_by is None]
    if known and (known[-1].destination, known[-1].label) == (destination, correction.category):
        return
    predicted = [o for o in earlier if o.details.model]
    details = predicted[-1].details if predicted else Details()
    source_root, root = (
        next(
            len(os.fsencode(library)) for library in (*libraries, path.parent) if path.is_relative_to(library)
        )
        for path in (correction.source, correction.destination)
    )
    identity = earlier[-1].moves[0].identity if earlier else FileIdentity(0, 0, 0, 0)
    move = Move(source, destination, identity, sha256)
    yield Operation(
        0, batch, Action.CORRECTED, time, sha256, (move,), source_root, root, details,
        label=correction.category, state=State.DONE, observed=True,
    )  # fmt: skip


def _path(path: bytes) -> Path:
    return Path(os.fsdecode(path))
