"""The first run on a terminal: an offer to show where the photos that are there already would go."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from photo_organizer.errors import OrganizerError, printable
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from photo_organizer.config import Configuration

PLAN = "first-run.plan"  # in the state folder


def is_first_run(configuration: Configuration) -> bool:
    """Return whether nothing was ever filed with this state folder, and a person is at the terminal."""
    is_asked = sys.stdin.isatty() and sys.stderr.isatty()
    return is_asked and not (configuration.state_directory / "journal.sqlite").exists()


def offer_dry_run(configuration: Configuration) -> int:
    """Offer to plan the photos in the Pictures folder, and show the plan; nothing is moved.

    Returns:
        The exit code: 0 to go on with the daemon.
    """
    pictures = pictures_folder()
    count = _count(configuration, pictures)
    if not count:
        return 0
    shown = printable(pictures)
    question = f"{count:,} photos are in {shown}. See where they would go? Nothing is moved."
    if not click.confirm(question, default=True, err=True):
        return 0
    try:
        return _plan(configuration, pictures)
    except OrganizerError as error:  # the daemon can run all the same
        click.echo(f"no plan was made: {error}", err=True)
        return 0


def pictures_folder() -> Path:
    """Return the owner's Pictures folder, whatever its name in their language is."""
    import platformdirs

    return platformdirs.user_pictures_path()


def _count(configuration: Configuration, pictures: Path) -> int:
    from photo_organizer.companions.photo_count import count_photos
    from photo_organizer.config.paths import is_inside

    ours = (*configuration.libraries, configuration.state_directory, *configuration.inbox_paths)
    if any(is_inside(pictures, folder) for folder in ours):
        return 0  # all of it is watched, or filed
    return count_photos(pictures, leave_out=ours) or 0


def _plan(configuration: Configuration, pictures: Path) -> int:
    from photo_organizer.cli.boundary import INTERRUPTED
    from photo_organizer.cli.sort.command import summarise_plan
    from photo_organizer.library import TransferMode

    plan = configuration.state_directory / PLAN
    result = summarise_plan(configuration, (pictures,), plan, TransferMode.MOVE, as_json=False)
    if result.stopped:
        again = typed("sort", pictures, "--dry-run", "--plan", plan)
        click.echo(f"stopped; to go on: {again}", err=True)
        return INTERRUPTED
    page = f"{plan}.html"
    if has_screen():
        click.launch(page)
    go = typed("sort --plan", plan)
    click.echo(f"look at {page}; to file them so, stop this with Ctrl-C and run: {go}", err=True)
    return 0


def has_screen() -> bool:
    """Return whether a graphical browser can be opened (one in the terminal would be in the way)."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
