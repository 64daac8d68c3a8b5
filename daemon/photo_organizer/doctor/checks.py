"""The list of checks of `doctor`; each is a function in one of the modules next to this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from photo_organizer.config import Configuration
from photo_organizer.doctor.check import Check, Mark, fix, ok
from photo_organizer.doctor.folder_checks import (
    category_folders,
    disk_space,
    file_system,
    folders,
    moves,
    waiting_photos,
)
from photo_organizer.doctor.machine_checks import confinement, engine, extras, packages, watching
from photo_organizer.doctor.monitoring_checks import hooks, metrics
from photo_organizer.doctor.name_check import extensions
from photo_organizer.doctor.record_checks import journal, model
from photo_organizer.doctor.service_checks import daemon, service
from photo_organizer.errors import OrganizerError, printable

CheckFunction = Callable[[Configuration], Iterator[Check]]

# name, check, and the result if it finds nothing (empty if it always finds something); quick ones first
CHECKS: Sequence[tuple[str, CheckFunction, str]] = (
    ("folders", folders, "all exist and are writable"),
    ("categories", category_folders, "plain folders of the library"),
    ("disk", disk_space, ""),
    ("moves", moves, ""),
    ("file system", file_system, ""),
    ("review", waiting_photos, ""),
    ("journal", journal, ""),
    ("watching", watching, "the kernel allows enough watches"),
    ("engine", engine, ""),
    ("decoders", confinement, ""),
    ("formats", extras, ""),
    ("packages", packages, "none missing"),
    ("service", service, "installed and running"),
    ("hooks", hooks, ""),
    ("metrics", metrics, ""),
    ("daemon", daemon, ""),
    ("model", model, ""),
    ("names", extensions, ""),
)
OF_SERVICE = ("service", "folders", "categories", "watching", "packages")
"""The quick checks, for `service status`."""


def run_checks(configuration: Configuration, refusal: str = "", only: Sequence[str] = ()) -> Iterator[Check]:
    """Run the checks and yield their results; an error in one does not stop the others.

    Args:
        configuration: the configuration in use.
        refusal: the errors of its file; empty if there are none.
        only: the names of the checks to run; empty for all.
    """
    where = printable(configuration.path)
    for line in refusal.splitlines():
        what = f"the configuration is invalid ({line})"
        yield fix("settings", what, "fix the file; the checks below use the last valid settings")
    if not refusal and not only:
        yield ok("settings", where)
    for name, check, well in CHECKS:
        if not only or name in only:
            yield from _run(name, check, well, configuration)


def _run(name: str, check: CheckFunction, well: str, configuration: Configuration) -> Iterator[Check]:
    found_nothing = True
    try:
        for found in check(configuration):
            found_nothing = False
            yield found
    except (OSError, OrganizerError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        yield fix(name, f"cannot be checked: {reason}", "fix this first")
        return
    if found_nothing and well:
        yield ok(name, well)


def findings(configuration: Configuration, refusal: str = "") -> list[Check]:
    """Return the findings about the service, folders and machine, for `service status`."""
    return [check for check in run_checks(configuration, refusal, OF_SERVICE) if check.mark is not Mark.OK]
