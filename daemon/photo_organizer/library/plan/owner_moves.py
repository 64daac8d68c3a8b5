"""A photo that its owner puts in another category: planned here, and carried out like everything else.

What a drag in the file manager does, but journalled, with the companions along, undoable, and with its
`corrected` row in the ledger at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from photo_organizer.errors import OrganizerError
from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import DestinationError, SourceError, changed, refused
from photo_organizer.library.move.executor import Executor, MovePlan
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.plan.duplicates import current_place
from photo_organizer.library.plan.filing import verified_hash
from photo_organizer.library.plan.free_names import GroupNames
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import BROUGHT, JOINED, Details, Move, Operation, State
from photo_organizer.photo import Action, AssetGroup, FileIdentity, Photo

_FINISHED = f"o.state IN ({State.DONE:d}, {State.RECORDED:d})"


@dataclass(frozen=True, slots=True)
class OwnerMove:
    """A photo with its companions, and the category that its owner puts it in.

    Args:
        group: as they were seen; `inbox` is a folder above them that is trusted (the library itself, for a
            photo that is in it).
        category: the owner's; empty when the folder is not a category's (Review).
        folder: where to, relative to the library ("Pets/2024").
        sha256: what the photo must hold, in hex; empty when whatever it holds is meant.
        library: which library `folder` is in; None for the first one.
    """

    group: AssetGroup
    category: str
    folder: str
    sha256: str = ""
    library: Path | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A photo that was moved, from where and to where."""

    source: Path
    destination: Path
    sha256: str
    category: str


@dataclass(frozen=True, slots=True)
class MoveReport:
    """What became of the photos that the owner put in other categories.

    Args:
        batch: its id, as in the ledger; empty when nothing was begun.
        moved: in their folder, and in the ledger.
        refused: each with its reason; they are where they were.
        pause: why no more can be moved now; the photos in neither list are where they were.
    """

    batch: str
    moved: tuple[Moved, ...] = ()
    refused: tuple[tuple[Path, OrganizerError], ...] = ()
    pause: DestinationError | None = None


@dataclass(frozen=True, slots=True)
class OwnerMover:
    """Plans owner moves and has them carried out; to be used while the moves lock is held.

    Args:
        library: the first one, absolute.
        batch, time: for the rows.
    """

    operations: FileOperations
    journal: Journal
    library: bytes
    batch: str
    time: str

    def move(self, moves: Sequence[OwnerMove], engine: Executor, report: MoveReport) -> MoveReport:
        """`report`, with what became of `moves` added.

        Raises:
            DestinationError: the state directory fails.
        """
        moved, refusals = list(report.moved), list(report.refused)
        drafted: list[tuple[OwnerMove, MovePlan]] = []
        with Folders(self.operations) as folders:
            for move in moves:
                try:
                    drafted.append((move, self.draft(move, folders)))
                except SourceError as trouble:
                    refusals.append((move.group.photo.path, trouble))
        pause = report.pause
        for (move, _), outcome in zip(drafted, engine.run([draft for _, draft in drafted]), strict=True):
            operation = outcome.operation
            if outcome.trouble is None:
                place = Path(os.fsdecode(operation.destination))
                moved.append(Moved(move.group.photo.path, place, operation.sha256.hex(), move.category))
            elif isinstance(outcome.trouble, SourceError):
                refusals.append((move.group.photo.path, outcome.trouble))
            else:
                pause = pause or outcome.trouble
        return replace(report, moved=tuple(moved), refused=tuple(refusals), pause=pause)

    def draft(self, move: OwnerMove, folders: Folders) -> MovePlan:
        """What has to be moved, the photo's identity and hash made sure of.

        Raises:
            SourceError: the photo is gone, has changed, cannot be read, or is in that folder already.
        """
        group = move.group
        source = os.fsencode(group.photo.path)
        library = self.library if move.library is None else os.fsencode(move.library)
        place = OpenFolder.below(library, os.fsencode(move.folder))
        if os.path.dirname(source) == place.path:
            raise refused(source, f"is in {move.folder} already")
        sha256 = verified_hash(self.operations, group, None, folders)
        if move.sha256 and sha256.hex() != move.sha256:
            raise changed(source, "changed since you saw it")
        root = len(os.fsencode(group.inbox))
        photos = [group.photo, *group.companions, *self._known_companions(group, sha256, root, folders)]
        names = [os.path.basename(os.fsencode(photo.path)) for photo in photos]
        files = tuple(
            Move(
                os.fsencode(photo.path),
                os.path.join(place.path, name),
                photo.identity,
                None if at else sha256,
                at,
            )
            for at, (photo, name) in enumerate(zip(photos, names, strict=True))
        )
        operation = Operation(
            0, self.batch, Action.CORRECTED, self.time, sha256, files, root, len(library),
            self._details(sha256), label=move.category,
        )  # fmt: skip
        return MovePlan(operation, GroupNames(names[0], tuple(names[1:])))

    def _details(self, sha256: bytes) -> Details:
        """What the model said of the photo, last."""
        for operation in self.journal.select(
            f"o.sha256 = ? AND o.model <> '' AND {_FINISHED} ORDER BY o.id DESC", (sha256,)
        ):
            return operation.details
        return Details()

    def _known_companions(
        self, group: AssetGroup, sha256: bytes, root: int, folders: Folders
    ) -> Iterator[Photo]:
        """Files that came with the photo, are beside it still, and are not told by their names."""
        known = {os.path.basename(os.fsencode(photo.path)) for photo in (group.photo, *group.companions)}
        folder = os.path.dirname(os.fsencode(group.photo.path))
        for name in self._names_that_came(os.fsencode(group.photo.path), sha256):
            if name in known:
                continue
            known.add(name)
            try:
                status = self.operations.status(name, folders.open(OpenFolder(folder, root)))
            except OSError:  # its owner has removed it
                continue
            yield Photo(Path(os.fsdecode(os.path.join(folder, name))), FileIdentity.of(status))

    def _names_that_came(self, path: bytes, sha256: bytes) -> Iterator[bytes]:
        condition = f"o.sha256 = ? AND {BROUGHT} AND {_FINISHED} AND o.undone_by IS NULL ORDER BY o.id DESC"
        for operation in self.journal.select(condition, (sha256,)):
            if current_place(self.journal, operation) != path:
                continue
            for move in operation.moves[1:]:
                yield os.path.basename(move.destination)
            condition = f"o.parent = ? AND o.kind = '{JOINED}' AND {_FINISHED}"
            for joined in self.journal.select(condition, (operation.id,)):
                yield os.path.basename(joined.destination)
