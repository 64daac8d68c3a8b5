"""What the journal knows of many photos at once: those in a folder, those filed lately, the batches."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from photo_organizer.library.plan.duplicates import current_place
from photo_organizer.library.record.history import Event, event
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import BROUGHT, JOINED, Details, Operation, State
from photo_organizer.photo import FileIdentity

_FINISHED = f"o.state IN ({State.DONE:d}, {State.RECORDED:d})"
_LOOKED_THROUGH = 50_000  # operations at the end of the journal, for the list of the last batches


@dataclass(frozen=True, slots=True)
class PlacedPhoto:
    """A photo as the journal knows it, and where it is believed to be now.

    Args:
        operation: what brought it there.
        location: its path, as the kernel has it.
    """

    operation: Operation
    location: bytes

    @property
    def place(self) -> Path:
        """Its path."""
        return Path(os.fsdecode(self.location))

    @property
    def event(self) -> Event:
        """What brought it there, as its owner sees it."""
        return event(self.operation)

    @property
    def sha256(self) -> str:
        """Of its content, in hex."""
        return self.operation.sha256.hex()

    @property
    def details(self) -> Details:
        """What the model said."""
        return self.operation.details

    @property
    def identity(self) -> FileIdentity:
        """The file as it was before it was moved; size and time stay the same when it is."""
        return self.operation.moves[0].identity


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """One batch.

    Args:
        id: as in the ledger.
        time: when it began.
        counts: photos by action.
        undone: how many of them have been taken back since.
        undoable: how many could be.
    """

    id: str
    time: datetime
    counts: Mapping[str, int]
    undone: int
    undoable: int


@dataclass(frozen=True, slots=True)
class HeldPhoto:
    """A photo that is left alone in its inbox: `undone`, or a `duplicate` that was skipped."""

    path: Path
    identity: FileIdentity
    action: str
    time: datetime
    original: Path | None


def photos_below(journal: Journal, folder: Path) -> Iterator[PlacedPhoto]:
    """What was last brought to each path below `folder`, companions left out; the disk is not asked."""
    start = os.fsencode(folder) + b"/"
    end = os.fsencode(folder) + b"0"  # which comes next after a slash
    condition = f"m.destination >= ? AND m.destination < ? AND {_FINISHED} AND o.undone_by IS NULL"
    newest = {operation.destination: operation for operation in journal.photos(condition, (start, end))}
    for operation in newest.values():
        yield PlacedPhoto(operation, operation.destination)


def filed_lately(journal: Journal, most: int, batch: str | None) -> Iterator[PlacedPhoto]:
    """The photos that were filed last (in that batch, if one is given), newest first."""
    condition = f"{BROUGHT} AND o.kind IN ('filed', 'corrected') AND {_FINISHED} AND o.undone_by IS NULL"
    parameters: tuple[object, ...] = (most,)
    if batch is not None:
        condition, parameters = f"o.batch = ? AND {condition}", (batch, most)
    seen: set[bytes] = set()
    for operation in list(journal.photos(f"{condition} ORDER BY o.id DESC LIMIT ?", parameters)):
        place = current_place(journal, operation)
        if place not in seen:
            seen.add(place)
            yield PlacedPhoto(operation, place)


def classified_lately(journal: Journal, most: int) -> Iterator[PlacedPhoto]:
    """The photos that a model decided about last, newest first; wherever they are now."""
    condition = f"o.kind IN ('filed', 'review') AND o.confidence IS NOT NULL AND {_FINISHED}"
    for operation in journal.photos(f"{condition} ORDER BY o.id DESC LIMIT ?", (most,)):
        yield PlacedPhoto(operation, operation.destination)


def last_batches(journal: Journal, most: int) -> list[BatchSummary]:
    """The last batches, newest first."""
    query = (
        "SELECT batch FROM (SELECT batch, id FROM operations WHERE kind <> ? ORDER BY id DESC LIMIT ?)"
        " GROUP BY batch ORDER BY MAX(id) DESC LIMIT ?"
    )
    return [
        _summary(journal, str(row[0])) for row in list(journal.rows(query, (JOINED, _LOOKED_THROUGH, most)))
    ]


def held_photos(journal: Journal, most: int) -> list[HeldPhoto]:
    """What is left alone until its owner touches it, the last first; the disk is not asked."""
    query = (
        "SELECT h.path, h.size, h.mtime_ns, o.kind, o.time, m.destination FROM held h"
        " JOIN operations o ON o.id = h.operation JOIN moves m ON m.operation = o.id AND m.position = 0"
        " ORDER BY h.operation DESC LIMIT ?"
    )
    return [
        HeldPhoto(
            Path(os.fsdecode(path)),
            FileIdentity(0, 0, size, mtime_ns),
            kind,
            datetime.fromisoformat(time),
            Path(os.fsdecode(destination)) if kind == "duplicate" else None,
        )
        for path, size, mtime_ns, kind, time, destination in journal.rows(query, (most,))
    ]


def _summary(journal: Journal, batch: str) -> BatchSummary:
    query = (
        "SELECT o.kind, MIN(o.time), COUNT(*), SUM(o.undone_by IS NOT NULL), SUM(o.undone_by IS NULL AND"  # noqa: S608 (ours)
        f" {BROUGHT} AND o.label <> 'skipped') FROM operations o"
        f" WHERE o.batch = ? AND o.kind <> '{JOINED}' AND {_FINISHED} GROUP BY o.kind"
    )
    counts: Counter[str] = Counter()
    undone = undoable = 0
    times = []
    for kind, time, photos, taken_back, open_still in journal.rows(query, (batch,)):
        counts[kind] += photos
        undone += taken_back
        undoable += open_still
        times.append(time)
    time = datetime.fromisoformat(min(times)) if times else datetime.fromtimestamp(0).astimezone()
    return BatchSummary(batch, time, counts, undone, undoable)
