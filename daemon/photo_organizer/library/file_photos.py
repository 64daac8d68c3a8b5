"""Files one portion of a batch: drafts, the duplicates among them, the engine, and the report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from photo_organizer.fsops import FileOperations
from photo_organizer.library.errors import DestinationTrouble, SourceTrouble
from photo_organizer.library.locations import LibrarySettings
from photo_organizer.library.move.executor import Draft, Engine
from photo_organizer.library.move.open_folders import Folders
from photo_organizer.library.plan.duplicates import SKIPPED, Originals
from photo_organizer.library.plan.filing import SKIP, Drafter, Filing, FilingReport, Placed
from photo_organizer.library.record.journal import Journal
from photo_organizer.library.record.ledger import Ledger
from photo_organizer.library.record.operation import Move, State
from photo_organizer.photo import Action, AssetGroup


@dataclass(slots=True)
class _Lists:
    """A report in the making."""

    filed: list[Placed] = field(default_factory=list)
    set_aside: list[tuple[AssetGroup, SourceTrouble]] = field(default_factory=list)
    left: list[Placed] = field(default_factory=list)
    known: list[Placed] = field(default_factory=list)
    pause: DestinationTrouble | None = None

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
class Filer:
    """Files photos at the time `time`; to be used while the moves lock is held."""

    operations: FileOperations
    journal: Journal
    ledger: Ledger
    engine: Engine
    settings: LibrarySettings
    time: str

    def file(self, filings: Sequence[Filing], report: FilingReport) -> FilingReport:
        """`report`, with what became of `filings` added.

        Raises:
            DestinationTrouble: the state directory fails.
        """
        lists = _Lists()
        drafted = self._drafts(filings, report.batch, lists)
        outcomes = self.engine.run([draft for _, draft in drafted])
        for (filing, draft), outcome in zip(drafted, outcomes, strict=True):
            if outcome.trouble is None:
                operation = outcome.operation
                destination = Path(os.fsdecode(operation.destination))
                lists.filed.append(Placed(filing.group, Action(operation.kind), destination, draft.original))
            elif isinstance(outcome.trouble, SourceTrouble):
                lists.set_aside.append((filing.group, outcome.trouble))
            else:
                lists.pause = lists.pause or outcome.trouble
        return lists.added_to(report)

    def _drafts(self, filings: Sequence[Filing], batch: str, lists: _Lists) -> list[tuple[Filing, Draft]]:
        drafter = Drafter(
            self.operations, self.journal, os.fsencode(self.settings.library),
            os.fsencode(self.settings.quarantine), self.settings.duplicates, batch, self.time,
        )  # fmt: skip
        originals = Originals(self.operations, self.journal)
        drafted: list[tuple[Filing, Draft]] = []
        with Folders(self.operations) as folders:
            for filing in filings:
                try:
                    draft = drafter.draft(filing, folders)
                except SourceTrouble as trouble:
                    lists.set_aside.append((filing.group, trouble))
                    continue
                known = originals.placed_before(
                    filing.group.photo, filing.manner, draft.operation.sha256, folders
                )
                if known is not None:
                    lists.known.append(Placed(filing.group, filing.action, known))
                elif draft.original is not None and self.settings.duplicates == SKIP:
                    self._leave(filing, draft, draft.original)
                    lists.left.append(
                        Placed(filing.group, Action.DUPLICATE, filing.group.photo.path, draft.original)
                    )
                else:
                    drafted.append((filing, draft))
        return drafted

    def _leave(self, filing: Filing, draft: Draft, original: Path) -> None:
        """A duplicate that stays in its inbox: a row, and it is held; only once for as long as it is held."""
        photo = filing.group.photo
        if self.journal.is_held(os.fsencode(photo.path), photo.identity):
            return
        first = draft.operation.moves[0]
        moves = (Move(first.source, os.fsencode(original), first.identity, first.sha256),)
        operation = replace(
            draft.operation, kind=Action.DUPLICATE, moves=moves, label=SKIPPED, state=State.DONE
        )
        written = self.journal.intend([operation], *self.ledger.take_unrecorded(), hold=True)
        self.ledger.append(written, written)
