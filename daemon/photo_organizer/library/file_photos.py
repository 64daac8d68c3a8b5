"""Files one portion of a batch: drafts, the duplicates among them, the engine, and the report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from photo_organizer.config.inboxes import SKIP
from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError
from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import (
    DestinationError,
    SourceError,
    SourceErrorKind,
    concerns_the_journal,
    one_photo,
    unforeseen,
)
from photo_organizer.library.locations import LibrarySettings
from photo_organizer.library.move.executor import MoveOutcome, MovePlan
from photo_organizer.library.move.open_folders import Folders
from photo_organizer.library.plan.duplicates import DuplicateFinder
from photo_organizer.library.plan.filing import Filing, FilingPlanner, FilingReport, Placed, rounds
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.operation import SKIPPED, Move, Operation, State
from photo_organizer.photo import Action, AssetGroup

_AT_ONCE = 64


@dataclass(slots=True)
class _Lists:
    """A report in the making."""

    filed: list[Placed] = field(default_factory=list)
    set_aside: list[tuple[AssetGroup, SourceError]] = field(default_factory=list)
    left: list[Placed] = field(default_factory=list)
    known: list[Placed] = field(default_factory=list)
    pause: DestinationError | None = None

    def added_to(self, report: FilingReport) -> FilingReport:
        return replace(
            report,
            filed=(*report.filed, *self.filed),
            set_aside=(*report.set_aside, *self.set_aside),
            left=(*report.left, *self.left),
            known=(*report.known, *self.known),
            pause=self.pause,
        )


@dataclass(frozen=True, slots=True)
class BatchFiler:
    """Files photos at the time `time`, or plans to, as its engine does; to be used while the moves lock is
    held.
    """

    operations: FileOperations
    journal: Journal
    engine: FilingEngine
    originals: DuplicateFinder
    settings: LibrarySettings
    crash_log: CrashLog
    time: str

    def file(self, filings: Sequence[Filing], report: FilingReport) -> FilingReport:
        """`report`, with what became of `filings` added: any number of them, in portions."""
        try:
            for start in range(0, len(filings), _AT_ONCE):
                for part in rounds(filings[start : start + _AT_ONCE]):
                    report = self._file_part(part, report)
                    if report.pause:
                        return report
        except DestinationError as trouble:
            return replace(report, pause=trouble)
        return report

    def _file_part(self, part: Sequence[Filing], report: FilingReport) -> FilingReport:
        """File photos together; one by one when something unforeseen prevents that, to find the one it is."""
        try:
            return self._file_together(part, report)
        except OrganizerError:
            raise
        except Exception as error:
            if concerns_the_journal(error):
                raise
            if len(part) == 1:
                group = part[0].group
                trouble = unforeseen(error, os.fsencode(group.photo.path), self.crash_log)
                return replace(report, set_aside=(*report.set_aside, (group, trouble)))
        for filing in part:
            self.engine.recover()
            report = self._file_part([filing], report)
            if report.pause:
                break
        return report

    def _file_together(self, filings: Sequence[Filing], report: FilingReport) -> FilingReport:
        """As `file`, for photos of which no two are the same.

        Raises:
            DestinationError: the state directory fails.
        """
        lists = _Lists()
        drafted = self._drafts(filings, report.batch, lists)
        outcomes = self.engine.run([draft for _, draft in drafted])
        for (filing, draft), outcome in zip(drafted, outcomes, strict=True):
            if outcome.trouble is None:
                operation = outcome.operation
                destination = Path(os.fsdecode(operation.destination))
                lists.filed.append(Placed(filing.group, Action(operation.kind), destination, draft.original))
                lists.pause = lists.pause or outcome.row_trouble
            elif isinstance(outcome.trouble, SourceError):
                lists.set_aside.append((filing.group, outcome.trouble))
            else:
                lists.pause = lists.pause or outcome.trouble
        return lists.added_to(report)

    def _drafts(self, filings: Sequence[Filing], batch: str, lists: _Lists) -> list[tuple[Filing, MovePlan]]:
        originals = self.originals
        drafter = FilingPlanner(
            self.operations, originals, os.fsencode(self.settings.library),
            os.fsencode(self.settings.quarantine), self.settings.duplicates, batch, self.time,
        )  # fmt: skip
        drafted: list[tuple[Filing, MovePlan]] = []
        with Folders(self.operations) as folders:
            for filing in filings:
                try:
                    with one_photo(os.fsencode(filing.group.photo.path), self.crash_log):
                        draft = drafter.draft(filing, folders)
                        known = originals.placed_before(
                            filing.group.photo, filing.transfer_mode, draft.operation.sha256, folders
                        )
                except SourceError as refusal:
                    lists.set_aside.append((filing.group, refusal))
                    continue
                if known is not None:
                    lists.known.append(Placed(filing.group, filing.action, known))
                elif draft.original is not None and self.settings.duplicates == SKIP:
                    trouble = self._leave(filing, draft, draft.original)
                    lists.pause = lists.pause or trouble
                    lists.left.append(
                        Placed(filing.group, Action.DUPLICATE, filing.group.photo.path, draft.original)
                    )
                else:
                    drafted.append((filing, draft))
        return drafted

    def _leave(self, filing: Filing, draft: MovePlan, original: Path) -> DestinationError | None:
        """A duplicate that stays in its inbox: a row, and it is held; only once for as long as it is held.

        Returns why the row is not in the ledger yet, if it is not.
        """
        photo = filing.group.photo
        if self.journal.is_held(os.fsencode(photo.path), photo.identity):
            return None
        first = draft.operation.moves[0]
        moves = (Move(first.source, os.fsencode(original), first.identity, first.sha256),)
        return self.engine.leave(
            replace(draft.operation, kind=Action.DUPLICATE, moves=moves, label=SKIPPED, state=State.DONE)
        )


def by_library(
    filings: Sequence[Filing], settings: LibrarySettings
) -> list[tuple[LibrarySettings, list[Filing]]]:
    """Return the photos of each library, and of each rule for duplicates, with the settings for them."""
    parts: dict[LibrarySettings, list[Filing]] = {}
    for filing in filings:
        library = filing.library or settings.library
        duplicates = settings.duplicates if filing.duplicates is None else filing.duplicates
        parts.setdefault(replace(settings, library=library, duplicates=duplicates), []).append(filing)
    return list(parts.items())


def waiting_for(trouble: DestinationError, filings: Sequence[Filing], report: FilingReport) -> FilingReport:
    """Return `report` with those of `filings` that are not in it set aside, for their library's trouble."""
    placed = (*report.filed, *report.left, *report.known)
    told = {group.photo.path for group in (*(it.group for it in placed), *(it[0] for it in report.set_aside))}
    left = [filing.group for filing in filings if filing.group.photo.path not in told]
    refusals = tuple((group, SourceError(SourceErrorKind.REFUSED, str(trouble))) for group in left)
    return replace(report, set_aside=(*report.set_aside, *refusals), pause=None)


class FilingEngine(Protocol):
    """What carries drafts out, or only plans them."""

    def run(self, drafts: Sequence[MovePlan]) -> list[MoveOutcome]: ...
    def leave(self, operation: Operation) -> DestinationError | None: ...
    def recover(self) -> None: ...
