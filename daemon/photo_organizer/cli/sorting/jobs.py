"""The two ways of looking at photos: filing them now, and planning it without moving any."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photo_organizer.cli.sorting.draft import PlanDraft
from photo_organizer.cli.sorting.look_alikes import LookAlikes
from photo_organizer.cli.sorting.plan import PlanHead, PlannedPhoto
from photo_organizer.cli.sorting.planned_library import DiskWork, PlannedLibrary
from photo_organizer.cli.sorting.progress import SortReporter, make_bar
from photo_organizer.cli.sorting.rows import row_of
from photo_organizer.cli.sorting.stopping import StopRequest
from photo_organizer.cli.sorting.tally import Tally
from photo_organizer.config.paths import is_inside
from photo_organizer.errors import OrganizerError
from photo_organizer.formats import by_extension
from photo_organizer.inbox import find_groups
from photo_organizer.learning.categories import serving_categories
from photo_organizer.learning.registry import Registry
from photo_organizer.library import Library
from photo_organizer.photo import Action
from photo_organizer.service.one_shot import ListedPhotos, run_to_end
from photo_organizer.service.pipeline import Pipeline
from photo_organizer.service.placement import Placement
from photo_organizer.service.rooms import available_extras, destination_of, new_vision, open_library
from photo_organizer.vision.model import ModelDescription, read_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from photo_organizer.config import Configuration
    from photo_organizer.inbox import Skipped
    from photo_organizer.library import Filing, FilingReport, JoinReport
    from photo_organizer.photo import AssetGroup, Photo
    from photo_organizer.service.roles import Destination

    OnRow = Callable[[Filing, dict[str, Any]], None]

IN_THE_LIBRARY = (Action.FILED, Action.REVIEW, Action.DUPLICATE)


@dataclass(slots=True)
class Result:
    """How a run ended.

    Args:
        tally: the counts.
        stopped: whether it was asked to stop before all was done.
        batch: the ledger's id of what was filed; empty when nothing was.
        alike: photos that look like another one, of a plan.
    """

    tally: Tally = field(default_factory=Tally)
    stopped: bool = False
    batch: str = ""
    alike: LookAlikes = field(default_factory=LookAlikes)


class Watched:
    """A destination that hands out the row of each photo that it takes.

    Args:
        inner: the library, or the plan of one.
        on_row: told of each filing with its row.
    """

    def __init__(self, inner: Destination, on_row: OnRow) -> None:
        self._inner = inner
        self._on_row = on_row
        self.batch = ""

    def file(self, filings: Sequence[Filing], *, batch: str | None = None) -> FilingReport:
        """Files, and hands out the rows of what was filed."""
        time = now_text()
        report = self._inner.file(filings, batch=batch)
        self.batch = report.batch
        of_path = {filing.group.photo.path: filing for filing in filings}
        for placed in report.filed:
            filing = of_path[placed.group.photo.path]
            self._on_row(filing, row_of(filing, placed, batch=report.batch, time=time))
        return report

    def join(self, companions: Sequence[Photo], inbox: Path) -> JoinReport:
        """Late companions: only the daemon's inbox knows of any."""
        return self._inner.join(companions, inbox)


def sort_now(configuration: Configuration, paths: Sequence[Path], on_row: OnRow) -> Result:
    """Files the photos in `paths`.

    Args:
        configuration: by which settings.
        paths: files and folders.
        on_row: told of each photo with its row of the ledger.

    Raises:
        OrganizerError: it cannot begin, or the library takes no more.
    """
    check_paths(configuration, paths)
    model = model_in_use(configuration)
    result = Result()
    with open_library(configuration) as library:
        destination = Watched(destination_of(configuration, library), on_row)
        try:
            _run(configuration, model, paths, destination=destination, result=result)
        finally:
            result.batch = destination.batch
    return result


def make_plan(
    configuration: Configuration, paths: Sequence[Path], target: Path | None, on_row: OnRow
) -> tuple[Result, DiskWork]:
    """Finds out where the photos in `paths` would go, and moves none.

    Args:
        configuration: by which settings.
        paths: files and folders.
        target: the plan to write; None to write none.
        on_row: told of each photo with its row, as planned.

    Raises:
        OrganizerError: it cannot begin, or the plan cannot be written.
    """
    check_paths(configuration, paths)
    model = model_in_use(configuration)
    categories = serving_categories(configuration, model.directory)
    head = PlanHead(
        os.fspath(configuration.library),
        model.id,
        categories,
        tuple(os.path.abspath(path) for path in paths),
        now_text(),
    )
    draft = PlanDraft(target, head) if target else None
    result = Result()

    def take(filing: Filing, row: dict[str, Any]) -> None:
        if filing.prediction is not None and row["action"] != Action.DUPLICATE:
            result.alike.add(filing.prediction.perceptual_hash, row["source"])
        if draft is not None:
            draft.add(PlannedPhoto.of(filing, row))
        on_row(filing, row)

    with Library.open(configuration) as library:
        planned = PlannedLibrary(configuration, lambda sha256: original_of(library, sha256))
        try:
            _run(configuration, model, paths, destination=Watched(planned, take), result=result, draft=draft)
        except BaseException:
            if draft is not None:
                draft.interrupt()
            raise
    if draft is not None and result.stopped:
        draft.interrupt()
    elif draft is not None:
        from photo_organizer.cli.sorting.contact_sheet import write_contact_sheet

        write_contact_sheet(draft, result.tally, configuration.library)
        draft.finish()
    return result, planned.work


def _run(
    configuration: Configuration,
    model: ModelDescription,
    paths: Sequence[Path],
    *,
    destination: Watched,
    result: Result,
    draft: PlanDraft | None = None,
) -> None:
    """Sends the photos through the daemon's own pipeline, until all are done or somebody stops it."""
    placement = Placement.by(configuration, model.thresholds)
    with StopRequest() as stop, make_bar(count_photos(paths)) as bar:
        reporter = SortReporter(result.tally, bar)
        groups = groups_in(configuration, paths, reporter.skipped)
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
                linger=configuration.batch.max_wait_seconds,
            )
            run_to_end(pipeline, source, stop)
        finally:
            vision.close()
        for group in source.failed:
            reporter.give_up(group)
        result.stopped = stop.asked and not (source.exhausted and pipeline.under_way == 0)


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


def groups_in(
    configuration: Configuration, paths: Sequence[Path], on_skipped: Callable[[Skipped], None]
) -> Iterator[AssetGroup]:
    """The photos in `paths`, by the settings."""
    return find_groups(
        paths,
        settle_seconds=configuration.watch.settle_seconds,
        recursive=configuration.watch.recursive,
        videos=configuration.videos is not None,
        ignore=configuration.watch.ignore,
        library=configuration.library,
        available_extras=available_extras(),
        on_skipped=on_skipped,
    )


def check_paths(configuration: Configuration, paths: Sequence[Path]) -> None:
    """Refuses what is ours or filed already.

    Raises:
        OrganizerError: a path is in the library or in the state directory, or does not exist.
    """
    for path in paths:
        if not os.path.lexists(path):
            raise OrganizerError("is not there", where=path)
        for folder, name in (
            (configuration.library, "the library"),
            (configuration.state_directory, "our own state"),
        ):
            if is_inside(path, folder):
                raise OrganizerError(
                    f"is in {name} ({folder})", where=path, remedy="name a folder outside of it"
                )


def model_in_use(configuration: Configuration) -> ModelDescription:
    """The model in use; the starter is installed when there is none."""
    return read_model(Registry(configuration.model_directory).current())


def original_of(library: Library, sha256: str) -> Path | None:
    """Where a photo with this SHA-256 was filed, and is still."""
    for event in library.history(sha256):
        is_filed = event.action in IN_THE_LIBRARY and not event.undone
        if (is_filed or event.action == Action.CORRECTED) and event.destination.exists():
            return event.destination
    return None


def count_photos(paths: Sequence[Path]) -> int:
    """About how many photos there are, by their names: for the bar."""
    count = 0
    for path in paths:
        if not path.is_dir():
            count += 1
            continue
        for _, _, names in os.walk(path):
            count += sum(1 for name in names if not name.startswith(".") and by_extension(name) is not None)
    return count


def now_text() -> str:
    """Now, as ISO 8601 with offset."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
