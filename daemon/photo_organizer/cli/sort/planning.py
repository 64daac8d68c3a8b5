"""Finding out where photos would go without moving any: `sort --dry-run`.

First all photos are classified, in whatever order that is done, into the draft of the plan. Then the library
is asked where each would go, in the order of their paths, so that duplicates and numbered names are the same
in each run.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from photo_organizer.cli.sort.disk_work import DiskWork, DryRun
from photo_organizer.cli.sort.jobs import Result, Watched, is_placed, not_placed, now_text, run_photos
from photo_organizer.cli.sort.look_alikes import Alike, LookAlikes
from photo_organizer.cli.sort.plan_files.devices import this_machine
from photo_organizer.cli.sort.plan_files.plan_draft import PlanDraft
from photo_organizer.cli.sort.plan_files.plan_head import PlanHead
from photo_organizer.cli.sort.plan_files.planned_photo import PlannedPhoto
from photo_organizer.cli.sort.progress import NoBar, SortReporter, make_bar
from photo_organizer.cli.sort.selection import (
    check_paths,
    count_photos,
    groups_in,
    library_and_mode,
    model_in_use,
)
from photo_organizer.cli.sort.sheet.contact_sheet import write_contact_sheet
from photo_organizer.cli.sort.stopping import StopRequest
from photo_organizer.errors import OrganizerError
from photo_organizer.learning.labels.category_folders import accepted_folders
from photo_organizer.library import FilingReport, Library, Placed, TransferMode
from photo_organizer.models.categories import predicted_categories
from photo_organizer.photo import Action
from photo_organizer.service.one_shot import FilingStoppedError
from photo_organizer.service.pipeline import KNOWN
from photo_organizer.service.runtime import new_placement, new_vision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from photo_organizer.cli.sort.jobs import ClosableVision, OnRow
    from photo_organizer.config import Configuration
    from photo_organizer.library import Filing, JoinReport, Latecomer
    from photo_organizer.models.serving_model import ModelDescription
    from photo_organizer.photo import AssetGroup
    from photo_organizer.service.placement import Placement

    NewVision = Callable[[Configuration, ModelDescription, PlanHead], ClosableVision]


@dataclass(frozen=True, slots=True)
class Planned:
    """The result of a dry run.

    Args:
        result: how it ended.
        work: what carrying it out will do to the disks.
        alike: photos that look like another one.
    """

    result: Result
    work: DiskWork
    alike: Alike


def local_vision(configuration: Configuration, model: ModelDescription, _head: PlanHead) -> ClosableVision:
    """Return this machine's vision process."""
    return new_vision(configuration, model)


def make_plan(
    configuration: Configuration,
    paths: Sequence[Path],
    target: Path | None,
    transfer_mode: TransferMode | None,
    on_row: OnRow,
    *,
    make_vision: NewVision = local_vision,
) -> Planned:
    """Plan where the photos in `paths` would go, without moving any.

    Args:
        configuration: by which settings.
        paths: files and folders.
        target: the plan to write; None to write none.
        transfer_mode: moved, copied or linked; None for the action of the inbox that each photo is in.
        on_row: told of each photo with its row, as planned.
        make_vision: makes what classifies.

    Raises:
        OrganizerError: it cannot begin, or the plan cannot be written.
    """
    check_paths(configuration, paths)
    model = model_in_use(configuration)
    if target is None:
        root, mode = configuration.library, transfer_mode or TransferMode.MOVE
    else:
        root, mode = library_and_mode(configuration, paths, transfer_mode)
    head = _head(configuration, model, paths, root, mode)
    draft = PlanDraft(target, head)
    result = Result()
    try:
        with Library.open(configuration) as library, StopRequest() as stop, closing(LookAlikes()) as alike:
            dry_run = DryRun(library)
            placement = new_placement(configuration, model)
            with make_bar(count_photos(paths)) as bar:
                reporter = ClassifyingReporter(result.tally, bar)
                groups = _unknown(
                    not_placed(
                        groups_in(configuration, paths, reporter.skipped),
                        lambda photo: is_placed(configuration, library, photo, transfer_mode),
                        reporter,
                    ),
                    draft,
                    reporter,
                )
                run_photos(
                    configuration, groups, vision=make_vision(configuration, model, head),
                    destination=FoundPhotos(draft), placement=placement, reporter=reporter, result=result,
                    stop=stop,
                )  # fmt: skip
            if not result.stopped:
                planner = Watched(dry_run, _keeping(draft, alike, on_row), transfer_mode)
                _place_all(draft, placement, planner, result, stop)
            found = Alike() if result.stopped else alike.find()
            if not result.stopped and target is not None:
                write_contact_sheet(draft, target, result.tally, root)
    except BaseException:
        draft.interrupt()
        raise
    if result.stopped:
        draft.interrupt()
    else:
        draft.finish(result.tally.troubles)
    return Planned(result, dry_run.work, found)


def _head(
    configuration: Configuration,
    model: ModelDescription,
    paths: Sequence[Path],
    library: Path,
    transfer_mode: TransferMode,
) -> PlanHead:
    from photo_organizer.vision.backbone.engine import arithmetic

    return PlanHead(
        library=os.fspath(library),
        model=model.id,
        categories=predicted_categories(
            configuration, model.directory, model.categories, accepted_folders(configuration)
        ),
        paths=tuple(os.path.abspath(path) for path in paths),
        made=now_text(),
        transfer_mode=transfer_mode,
        engine=arithmetic(model, configuration.model.engine),
        machine=this_machine(),
    )


def _unknown(
    groups: Iterator[AssetGroup], draft: PlanDraft, reporter: ClassifyingReporter
) -> Iterator[AssetGroup]:
    """Yield the groups that an interrupted plan does not have; what it has is reused."""
    for group in groups:
        if draft.take_known(group):
            reporter.advance()
        else:
            yield group


def _place_all(
    draft: PlanDraft, placement: Placement, planner: Watched, result: Result, stop: StopRequest
) -> None:
    """Ask the library where each photo goes, in the order of their paths."""
    reporter = SortReporter(result.tally, NoBar())
    for photos in draft.found():
        if stop():
            break
        filings = [_filing(photo, placement) for photo in photos]
        by_path = {filing.group.photo.path: filing for filing in filings}
        report = planner.file(filings)
        for placed in report.filed:
            reporter.placed(by_path[placed.group.photo.path], placed)
        for placed in report.left:
            reporter.left(placed.group, f"the same as {placed.original}")
        for _ in report.known:
            result.tally.stays(KNOWN)
        for group, trouble in report.set_aside:
            reporter.set_aside(group, str(trouble))
            reporter.give_up(group)
        if report.pause is not None:
            raise FilingStoppedError(str(report.pause))
    result.stopped = stop.asked


def _filing(photo: PlannedPhoto, placement: Placement) -> Filing:
    """Return what the library would be asked for, by today's settings."""
    if photo.prediction is not None:
        return placement.of_classified(photo.group, photo.prediction)
    if photo.action is Action.QUARANTINED:
        return placement.of_unreadable(photo.group, photo.reason)
    return placement.of_video(photo.group)


def _keeping(draft: PlanDraft, alike: LookAlikes, on_row: OnRow) -> OnRow:
    def take(filing: Filing, row: dict[str, Any]) -> None:
        if filing.prediction is not None and row["action"] != Action.DUPLICATE:
            alike.add(filing.prediction.perceptual_hash, row["source"])
        draft.add_placed(PlannedPhoto.of(filing, row))
        on_row(filing, row)

    return take


class FoundPhotos:
    """A destination that stores the predictions in the draft of a plan."""

    def __init__(self, draft: PlanDraft) -> None:
        self._draft = draft

    def file(self, filings: Sequence[Filing], *, batch: str | None = None) -> FilingReport:
        """Store the photos; they are placed later."""
        del batch
        for filing in filings:
            self._draft.add_found(filing)
        return FilingReport(
            "", filed=tuple(Placed(one.group, one.action, one.group.photo.path) for one in filings)
        )

    def join(self, latecomers: Sequence[Latecomer], inbox: Path) -> JoinReport:
        """Return nothing: only the daemon's inbox has late companions."""
        del latecomers, inbox
        raise OrganizerError("a plan has no late companions")


class ClassifyingReporter(SortReporter):
    """Shows which photos were classified; they are counted later, when they are placed."""

    def placed(self, filing: Filing, placed: Placed) -> None:
        """Show that a photo was classified."""
        del placed
        self._reasons.pop(filing.group, None)
        self._bar.advance(filing.decision.category if filing.decision else str(filing.action))

    def advance(self) -> None:
        """Show that a photo was already known."""
        self._bar.advance("")
