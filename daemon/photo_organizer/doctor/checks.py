"""The one list of what `doctor` looks at; each check is a small function in the modules beside this one."""

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
from photo_organizer.doctor.machine_checks import engine, extras, packages, watching
from photo_organizer.doctor.monitoring_checks import hooks, metrics
from photo_organizer.doctor.name_check import extensions
from photo_organizer.doctor.record_checks import journal, model
from photo_organizer.doctor.service_checks import daemon, service
from photo_organizer.errors import OrganizerError, printable

CheckFunction = Callable[[Configuration], Iterator[Check]]

# a name, the check, and what is said when it finds nothing ("" when it says so itself); cheap ones first
CHECKS: Sequence[tuple[str, CheckFunction, str]] = (
    ("folders", folders, "all there and writable"),
    ("categories", category_folders, "plain folders of the library"),
    ("disk", disk_space, ""),
    ("moves", moves, ""),
    ("file system", file_system, ""),
    ("review", waiting_photos, ""),
    ("journal", journal, ""),
    ("watching", watching, "the kernel allows enough"),
    ("engine", engine, ""),
    ("formats", extras, ""),
    ("packages", packages, "nothing is missing"),
    ("service", service, "installed and running"),
    ("hooks", hooks, ""),
    ("metrics", metrics, ""),
    ("daemon", daemon, ""),
    ("model", model, ""),
    ("names", extensions, ""),
)
OF_SERVICE = ("service", "folders", "categories", "watching", "packages")
"""The quick ones, which `service status` tells of."""


def run_checks(configuration: Configuration, refusal: str = "", only: Sequence[str] = ()) -> Iterator[Check]:
    """Yield what each check finds; one that fails is told, and the others go on.

    Args:
        configuration: in force.
        refusal: what is wrong with its file now; "" when nothing is.
        only: the names of the checks to run; all when empty.
    """
    where = printable(configuration.path)
    for line in refusal.splitlines():
        what = f"the configuration is refused ({line})"
        yield fix("settings", what, "correct the file; the settings that were last in force are checked here")
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
        yield fix(name, f"cannot be checked: {reason}", "see to that first")
        return
    if found_nothing and well:
        yield ok(name, well)


def findings(configuration: Configuration, refusal: str = "") -> list[Check]:
    """Return what is not well with the service, the folders and the machine; for `service status`."""
    return [check for check in run_checks(configuration, refusal, OF_SERVICE) if check.mark is not Mark.OK]
