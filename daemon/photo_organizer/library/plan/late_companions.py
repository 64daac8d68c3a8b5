"""A companion that arrives after its photo was filed: which photo it belongs to, and its name beside it.

Which names belong together `companions/` knows; here the photos are looked up that it shall be asked about.
Names come again (a camera counts to 9999 and begins anew), so that a companion joins only a photo that is
near in time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from photo_organizer.companions.kinds import Kind, kind_of
from photo_organizer.crash_log import CrashLog
from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import DestinationError, SourceError, one_photo
from photo_organizer.library.move.executor import Executor, MovePlan
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.plan.free_names import GroupNames, goes_by_stem, late_name, split_extension
from photo_organizer.library.plan.undo import Undoer
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import BROUGHT, JOINED, Move, Operation, State, TransferMode
from photo_organizer.photo import Photo

_FILED_FROM = (
    "SELECT o.id, m.source FROM moves m JOIN operations o ON o.id = m.operation"  # noqa: S608 (constants of ours)
    " WHERE m.position = 0 AND m.source >= ? AND m.source <= ?"
    f" AND {BROUGHT} AND o.state IN ({State.DONE:d}, {State.RECORDED:d})"
    " AND o.undone_by IS NULL ORDER BY o.id DESC"
)
_NEAR_NS = 5 * 60 * 10**9
_SAME_ARRIVAL_NS = 24 * 3600 * 10**9
_RECORDED_WITH_THE_PHOTO = frozenset({".lrv", ".thm", ".wav", ".insv", ".mp4", ".mov"})
"""Companions that a camera writes at the time of the photo itself."""

_SUFFIXES = 3  # `IMG_1.jpg.supplemental-metadata.json`


class Latecomer(Protocol):
    """A companion that stands alone, and what its name says about the photo that it belongs to."""

    @property
    def companion(self) -> Photo: ...

    def fits(self, photo_name: str) -> bool:
        """Whether it belongs to a photo that had this name, in the same folder."""
        ...


@dataclass(frozen=True, slots=True)
class JoinReport:
    """What became of late companions.

    Args:
        joined: moved beside their photos, with their paths there.
        orphans: no photo that they could belong to has been filed from their folder (or it is not there any
            more).
        set_aside: trouble with the companion itself; to be offered again later.
        pause: why no more can be moved now.
    """

    joined: tuple[tuple[Photo, Path], ...] = ()
    orphans: tuple[Photo, ...] = ()
    set_aside: tuple[tuple[Photo, SourceError], ...] = ()
    pause: DestinationError | None = None


@dataclass(frozen=True, slots=True)
class Joiner:
    """Finds the photos of late companions."""

    operations: FileOperations
    journal: Journal
    undoer: Undoer
    crash_log: CrashLog

    def join(self, latecomers: Sequence[Latecomer], inbox: Path, engine: Executor) -> JoinReport:
        """Bring each companion beside its photo, in the way that the photo came: moved, copied or linked.

        Raises:
            DestinationError: the state directory fails.
        """
        pairs: list[tuple[Photo, MovePlan | None]] = []
        joined: list[tuple[Photo, Path]] = []
        set_aside: list[tuple[Photo, SourceError]] = []
        for latecomer in latecomers:
            companion = latecomer.companion
            try:
                with one_photo(os.fsencode(companion.path), self.crash_log):
                    pairs.append((companion, self.draft(latecomer, inbox)))
            except SourceError as trouble:
                set_aside.append((companion, trouble))
        belonging = [(companion, draft) for companion, draft in pairs if draft is not None]
        outcomes = engine.run([draft for _, draft in belonging])
        pause = None
        for (companion, _), outcome in zip(belonging, outcomes, strict=True):
            if outcome.trouble is None:
                joined.append((companion, Path(os.fsdecode(outcome.operation.destination))))
                pause = pause or outcome.row_trouble
            elif isinstance(outcome.trouble, SourceError):
                set_aside.append((companion, outcome.trouble))
            else:
                pause = pause or outcome.trouble
        orphans = tuple(companion for companion, draft in pairs if draft is None)
        return JoinReport(tuple(joined), orphans, tuple(set_aside), pause)

    def draft(self, latecomer: Latecomer, inbox: Path) -> MovePlan | None:
        """What has to be moved, or None for an orphan."""
        companion = latecomer.companion
        path = os.fsencode(companion.path)
        if self.journal.is_held(path, companion.identity):
            return None  # its owner has had it taken back
        for photo in self._photos(path, latecomer.fits):
            reason = nearness(companion, photo, self.undoer.time)
            if not reason:
                continue
            place = self.undoer.current_place(photo)
            if not self._is_there(place, photo.destination_root):
                continue
            if photo.transfer_mode is not TransferMode.MOVE and self._came_before(path, photo):
                return None
            own, name_before = os.path.basename(path), os.path.basename(photo.source)
            name = late_name(own, name_before, os.path.basename(place))
            move = Move(path, os.path.join(os.path.dirname(place), name), companion.identity)
            joining = Operation(
                0, photo.batch, JOINED, self.undoer.time, photo.sha256, (move,), len(os.fsencode(inbox)),
                photo.destination_root, reason=reason, parent=photo.id, transfer_mode=photo.transfer_mode,
            )  # fmt: skip
            # one that is not named after its photo's stem is told by no name anyway
            return MovePlan(joining, GroupNames(name), may_be_numbered=not goes_by_stem(own, name_before))
        return None

    def _photos(self, companion: bytes, fits: Callable[[str], bool]) -> Iterator[Operation]:
        """The photos filed from the companion's folder that it belongs to: those of its stem first, then of
        names that begin as its own does up to the first dot, then any; of each the newest first.
        """
        for low, high in _ranges(companion):
            for number, source in self.journal.rows(_FILED_FROM, (low, high)):
                folder, name = os.path.split(source)
                if folder == os.path.dirname(companion) and fits(os.fsdecode(name)):
                    yield from self.journal.select("o.id = ?", (number,))

    def _came_before(self, companion: bytes, photo: Operation) -> bool:
        """Whether the companion at this path was copied or linked with its photo, or joined it, before."""
        return any(
            move.source == companion for part in (photo, *self.undoer.joined(photo)) for move in part.moves
        )

    def _is_there(self, place: bytes, root: int) -> bool:
        try:
            with Folders(self.operations) as folders:
                folder = folders.open(OpenFolder(os.path.dirname(place), root))
                self.operations.status(os.path.basename(place), folder)
        except OSError:
            return False
        return True


def nearness(companion: Photo, photo: Operation, now: str) -> str:
    """Say in what a companion is near in time to a photo that was filed before; empty when it is not.

    A video or another picture has a time of its own: it must be the photo's. A file that only describes a
    photo may be written much later, and belongs to it when both arrive together.
    """
    identity = photo.moves[0].identity
    if _are_near(companion.identity.mtime_ns, identity.mtime_ns):
        return "named like the photo, and of the same time"
    taken = _nanoseconds(photo.details.taken)
    if taken is not None and _are_near(companion.identity.mtime_ns, taken):
        return "named like the photo, and of the time when that was taken"
    kind = kind_of(companion.path.name)
    if kind is Kind.COMPANION and companion.path.suffix.lower() not in _RECORDED_WITH_THE_PHOTO:
        filed, arrived = _nanoseconds(photo.time), _nanoseconds(now)
        if filed is not None and arrived is not None and 0 <= arrived - filed <= _SAME_ARRIVAL_NS:
            return "named like the photo, and arrived with it"
    return ""


def _are_near(one: int, other: int) -> bool:
    return abs(one - other) <= _NEAR_NS


def _nanoseconds(moment: str) -> int | None:
    """Return an ISO 8601 moment as nanoseconds since 1970; None where it is none, or outside of all
    calendars.
    """
    try:
        return int(datetime.fromisoformat(moment).timestamp()) * 10**9
    except (ValueError, OverflowError, OSError):
        return None


def _ranges(companion: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Between which two paths to look for the photo, the nearest first: each is a look at an index."""
    folder, name = os.path.split(companion)
    stem = name
    for _ in range(_SUFFIXES):
        stem, extension = split_extension(stem)
        if not extension:
            break
        path = os.path.join(folder, stem)
        yield path, path  # the companion's name is the photo's and an extension more
        yield path + b".", path + b"/"  # all names with this stem: a slash comes next after a dot
    beginning = os.path.join(folder, name.split(b".")[0])
    yield beginning, beginning + b"\xff"
    yield folder + b"/", folder + b"0"  # which comes next after a slash
