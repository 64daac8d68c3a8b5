"""The two ways of looking at photos: filing them now, and planning it without moving any."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photo_organizer.cli.sort.contact_sheet import write_contact_sheet
from photo_organizer.cli.sort.disk_work import DiskWork, DryRun
from photo_organizer.cli.sort.look_alikes import LookAlikes
from photo_organizer.cli.sort.plan_draft import PlanDraft
from photo_organizer.cli.sort.plan_file import PlanHead, PlannedPhoto
from photo_organizer.cli.sort.progress import SortReporter, make_bar
from photo_organizer.cli.sort.rows import row_of
from photo_organizer.cli.sort.selection import (
    check_paths,
    count_photos,
    groups_in,
    model_in_use,
)
from photo_organizer.cli.sort.stopping import StopRequest
from photo_organizer.cli.sort.tally import Tally
from photo_organizer.crash_log import CrashLog
from photo_organizer.learning.labels.category_folders import accepted_folders
from photo_organizer.library import Library, Manner
from photo_organizer.models.categories import predicted_categories
from photo_organizer.models.serving_model import ModelDescription
from photo_organizer.photo import Action
from photo_organizer.service.one_shot import ListedPhotos, run_to_end
from photo_organizer.service.pipeline import KNOWN, Pipeline
from photo_organizer.service.placement import Placement
from photo_organizer.service.runtime import new_placement, new_vision, open_library
from photo_organizer.service.search_upkeep import index_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from photo_organizer.config import Configuration
    from photo_organizer.library import Filing, FilingReport, JoinReport, Latecomer
    from photo_organizer.photo import AssetGroup, Photo
    from photo_organizer.service.interfaces import Destination

    OnRow = Callable[[Filing, dict[str, Any]], None]


@dataclass(slots=True)
class Result:
    """How a run ended.

    Args:
        tally: the counts.
        stopped: whether it was asked to stop before all was done.
        batch: the ledger's id of what was filed; empty when nothing was.
    """

    tally: Tally = field(default_factory=Tally)
    stopped: bool = False
    batch: str = ""


@dataclass(slots=True)
class Planned:
    """What a dry run found out.

    Args:
        result: how it ended.
        work: what carrying it out will do to the disks.
        alike: photos that look like another one.
    """

    result: Result
    work: DiskWork
    alike: LookAlikes


class Watched:
    """A destination that hands out the row of each photo that it takes.

    Args:
        inner: the library, or the plan of one.
        on_row: told of each filing with its row.
        manner: how the photos are filed.
    """

    def __init__(self, inner: Destination, on_row: OnRow, manner: Manner) -> None:
        self._inner = inner
        self._on_row = on_row
        self._manner = manner
        self.batch = ""

    def file(self, filings: Sequence[Filing], *, batch: str | None = None) -> FilingReport:
        """Files, and hands out the rows of what was filed."""
        time = now_text()
        filings = [replace(filing, manner=self._manner) for filing in filings]
        report = self._inner.file(filings, batch=batch)
        self.batch = report.batch
        of_path = {filing.group.photo.path: filing for filing in filings}
        for placed in report.filed:
            filing = of_path[placed.group.photo.path]
            self._on_row(filing, row_of(filing, placed, batch=report.batch, time=time))
        return report

    def join(self, latecomers: Sequence[Latecomer], inbox: Path) -> JoinReport:
        """Late companions: only the daemon's inbox knows of any."""
        return self._inner.join(latecomers, inbox)


def sort_now(configuration: Configuration, paths: Sequence[Path], manner: Manner, on_row: OnRow) -> Result:
    """Files the photos in `paths`.

    Args:
        configuration: by which settings.
        paths: files and folders.
        manner: moved, copied or linked.
        on_row: told of each photo with its row of the ledger.

    Raises:
        OrganizerError: it cannot begin, or the library takes no more.
    """
    check_paths(configuration, paths)
    model = model_in_use(configuration)
    result = Result()
    with open_library(configuration) as library:
        destination = Watched(library, on_row, manner)
        try:
            _run(
                configuration, model, paths, destination=destination, result=result,
                is_known=lambda photo: library.placed_before(photo, manner) is not None,
            )  # fmt: skip
        finally:
            result.batch = destination.batch
        index_all(library)
    return result


def make_plan(
    configuration: Configuration,
    paths: Sequence[Path],
    target: Path | None,
    manner: Manner,
    on_row: OnRow,
) -> Planned:
    """Finds out where the photos in `paths` would go, and moves none.

    Args:
        configuration: by which settings.
        paths: files and folders.
        target: the plan to write; None to write none.
        manner: moved, copied or linked.
        on_row: told of each photo with its row, as planned.

    Raises:
        OrganizerError: it cannot begin, or the plan cannot be written.
    """
    check_paths(configuration, paths)
    model = model_in_use(configuration)
    draft = PlanDraft(target, _head(configuration, model, paths, manner)) if target else None
    result = Result()
    with (
        Library.open(configuration) as library,
        closing(LookAlikes()) as alike,
    ):
        planned = DryRun(library)

        def take(filing: Filing, row: dict[str, Any]) -> None:
            if filing.prediction is not None and row["action"] != Action.DUPLICATE:
                alike.add(filing.prediction.perceptual_hash, row["source"])
            if draft is not None:
                draft.add(PlannedPhoto.of(filing, row))
            on_row(filing, row)

        try:
            destination = Watched(planned, take, manner)
            _run(
                configuration, model, paths, destination=destination, result=result, draft=draft,
                is_known=lambda photo: library.placed_before(photo, manner) is not None,
            )  # fmt: skip
        except BaseException:
            if draft is not None:
                draft.interrupt()
            raise
    if draft is not None and result.stopped:
        draft.interrupt()
    elif draft is not None:
        write_contact_sheet(draft, result.tally, configuration.library)
        draft.finish()
    return Planned(result, planned.work, alike)


def _head(
    configuration: Configuration, model: ModelDescription, paths: Sequence[Path], manner: Manner
) -> PlanHead:
    return PlanHead(
        library=os.fspath(configuration.library),
        model=model.id,
        categories=predicted_categories(
            configuration, model.directory, model.categories, accepted_folders(configuration)
        ),
        paths=tuple(os.path.abspath(path) for path in paths),
        made=now_text(),
        manner=manner,
    )


def _run(
    configuration: Configuration,
    model: ModelDescription,
    paths: Sequence[Path],
    *,
    destination: Watched,
    result: Result,
    is_known: Callable[[Photo], bool],
    draft: PlanDraft | None = None,
) -> None:
    """Sends the photos through the daemon's own pipeline, until all are done or somebody stops it.

    Those that `is_known` knows were copied or linked before; they are passed over without being looked at.
    """
    placement = new_placement(configuration, model)
    with StopRequest() as stop, make_bar(count_photos(paths)) as bar:
        reporter = SortReporter(result.tally, bar)
        groups = _not_placed(groups_in(configuration, paths, reporter.skipped), is_known, reporter)
        if draft is not None:
            groups = _without_known(groups, draft, placement, destination, reporter)
        source = ListedPhotos(groups)
        vision = new_vision(configuration, model)
        try:
            pipeline = Pipeline(
                source,
                vision,
                destination,
                placement,
                reporter,
                crash_log=CrashLog(configuration.state_directory),
                linger=configuration.batch.max_wait_seconds,
            )
            run_to_end(pipeline, source, stop)
        finally:
            vision.close()
        for group in source.failed:
            reporter.give_up(group)
        result.stopped = stop.asked and not (source.exhausted and pipeline.under_way == 0)


def _not_placed(
    groups: Iterator[AssetGroup], is_known: Callable[[Photo], bool], reporter: SortReporter
) -> Iterator[AssetGroup]:
    for group in groups:
        if is_known(group.photo):
            reporter.left(group, KNOWN)
        else:
            yield group


def _without_known(
    groups: Iterator[AssetGroup],
    draft: PlanDraft,
    placement: Placement,
    destination: Watched,
    reporter: SortReporter,
) -> Iterator[AssetGroup]:
    """The groups that an interrupted plan does not know; those that it does are planned at once."""
    for group in groups:
        known = draft.known(group)
        if known is None:
            yield group
            continue
        if known.prediction is not None:
            filing = placement.of_classified(group, known.prediction)
        elif known.action is Action.QUARANTINED:
            filing = placement.of_unreadable(group, known.reason)
        else:
            yield group
            continue
        report = destination.file([filing])
        for placed in report.filed:
            reporter.placed(filing, placed)
        for placed in report.left:
            reporter.left(group, f"the same as {placed.original}")
        for _ in report.known:
            reporter.left(group, KNOWN)


def now_text() -> str:
    """Now, as ISO 8601 with offset."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
