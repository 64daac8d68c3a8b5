"""What the journal knows of many photos at once: those in a folder, those filed lately, the batches."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from photo_organizer.library.plan.duplicates import current_place
from photo_organizer.library.record.history import Event, event
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import BROUGHT, JOINED, Details, Operation, State
from photo_organizer.photo import FileIdentity

_FINISHED = f"o.state IN ({State.DONE:d}, {State.RECORDED:d})"


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
        categories: photos by the category that they were filed in, or moved to by their owner.
        took_back: the batches from which it took photos back, when it is an undo.
        undone: how many of them have been taken back since.
        undoable: how many could be.
    """

    id: str
    time: datetime
    counts: Mapping[str, int]
    categories: Mapping[str, int]
    took_back: tuple[str, ...]
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
    """What was brought to paths below `folder`, companions left out; the disk is not asked.

    Oldest first: of two that were brought to the same path, the later one is what was there last. They are
    read as they are asked for, so that many take no room.
    """
    condition = f"m.destination >= ? AND m.destination < ? AND {_FINISHED} AND o.undone_by IS NULL"
    for operation in journal.photos(condition, _range_below(folder)):
        yield PlacedPhoto(operation, operation.destination)


def surest_below(journal: Journal, folder: Path, most: int) -> Iterator[PlacedPhoto]:
    """Yield the photos below `folder` that the model was surest of; at most `most`, the surest first."""
    start, end = _range_below(folder)
    condition = f"m.destination >= ? AND m.destination < ? AND {_FINISHED} AND o.undone_by IS NULL"
    for operation in journal.photos(f"{condition} ORDER BY o.confidence DESC LIMIT ?", (start, end, most)):
        yield PlacedPhoto(operation, operation.destination)


def _range_below(folder: Path) -> tuple[bytes, bytes]:
    """The paths below `folder` are those from the first up to, and without, the second."""
    name = os.fsencode(folder)
    return name + b"/", name + b"0"  # which comes next after a slash


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
    return list(islice(batches(journal), most))


def batches(journal: Journal, since: datetime | None = None) -> Iterator[BatchSummary]:
    """Yield every batch, the one in which something was done last first.

    Args:
        journal: where they are.
        since: leave out those in which nothing was done since then; with a time zone.
    """
    # answered by the index alone
    query = "SELECT batch, MAX(id) AS last FROM operations GROUP BY batch ORDER BY last DESC"
    for batch, last in list(journal.rows(query)):
        if since is not None and _time_of(journal, last) < since:
            return
        summary = _summary(journal, str(batch))
        if summary.counts:
            yield summary


def photos_of_batch(journal: Journal, batch: str) -> Iterator[Operation]:
    """Yield what was done with each photo of a batch, in order; late companions are left out."""
    return journal.select(f"o.batch = ? AND o.kind <> '{JOINED}' AND {_FINISHED} ORDER BY o.id", (batch,))


def _time_of(journal: Journal, number: int) -> datetime:
    return datetime.fromisoformat(str(journal.value("SELECT time FROM operations WHERE id = ?", (number,))))


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
        "SELECT o.kind, CASE o.kind WHEN 'filed' THEN o.category WHEN 'corrected' THEN o.label ELSE '' END,"  # noqa: S608 (ours)
        " MIN(o.time), COUNT(*), SUM(o.undone_by IS NOT NULL), SUM(o.undone_by IS NULL AND"
        f" {BROUGHT} AND o.label <> 'skipped') FROM operations o"
        f" WHERE o.batch = ? AND o.kind <> '{JOINED}' AND {_FINISHED} GROUP BY 1, 2"
    )
    counts: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    undone = undoable = 0
    times = []
    for kind, category, time, photos, taken_back, open_still in journal.rows(query, (batch,)):
        counts[kind] += photos
        if category:
            categories[category] += photos
        undone += taken_back
        undoable += open_still
        times.append(datetime.fromisoformat(time))
    began = min(times) if times else datetime.fromtimestamp(0).astimezone()
    took_back = _batches_taken_back(journal, batch) if counts["undone"] else ()
    return BatchSummary(batch, began, +counts, categories, took_back, undone, undoable)


def _batches_taken_back(journal: Journal, batch: str) -> tuple[str, ...]:
    query = (
        "SELECT DISTINCT p.batch FROM operations o JOIN operations p ON p.id = o.parent"  # noqa: S608 (ours)
        f" WHERE o.batch = ? AND o.kind = 'undone' AND {_FINISHED} ORDER BY p.id"
    )
    return tuple(str(row[0]) for row in journal.rows(query, (batch,)))
