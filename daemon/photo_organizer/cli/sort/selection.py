"""Which photos a run is about, and by which model they are looked at."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.companions import photo_count
from photo_organizer.config.paths import is_inside
from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError
from photo_organizer.formats import available_extras
from photo_organizer.inbox import WatchedFolder, find_groups
from photo_organizer.library import TransferMode
from photo_organizer.models.serving_model import ModelDescription, read_model
from photo_organizer.models.store import Registry
from photo_organizer.service.runtime import watched_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from photo_organizer.config import Configuration
    from photo_organizer.inbox import Skipped
    from photo_organizer.photo import AssetGroup


def groups_in(
    configuration: Configuration, paths: Sequence[Path], on_skipped: Callable[[Skipped], None]
) -> Iterator[AssetGroup]:
    """Yield the photos in `paths`, each by the settings of the inbox that it is in."""
    watched = {folder.path: folder for folder in watched_folders(configuration)}
    general = WatchedFolder(Path(), configuration.watch.ignore, configuration.watch.recursive)
    parts: dict[WatchedFolder, list[Path]] = {}
    for path in paths:
        inbox = configuration.inbox_of(Path(os.path.abspath(path)))
        parts.setdefault(general if inbox is None else watched[inbox.path], []).append(path)
    found = [
        find_groups(
            named,
            settle_seconds=configuration.watch.settle_seconds,
            recursive=settings.recursive,
            videos=configuration.videos is not None,
            ignore=settings.ignore,
            ours=(*configuration.libraries, configuration.state_directory, configuration.model_directory),
            available_extras=available_extras(),
            on_skipped=on_skipped,
            crash_log=CrashLog(configuration.state_directory),
        )
        for settings, named in parts.items()
    ]
    return itertools.chain.from_iterable(found)


def library_and_mode(
    configuration: Configuration, paths: Sequence[Path], transfer_mode: TransferMode | None
) -> tuple[Path, TransferMode]:
    """Return where the photos of a plan go, and how: a plan has one library and one way.

    Raises:
        OrganizerError: the paths are in inboxes that differ in that.
    """
    found: set[tuple[Path, TransferMode]] = set()
    for path in map(Path, map(os.path.abspath, paths)):
        inside = (
            configuration.rules_of(inbox)
            for inbox in configuration.inboxes
            if inbox.path.is_relative_to(path)
        )
        for rules in (configuration.rules_for(path), *inside):
            found.add((rules.library, transfer_mode or TransferMode(rules.action)))
    if len(found) > 1:
        what = "these folders have different libraries or actions, and a plan has one of each"
        raise OrganizerError(what, where=", ".join(map(str, paths)), remedy="make a plan for each")
    return found.pop()


def check_paths(configuration: Configuration, paths: Sequence[Path]) -> None:
    """Refuse paths that are ours, or filed already.

    Raises:
        OrganizerError: a path is in the library or in the state directory, or does not exist.
    """
    for path in paths:
        if not os.path.lexists(path):
            raise OrganizerError("is not there", where=path)
        for folder, name in (
            *((library, "the library") for library in configuration.libraries),
            (configuration.state_directory, "our own state"),
        ):
            if is_inside(path, folder):
                raise OrganizerError(
                    f"is in {name} ({folder})", where=path, remedy="name a folder outside of it"
                )


def model_in_use(configuration: Configuration) -> ModelDescription:
    """Return the model in use; install the starter when there is none."""
    return read_model(Registry(configuration.model_directory).current())


def count_photos(paths: Sequence[Path]) -> int:
    """Return about how many photos there are, by their names, for the progress bar."""
    return sum((photo_count.count_photos(path) or 0) if path.is_dir() else 1 for path in paths)
