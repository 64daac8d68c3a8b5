"""What is asked of the library, what it answers, and the drafts between."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..fsops import FileOperations
from ..photo import Action, AssetGroup, Decision, FileIdentity, Photo, Prediction
from .engine import Draft
from .folders import Folders, Place
from .journal import Journal
from .ledger_text import escape
from .names import GroupNames
from .reasons import REASON
from .records import Details, Move, Operation, State
from .steps import digest
from .troubles import DestinationTrouble, SourceTrouble, at_source, changed, refused

KEEP = "keep"
SKIP = "skip"
SKIPPED = "skipped"
"""The label of a duplicate that was left in its inbox: there is nothing to take back."""


@dataclass(frozen=True, slots=True)
class Filing:
    """A photo with its companions, and where it shall go.

    Args:
        action: FILED, REVIEW or QUARANTINED; the library makes DUPLICATE of the first two where it is one.
        folder: relative to the library ("Pets/2024"); not used for QUARANTINED.
        reason: why, for QUARANTINED; one clause in the owner's words.
    """

    group: AssetGroup
    action: Action
    folder: str = ""
    prediction: Prediction | None = None
    decision: Decision | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A photo that has been moved, and where it is now."""

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
        filed: moved, and in the ledger.
        set_aside: trouble with the photo itself; to be offered again later.
        left: duplicates that stay in their inbox (`duplicates: skip`); held until they are touched.
        pause: why no more can be filed now. The photos in none of the other three stay in their inbox.
    """

    batch: str
    filed: tuple[Placed, ...] = ()
    set_aside: tuple[tuple[AssetGroup, SourceTrouble], ...] = ()
    left: tuple[Placed, ...] = ()
    pause: DestinationTrouble | None = None


@dataclass(frozen=True, slots=True)
class Drafter:
    """Makes drafts of filings.

    Args:
        library, quarantine: absolute.
        duplicates: `keep`, `skip`, or the folder for them.
        batch, time: for the rows.
    """

    operations: FileOperations
    journal: Journal
    library: bytes
    quarantine: bytes
    duplicates: str
    batch: str
    time: str

    def draft(self, filing: Filing, folders: Folders) -> Draft:
        """The draft of `filing`, its photo's identity and hash made sure of.

        Raises:
            SourceTrouble: the photo is gone, has changed, or cannot be read.
        """
        group = filing.group
        inbox = os.fsencode(group.inbox)
        sha256 = self._sha256(filing, folders)
        original = None
        if filing.action is not Action.QUARANTINED and self.duplicates != KEEP:
            original = self.original(sha256, group.photo, folders)
        action, folder = self._where(filing, original)
        root = self.quarantine if action is Action.QUARANTINED else self.library
        place = Place.below(root, folder)
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
        )  # fmt: skip
        return Draft(operation, GroupNames(names[0], tuple(names[1:]), beside), original=original)

    def _where(self, filing: Filing, original: Path | None) -> tuple[Action, bytes]:
        if filing.action is Action.QUARANTINED:
            return filing.action, b""
        if original is not None and self.duplicates != SKIP:
            return Action.DUPLICATE, os.fsencode(self.duplicates)
        return filing.action, os.fsencode(filing.folder)

    def original(self, sha256: bytes, photo: Photo, folders: Folders) -> Path | None:
        """The photo with the same bytes that was filed before and is still there, if there is one."""
        condition = (
            f"o.sha256 = ? AND o.state IN ({State.DONE:d}, {State.RECORDED:d})"
            " AND o.kind IN ('filed', 'review', 'corrected', 'duplicate')"
            f" AND o.label <> '{SKIPPED}' ORDER BY o.id"
        )
        for operation in self.journal.select(condition, (sha256,)):
            place = operation.destination
            if (
                place != os.fsencode(photo.path)
                and self._size(place, operation.destination_root, folders) == photo.identity.size
            ):
                return Path(os.fsdecode(place))
        return None

    def _size(self, path: bytes, root: int, folders: Folders) -> int | None:
        try:
            return self.operations.status(
                os.path.basename(path), folders.open(Place(os.path.dirname(path), root))
            ).st_size
        except OSError:
            return None

    def _sha256(self, filing: Filing, folders: Folders) -> bytes:
        """The hash of the photo: of the very bytes that were decoded, or of what is there now."""
        group = filing.group
        self._check_below(group)
        photo_hash = bytes.fromhex(filing.prediction.sha256) if filing.prediction else None
        for photo in (*group.companions, group.photo):
            path = os.fsencode(photo.path)
            with at_source(path):
                folder = folders.open(Place(os.path.dirname(path), len(os.fsencode(group.inbox))))
                descriptor = self.operations.open_file(os.path.basename(path), folder)
                try:
                    if self.operations.is_being_written(descriptor):
                        raise changed(path, "still being written to")
                    if photo is group.photo and photo_hash is None:
                        photo_hash = digest(self.operations, descriptor)
                    self._check_identity(photo, self.operations.status_of(descriptor))
                finally:
                    self.operations.close(descriptor)
        return photo_hash or b""

    @staticmethod
    def _check_identity(photo: Photo, status: os.stat_result) -> None:
        if FileIdentity.of(status) != photo.identity:
            raise changed(os.fsencode(photo.path))

    @staticmethod
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
