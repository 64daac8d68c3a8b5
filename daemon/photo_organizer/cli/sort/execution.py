"""Carries a plan out: exactly what it says, without classifying again, and nothing that changed since."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.cli.sort.jobs import Result, Watched
from photo_organizer.cli.sort.plan_files.plan_file import PlanError, PlanFile
from photo_organizer.cli.sort.plan_files.planned_photo import PlannedPhoto
from photo_organizer.cli.sort.plan_files.unchanged import ChangedError, UnchangedPhotos
from photo_organizer.cli.sort.progress import make_bar
from photo_organizer.cli.sort.selection import check_paths
from photo_organizer.cli.sort.stopping import StopRequest
from photo_organizer.companions.kinds import may_accompany
from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.formats import available_extras
from photo_organizer.inbox.readiness.content_type import blocked_reason
from photo_organizer.library import Filing
from photo_organizer.photo import Action
from photo_organizer.service.one_shot import FilingStoppedError
from photo_organizer.service.pipeline import FILED_TOGETHER
from photo_organizer.service.runtime import open_library
from photo_organizer.service.search_upkeep import index_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from photo_organizer.cli.sort.jobs import OnRow
    from photo_organizer.cli.sort.progress import Bar
    from photo_organizer.config import Configuration
    from photo_organizer.photo import Photo

    IsKnown = Callable[[Photo], bool]

DONE_BEFORE = "filed by this plan before"


def execute(configuration: Configuration, path: Path, on_row: OnRow) -> Result:
    """File the photos of the plan at `path` as planned.

    A photo is refused when it, or one of its companions, is not the file that was planned, or when its
    planned name is taken. One that this plan has filed already is passed over, so that a stopped run goes on.

    Raises:
        PlanError: it is no plan, is damaged, or is for another library.
        OrganizerError: the library takes no more.
    """
    plan = PlanFile.open(path)
    root = Path(plan.head.library)
    if root not in configuration.libraries:
        libraries = ", ".join(map(str, configuration.libraries))
        what = f"is for the library {plan.head.library}, not {libraries}"
        raise PlanError(
            what, where=path, remedy="use the configuration that it was made with, or make it again"
        )
    check_paths(configuration, [Path(named) for named in plan.head.paths if os.path.lexists(named)])
    total = plan.check()  # a damaged plan is refused as a whole
    unchanged = UnchangedPhotos(plan.head)
    result = Result()
    with open_library(configuration) as library, StopRequest() as stop, make_bar(total) as bar:
        transfer_mode = plan.head.transfer_mode
        destination = Watched(library, on_row, transfer_mode)
        photos = plan.photos()

        def is_known(photo: Photo) -> bool:
            return library.placed_before(photo, transfer_mode, root) is not None

        crash_log = CrashLog(configuration.state_directory)
        while not stop() and (chunk := list(islice(photos, FILED_TOGETHER))):
            seen = [_look_at(photo, unchanged, is_known, crash_log) for photo in chunk]
            ready = list(_ready(seen, result, bar))
            if ready:
                _file(list(_filings(ready, configuration, root)), destination, result, bar)
        result.stopped = stop.asked and next(photos, None) is not None
        result.batch = destination.batch
        index_all(library)
    return result


def _look_at(
    photo: PlannedPhoto, unchanged: UnchangedPhotos, is_known: IsKnown, crash_log: CrashLog
) -> tuple[PlannedPhoto, str]:
    """Return the photo as it is today, and why it is not filed ("" when it is unchanged)."""
    try:
        return _today(photo, unchanged, is_known)
    except ChangedError as error:
        return photo, str(error)
    except OrganizerError:
        raise
    except Exception as error:  # noqa: BLE001  (this photo's, whatever it is)
        return photo, crash_log.describe(error, photo.row["source"])


def _today(photo: PlannedPhoto, unchanged: UnchangedPhotos, is_known: IsKnown) -> tuple[PlannedPhoto, str]:
    destination = photo.row["destination"]
    if is_known(photo.group.photo):
        return photo, DONE_BEFORE
    if not os.path.lexists(photo.group.photo.path):
        return photo, DONE_BEFORE if unchanged.is_at(photo, destination) else "no longer there"
    planned, photo = photo, replace(photo, group=unchanged.today(photo))
    if photo.group != planned.group and is_known(photo.group.photo):
        return photo, DONE_BEFORE
    for file in (photo.group.photo, *photo.group.companions):
        name = "" if file is photo.group.photo else f" (its companion {file.path.name})"
        if not (name and may_accompany(file.path.name)) and not _is_photo(file.path):
            return photo, f"not an image{name}"
    stays = destination == os.fspath(photo.group.photo.path)  # a duplicate that is skipped
    if os.path.lexists(destination) and not stays and photo.action is not Action.QUARANTINED:
        return photo, f"its planned name is taken ({destination})"
    return photo, ""


def _ready(seen: Iterable[tuple[PlannedPhoto, str]], result: Result, bar: Bar) -> Iterator[PlannedPhoto]:
    for photo, reason in seen:
        if not reason:
            yield photo
            continue
        bar.advance("")
        if reason == DONE_BEFORE:
            result.tally.stays(reason)
        else:
            result.tally.fails(printable(photo.row["source"]), reason)


def _filings(photos: Iterable[PlannedPhoto], configuration: Configuration, library: Path) -> Iterator[Filing]:
    """What is asked of the library: what the plan says, and of duplicates what the inbox's settings say."""
    for photo in photos:
        rules = configuration.rules_for(photo.group.photo.path)
        yield Filing(
            photo.group, photo.action, photo.folder, photo.prediction, photo.decision, photo.reason,
            library=library, duplicates=rules.duplicates,
        )  # fmt: skip


def _file(asked: Sequence[Filing], destination: Watched, result: Result, bar: Bar) -> None:
    filings = {filing.group.photo.path: filing for filing in asked}
    report = destination.file(list(filings.values()), batch=destination.batch or None)
    for placed in report.filed:
        filing = filings[placed.group.photo.path]
        result.tally.placed(filing, placed)
        bar.advance(filing.decision.category if filing.decision else str(placed.action))
    for _ in report.left:
        result.tally.stays("duplicates")
        bar.advance("")
    for _ in report.known:
        result.tally.stays(DONE_BEFORE)
        bar.advance("")
    for group, trouble in report.set_aside:
        result.tally.fails(printable(group.photo.path), trouble.what)
        bar.advance("")
    if report.pause is not None:
        raise FilingStoppedError(str(report.pause))


def _is_photo(path: Path) -> bool:
    """Return whether `sort` itself would accept the file as a photo or a video."""
    try:
        return blocked_reason(os.fspath(path), available_extras()) is None
    except OSError:
        return True  # whatever it is, it cannot be filed: the library says why
