"""What is asked of the library, what it answers, and the drafts between."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from photo_organizer.config.inboxes import KEEP, SKIP
from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import DestinationError, SourceError, at_source, changed, refused
from photo_organizer.library.move.atomic_steps import digest
from photo_organizer.library.move.executor import MovePlan
from photo_organizer.library.move.open_folders import Folders, OpenFolder
from photo_organizer.library.plan.duplicates import DuplicateFinder
from photo_organizer.library.plan.free_names import GroupNames
from photo_organizer.library.record.ledger_text import escape
from photo_organizer.library.record.operation import Details, Move, Operation, TransferMode
from photo_organizer.library.record.quarantine_reason import REASON
from photo_organizer.photo import Action, AssetGroup, Decision, FileIdentity, Prediction


@dataclass(frozen=True, slots=True)
class Filing:
    """A photo with its companions, and where it shall go.

    Args:
        action: FILED, REVIEW or QUARANTINED; the library makes DUPLICATE of the first two where it is one.
        folder: relative to the library ("Pets/2024"); not used for QUARANTINED.
        reason: why, for QUARANTINED (and for REVIEW, where it is not the threshold); one clause in the
            owner's words.
        transfer_mode: MOVE, or how else it comes there; the photo stays where it is then.
        library: which library `folder` is in; None for the first one.
        duplicates: `keep`, `skip` or the folder for them; None for what holds in general.
    """

    group: AssetGroup
    action: Action
    folder: str = ""
    prediction: Prediction | None = None
    decision: Decision | None = None
    reason: str = ""
    transfer_mode: TransferMode = TransferMode.MOVE
    library: Path | None = None
    duplicates: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A photo that has been filed, and where it is now."""

    group: AssetGroup
    action: Action
    destination: Path
    original: Path | None = None
    """For a duplicate: the photo that was there first."""


@dataclass(frozen=True, slots=True)
class FilingReport:
    """What became of a batch.

    Args:
        batch: its id, as in the ledger.
        filed: in the library, and in the ledger.
        set_aside: trouble with the photo itself; to be offered again later.
        left: duplicates that stay in their inbox (`duplicates: skip`); held until they are touched.
        known: copied or linked from the same place before, and still there; nothing was done.
        pause: why no more can be filed now. The photos in none of the other four stay in their inbox.
    """

    batch: str
    filed: tuple[Placed, ...] = ()
    set_aside: tuple[tuple[AssetGroup, SourceError], ...] = ()
    left: tuple[Placed, ...] = ()
    known: tuple[Placed, ...] = ()
    pause: DestinationError | None = None


@dataclass(frozen=True, slots=True)
class FilingPlanner:
    """Makes drafts of filings.

    Args:
        originals: finds what is there already.
        library, quarantine: absolute.
        duplicates: `keep`, `skip`, or the folder for them.
        batch, time: for the rows.
    """

    operations: FileOperations
    originals: DuplicateFinder
    library: bytes
    quarantine: bytes
    duplicates: str
    batch: str
    time: str

    def draft(self, filing: Filing, folders: Folders) -> MovePlan:
        """The draft of `filing`, its photo's identity and hash made sure of.

        Raises:
            SourceError: the photo is gone, has changed, or cannot be read.
        """
        group = filing.group
        inbox = os.fsencode(group.inbox)
        known = bytes.fromhex(filing.prediction.sha256) if filing.prediction else None
        sha256 = verified_hash(self.operations, group, known, folders, filing.transfer_mode)
        original = None
        if filing.action is not Action.QUARANTINED and self.duplicates != KEEP:
            original = self.originals.original(sha256, group.photo, filing.transfer_mode, folders)
        action, folder = self._where(filing, original)
        root = self.quarantine if action is Action.QUARANTINED else self.library
        if folder.startswith(b"/") or b".." in folder.split(b"/"):
            raise refused(os.fsencode(group.photo.path), "its planned folder is not below the library")
        place = OpenFolder.below(root, folder)
        photos = [group.photo, *group.companions]
        names = [os.path.basename(os.fsencode(photo.path)) for photo in photos]
        moves = tuple(
            Move(
                os.fsencode(photo.path),
                os.path.join(place.path, name),
                photo.identity,
                None if at else sha256,
                at,
            )
            for at, (photo, name) in enumerate(zip(photos, names, strict=True))
        )
        beside = REASON if action is Action.QUARANTINED else b""
        operation = Operation(
            0, self.batch, action, self.time, sha256, moves, len(inbox), len(root),
            details_of(filing.prediction, filing.decision),
            escape(f"the same bytes as {original}" if original else filing.reason),
            transfer_mode=filing.transfer_mode,
        )  # fmt: skip
        return MovePlan(operation, GroupNames(names[0], tuple(names[1:]), beside), original=original)

    def _where(self, filing: Filing, original: Path | None) -> tuple[Action, bytes]:
        if filing.action is Action.QUARANTINED:
            return filing.action, b""
        if original is not None and self.duplicates != SKIP:
            return Action.DUPLICATE, os.fsencode(self.duplicates)
        return filing.action, os.fsencode(filing.folder)


def verified_hash(
    operations: FileOperations,
    group: AssetGroup,
    known: bytes | None,
    folders: Folders,
    transfer_mode: TransferMode = TransferMode.MOVE,
) -> bytes:
    """The SHA-256 of the photo, once it is sure that photo and companions are as they were seen.

    Args:
        operations: the steps on files.
        group: as it was seen.
        known: the hash of the very bytes that were decoded; None to take that of what is there now.
        folders: open folders.
        transfer_mode: how it shall come into the library; a moved file's folder must be writable.

    Raises:
        SourceError: a file is gone, has changed, is being written to, or cannot be read.
    """
    _check_below(group)
    photo_hash = known
    for photo in (*group.companions, group.photo):
        path = os.fsencode(photo.path)
        with at_source(path):
            folder = folders.open(OpenFolder(os.path.dirname(path), len(os.fsencode(group.inbox))))
            if transfer_mode is TransferMode.MOVE and not operations.may_change(folder):
                raise refused(path, "its folder is read-only", "make the folder writable")
            descriptor = operations.open_file(os.path.basename(path), folder)
            try:
                if operations.is_being_written(descriptor):
                    raise changed(path, "still being written to")
                if photo is group.photo and photo_hash is None:
                    photo_hash = digest(operations, descriptor)
                if FileIdentity.of(operations.status_of(descriptor)) != photo.identity:
                    raise changed(path)
            finally:
                operations.close(descriptor)
    return photo_hash or b""


def _check_below(group: AssetGroup) -> None:
    """All of a group are in one folder below its inbox."""
    folder = group.photo.path.parent
    if not folder.is_relative_to(group.inbox):
        raise refused(group.photo.path, f"not below {group.inbox}")
    for companion in group.companions:
        if companion.path.parent != folder:
            raise refused(companion.path, "not in the folder of its photo")


def details_of(prediction: Prediction | None, decision: Decision | None) -> Details:
    details = Details()
    if prediction is not None:
        details = replace(
            details,
            model=prediction.model,
            engine=prediction.engine,
            decoder=prediction.decoder,
            categories=prediction.categories,
            probabilities=prediction.probabilities,
            taken=prediction.taken.isoformat() if prediction.taken else "",
            camera=prediction.camera,
        )
    if decision is not None:
        details = replace(
            details,
            category=decision.category,
            confidence=decision.confidence,
            second_category=decision.second_category,
            second_confidence=decision.second_confidence,
            threshold=decision.threshold,
        )
    return details


def rounds(filings: Sequence[Filing]) -> list[list[Filing]]:
    """The batch in two: of equal photos only the first, then the rest, which are duplicates by then."""
    seen: set[str] = set()
    first: list[Filing] = []
    rest: list[Filing] = []
    for filing in filings:
        sha256 = filing.prediction.sha256 if filing.prediction else ""
        (rest if sha256 and sha256 in seen else first).append(filing)
        seen.add(sha256)
    return [part for part in (first, rest) if part]
