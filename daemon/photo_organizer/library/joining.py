"""A companion that arrives after its photo was filed: which photo it belongs to, and its name beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..fsops import FileOperations
from ..photo import Photo
from .engine import Draft, Engine
from .folders import Folders, Place
from .journal import Journal
from .names import GroupNames, companion_name, split_extension
from .records import FILING_KINDS, JOINED, Move, Operation, State
from .troubles import DestinationTrouble, SourceTrouble
from .undo import Undoer

_KINDS = ",".join(f"'{kind}'" for kind in FILING_KINDS)
_SUFFIXES = 3  # `IMG_1.jpg.supplemental-metadata.json`


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
    set_aside: tuple[tuple[Photo, SourceTrouble], ...] = ()
    pause: DestinationTrouble | None = None


@dataclass(frozen=True, slots=True)
class Joiner:
    """Finds the photos of late companions."""

    operations: FileOperations
    journal: Journal
    undoer: Undoer

    def join(self, companions: Sequence[Photo], inbox: Path, engine: Engine) -> JoinReport:
        """Moves each companion beside its photo.

        Raises:
            DestinationTrouble: the state directory fails.
        """
        pairs = [(companion, self.draft(companion, inbox)) for companion in companions]
        belonging = [(companion, draft) for companion, draft in pairs if draft is not None]
        outcomes = engine.run([draft for _, draft in belonging])
        joined: list[tuple[Photo, Path]] = []
        set_aside: list[tuple[Photo, SourceTrouble]] = []
        pause = None
        for (companion, _), outcome in zip(belonging, outcomes, strict=True):
            if outcome.trouble is None:
                joined.append((companion, Path(os.fsdecode(outcome.operation.destination))))
            elif isinstance(outcome.trouble, SourceTrouble):
                set_aside.append((companion, outcome.trouble))
            else:
                pause = outcome.trouble
        orphans = tuple(companion for companion, draft in pairs if draft is None)
        return JoinReport(tuple(joined), orphans, tuple(set_aside), pause)

    def draft(self, companion: Photo, inbox: Path) -> Draft | None:
        """What has to be moved, or None for an orphan."""
        path = os.fsencode(companion.path)
        for photo in self._photos(path):
            place = self.undoer.current_place(photo)
            if not self._is_there(place, photo.destination_root):
                continue
            name = companion_name(
                os.path.basename(path), os.path.basename(photo.source), os.path.basename(place)
            )
            move = Move(path, os.path.join(os.path.dirname(place), name), companion.identity)
            joining = Operation(
                0, photo.batch, JOINED, self.undoer.time, photo.sha256, (move,), len(os.fsencode(inbox)),
                photo.destination_root, parent=photo.id,
            )  # fmt: skip
            return Draft(joining, GroupNames(name), may_be_numbered=False)
        return None

    def _photos(self, companion: bytes) -> Iterator[Operation]:
        """The photos filed from the companion's folder under its name or stem, newest first."""
        stem = companion
        for _ in range(_SUFFIXES):
            folder, name = os.path.split(stem)
            shorter, extension = split_extension(name)
            if not extension:
                return
            stem = os.path.join(folder, shorter)
            yield from self.journal.select(
                "o.id IN (SELECT operation FROM moves"  # noqa: S608 (constants of ours)
                " WHERE position = 0 AND (source = ? OR source > ? AND source < ?))"
                f" AND o.kind IN ({_KINDS}) AND o.state IN ({State.DONE:d}, {State.RECORDED:d})"
                " AND o.undone_by IS NULL ORDER BY o.id DESC",
                (stem, stem + b".", stem + b"/"),
            )

    def _is_there(self, place: bytes, root: int) -> bool:
        try:
            with Folders(self.operations) as folders:
                folder = folders.open(Place(os.path.dirname(place), root))
                self.operations.status(os.path.basename(place), folder)
        except OSError:
            return False
        return True
