"""Which photos a run is about, and by which model they are looked at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.companions import photo_count
from photo_organizer.config.paths import is_inside
from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError
from photo_organizer.inbox import find_groups
from photo_organizer.models.serving_model import ModelDescription, read_model
from photo_organizer.models.store import Registry
from photo_organizer.service.runtime import available_extras

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from photo_organizer.config import Configuration
    from photo_organizer.inbox import Skipped
    from photo_organizer.photo import AssetGroup


def groups_in(
    configuration: Configuration, paths: Sequence[Path], on_skipped: Callable[[Skipped], None]
) -> Iterator[AssetGroup]:
    """Yield the photos in `paths`, by the settings."""
    return find_groups(
        paths,
        settle_seconds=configuration.watch.settle_seconds,
        recursive=configuration.watch.recursive,
        videos=configuration.videos is not None,
        ignore=configuration.watch.ignore,
        ours=(configuration.library, configuration.state_directory, configuration.model_directory),
        available_extras=available_extras(),
        on_skipped=on_skipped,
        crash_log=CrashLog(configuration.state_directory),
    )


def check_paths(configuration: Configuration, paths: Sequence[Path]) -> None:
    """Refuse paths that are ours, or filed already.

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
    """Return the model in use; install the starter when there is none."""
    return read_model(Registry(configuration.model_directory).current())


def count_photos(paths: Sequence[Path]) -> int:
    """Return about how many photos there are, by their names, for the progress bar."""
    return sum((photo_count.count_photos(path) or 0) if path.is_dir() else 1 for path in paths)
