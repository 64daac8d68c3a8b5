"""Filing photos now, and what planning (see `planning.py`) has in common with it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from photo_organizer.cli.sort.plan_files.rows import row_of
from photo_organizer.cli.sort.progress import SortReporter, make_bar
from photo_organizer.cli.sort.selection import check_paths, count_photos, groups_in, model_in_use
from photo_organizer.cli.sort.stopping import StopRequest
from photo_organizer.cli.sort.tally import Tally
from photo_organizer.crash_log import CrashLog
from photo_organizer.library import TransferMode
from photo_organizer.service.interfaces import Vision
from photo_organizer.service.one_shot import ListedPhotos, run_to_end
from photo_organizer.service.pipeline import KNOWN, Pipeline
from photo_organizer.service.runtime import new_placement, new_vision, open_library
from photo_organizer.service.search_upkeep import index_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from photo_organizer.config import Configuration
    from photo_organizer.library import Filing, FilingReport, JoinReport, Latecomer, Library
    from photo_organizer.photo import AssetGroup, Photo
    from photo_organizer.service.interfaces import Destination
    from photo_organizer.service.placement import Placement

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


class ClosableVision(Vision, Protocol):
    """What classifies for one run: this machine's vision process, or the workers of a cluster."""

    def close(self) -> None: ...


class Watched:
    """A destination that reports the row of each photo filed.

    Args:
        inner: the library, or the plan of one.
        on_row: told of each filing with its row.
        transfer_mode: how the photos are filed; None for the action of the inbox that each is in.
    """

    def __init__(self, inner: Destination, on_row: OnRow, transfer_mode: TransferMode | None) -> None:
        self._inner = inner
        self._on_row = on_row
        self._transfer_mode = transfer_mode
        self.batch = ""

    def file(self, filings: Sequence[Filing], *, batch: str | None = None) -> FilingReport:
        """File, and report the rows of what was filed."""
        time = now_text()
        if self._transfer_mode is not None:
            filings = [replace(filing, transfer_mode=self._transfer_mode) for filing in filings]
        report = self._inner.file(filings, batch=batch)
        self.batch = report.batch
        of_path = {filing.group.photo.path: filing for filing in filings}
        for placed in report.filed:
            filing = of_path[placed.group.photo.path]
            self._on_row(filing, row_of(filing, placed, batch=report.batch, time=time))
        return report

    def join(self, latecomers: Sequence[Latecomer], inbox: Path) -> JoinReport:
        """Pass late companions on; only the daemon's inbox has any."""
        return self._inner.join(latecomers, inbox)


def sort_now(
    configuration: Configuration, paths: Sequence[Path], transfer_mode: TransferMode | None, on_row: OnRow
) -> Result:
    """File the photos in `paths`.

    Args:
        configuration: by which settings.
        paths: files and folders.
        transfer_mode: moved, copied or linked; None for the action of the inbox that each is in.
        on_row: told of each photo with its row of the ledger.

    Raises:
        OrganizerError: it cannot begin, or the library takes no more.
    """
    check_paths(configuration, paths)
    model = model_in_use(configuration)
    result = Result()
    with open_library(configuration) as library, StopRequest() as stop, make_bar(count_photos(paths)) as bar:
        destination = Watched(library, on_row, transfer_mode)
        reporter = SortReporter(result.tally, bar)
        groups = not_placed(
            groups_in(configuration, paths, reporter.skipped),
            lambda photo: is_placed(configuration, library, photo, transfer_mode),
            reporter,
        )
        try:
            run_photos(
                configuration, groups, vision=new_vision(configuration, model), destination=destination,
                placement=new_placement(configuration, model), reporter=reporter, result=result, stop=stop,
            )  # fmt: skip
        finally:
            result.batch = destination.batch
        index_all(library)
    return result


def run_photos(
    configuration: Configuration,
    groups: Iterator[AssetGroup],
    *,
    vision: ClosableVision,
    destination: Destination,
    placement: Placement,
    reporter: SortReporter,
    result: Result,
    stop: StopRequest,
) -> None:
    """Send the photos through the daemon's own pipeline, until all are done or somebody stops it.

    Args:
        configuration: by which settings.
        groups: the photos, read lazily.
        vision: what classifies; it is closed at the end.
        destination: what takes the photos.
        placement: which folder a classified photo belongs in.
        reporter: who hears what became of each photo.
        result: told when it was stopped.
        stop: who stops it.

    Raises:
        FilingStoppedError: the destination takes no more, or no model works.
    """
    source = ListedPhotos(groups)
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
    result.stopped = stop.asked and not (source.exhausted and pipeline.in_progress == 0)


def not_placed(
    groups: Iterator[AssetGroup], is_known: Callable[[Photo], bool], reporter: SortReporter
) -> Iterator[AssetGroup]:
    """Yield the groups that were not copied or linked before; those are skipped without being read."""
    for group in groups:
        if is_known(group.photo):
            reporter.left(group, KNOWN)
        else:
            yield group


def is_placed(
    configuration: Configuration, library: Library, photo: Photo, transfer_mode: TransferMode | None
) -> bool:
    """Whether the photo was copied or linked to its library before, and is still there."""
    rules = configuration.rules_for(photo.path)
    mode = transfer_mode or TransferMode(rules.action)
    return library.placed_before(photo, mode, rules.library) is not None


def now_text() -> str:
    """Return the current time as ISO 8601 with offset."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
