"""Carries a plan out: exactly what it says, without classifying again, and nothing that changed since."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

from photo_organizer.cli.sort.jobs import Result, Watched
from photo_organizer.cli.sort.plan_file import Plan, PlanError, PlannedPhoto
from photo_organizer.cli.sort.progress import make_bar
from photo_organizer.cli.sort.stopping import StopRequest
from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.library import Filing
from photo_organizer.photo import Action, FileIdentity, Photo
from photo_organizer.service.one_shot import FilingStoppedError
from photo_organizer.service.pipeline import FILED_TOGETHER
from photo_organizer.service.runtime import open_library
from photo_organizer.service.search_upkeep import index_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from photo_organizer.cli.sort.jobs import OnRow
    from photo_organizer.cli.sort.progress import Bar
    from photo_organizer.config import Configuration
    from photo_organizer.library import Library, Manner

DONE_BEFORE = "filed by this plan before"


def execute(configuration: Configuration, path: Path, on_row: OnRow) -> Result:
    """Files the photos of the plan at `path` as it says.

    A photo is refused when it, or one of its companions, is not the file that was planned, or when its
    planned name is taken. One that this plan has filed already is passed over, so that a stopped run goes on.

    Raises:
        PlanError: it is no plan, is damaged, or is for another library.
        OrganizerError: the library takes no more.
    """
    plan = Plan.open(path)
    if plan.head.library != os.fspath(configuration.library):
        what = f"is for the library {plan.head.library}, not {configuration.library}"
        raise PlanError(
            what, where=path, remedy="use the configuration that it was made with, or make it anew"
        )
    total = sum(1 for _ in plan.photos())  # a damaged plan is refused as a whole
    result = Result()
    with open_library(configuration) as library, StopRequest() as stop, make_bar(total) as bar:
        manner = plan.head.manner
        destination = Watched(library, on_row, manner)
        photos = plan.photos()
        crash_log = CrashLog(configuration.state_directory)
        while not stop() and (chunk := list(islice(photos, FILED_TOGETHER))):
            reasons = [_reason(photo, library, manner, crash_log) for photo in chunk]
            ready = list(_unchanged(zip(chunk, reasons, strict=True), result, bar))
            if ready:
                _file(ready, destination, result, bar)
        result.stopped = stop.asked and next(photos, None) is not None
        result.batch = destination.batch
        index_all(library)
    return result


def _reason(photo: PlannedPhoto, library: Library, manner: Manner, crash_log: CrashLog) -> str:
    """Why this photo is not filed; empty when it is just as it was planned."""
    try:
        is_known = library.placed_before(photo.group.photo, manner) is not None
        return DONE_BEFORE if is_known else _reason_against(photo)
    except OrganizerError:
        raise
    except Exception as error:  # noqa: BLE001  (this photo's, whatever it is)
        return crash_log.describe(error, photo.row["source"])


def _unchanged(
    photos: Iterable[tuple[PlannedPhoto, str]], result: Result, bar: Bar
) -> Iterator[PlannedPhoto]:
    for photo, reason in photos:
        if not reason:
            yield photo
            continue
        bar.advance("")
        if reason == DONE_BEFORE:
            result.tally.stays(reason)
        else:
            result.tally.fails(printable(photo.row["source"]), reason)


def _file(photos: list[PlannedPhoto], destination: Watched, result: Result, bar: Bar) -> None:
    filings = {
        photo.group.photo.path: Filing(
            photo.group, photo.action, photo.folder, photo.prediction, photo.decision, photo.reason
        )
        for photo in photos
    }
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


def _reason_against(photo: PlannedPhoto) -> str:
    """Why this photo is not filed; empty when it is just as it was planned."""
    destination = photo.row["destination"]
    if not os.path.lexists(photo.group.photo.path):
        return DONE_BEFORE if _is(photo.group.photo, destination) else "no longer there"
    for file in (photo.group.photo, *photo.group.companions):
        if not _is(file, file.path):
            name = "" if file is photo.group.photo else f" (its companion {file.path.name})"
            return f"changed since it was planned{name}"
    stays = destination == os.fspath(photo.group.photo.path)  # a duplicate that is skipped
    if os.path.lexists(destination) and not stays and photo.action is not Action.QUARANTINED:
        return f"its planned name is taken ({destination})"
    return ""


def _is(file: Photo, path: Path | str) -> bool:
    """Whether the file that was planned is at `path`, untouched."""
    try:
        return FileIdentity.of(os.lstat(path)) == file.identity
    except OSError:
        return False
