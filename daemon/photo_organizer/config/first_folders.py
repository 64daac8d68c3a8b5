"""Makes the inboxes and the libraries when they are new, and never when they have only gone missing.

A folder that was there once and is not there now is most likely on a drive that is not mounted: made anew in
its place it would take photos that then hide under the mount. So what was seen is remembered in the state
directory, and only what was never seen is made.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.errors import OrganizerError
from photo_organizer.files import PRIVATE, replace_file

if TYPE_CHECKING:
    from photo_organizer.config.configuration import Configuration

SEEN_FILE = "folders-seen.json"


def make_new_folders(configuration: Configuration) -> tuple[Path, ...]:
    """Makes the inboxes and the libraries that were never there, and remembers all that are there.

    Returns:
        The folders that were made.

    Raises:
        OrganizerError: a folder, or the state directory, cannot be made or written.
    """
    state = configuration.state_directory
    _make(state, mode=0o700)
    seen = _read_seen(state / SEEN_FILE)
    folders = [*configuration.inbox_paths, *configuration.libraries]
    made = tuple(folder for folder in folders if not folder.exists() and os.fspath(folder) not in seen)
    for folder in made:
        _make(folder, mode=0o777)
    now_seen = seen | {os.fspath(folder) for folder in folders if folder.is_dir()}
    if now_seen != seen:
        _write_seen(state / SEEN_FILE, now_seen)
    return made


def make_folders(configuration: Configuration) -> tuple[Path, ...]:
    """Makes the inboxes and the libraries that are not there, whether they were once or not."""
    folders = (*configuration.inbox_paths, *configuration.libraries)
    missing = [folder for folder in folders if not folder.exists()]
    for folder in missing:
        _make(folder, mode=0o777)
    make_new_folders(configuration)
    return tuple(missing)


def _make(folder: Path, *, mode: int) -> None:
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OrganizerError(f"this folder cannot be made: {reason}", where=folder) from error


def _read_seen(path: Path) -> set[str]:
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return set()
    except (OSError, ValueError) as error:
        remedy = "delete it if it is damaged"
        raise OrganizerError(f"cannot be read: {error}", where=path, remedy=remedy) from error
    return {str(name) for name in names} if isinstance(names, list) else set()


def _write_seen(path: Path, folders: set[str]) -> None:
    try:
        replace_file(path, json.dumps(sorted(folders), indent=2) + "\n", mode=PRIVATE)
    except OSError as error:
        raise OrganizerError(f"cannot be written: {error.strerror or error}", where=path) from error
