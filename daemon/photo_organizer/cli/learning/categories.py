"""`photo-organizer categories`: which folders are categories, and which are to become one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from photo_organizer.cli.frame import Invocation, group, with_invocation
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from photo_organizer.learning.labels.label_store import FolderChoice


@group("categories")
def categories() -> None:
    """List the categories, and decide which of your folders become categories."""


@categories.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each folder, one a line.")
@with_invocation
def list_categories(invocation: Invocation, *, as_json: bool) -> None:
    """List the configured categories, your folders, and new folders to decide on."""
    from photo_organizer.cli.console import print_json, print_table
    from photo_organizer.learning.labels.category_folders import known_folders

    folders = known_folders(invocation.configuration())
    if as_json:
        for folder in folders:
            print_json({"name": folder.name, "state": folder.state, "photos": folder.photos})
        return
    rows = [
        (folder.name, folder.state, "" if folder.photos is None else str(folder.photos)) for folder in folders
    ]
    print_table(("category", "state", "your photos"), rows, numbers=("your photos",))


@categories.command("accept")
@click.argument("name", metavar="FOLDER")
@with_invocation
def accept(invocation: Invocation, name: str) -> None:
    """Make one of your folders a category. It is predicted after the next retraining.

    Adding it to `categories` in your organizer.yaml does the same.
    """
    from photo_organizer.learning.labels.label_store import FolderChoice

    _choose(invocation, name, FolderChoice.ACCEPTED)
    least = invocation.configuration().retraining.min_photos_per_category
    click.echo(f"{name} is a category now; it is trained from {least} photos on")


@categories.command("decline")
@click.argument("name", metavar="FOLDER")
@with_invocation
def decline(invocation: Invocation, name: str) -> None:
    """Never make this folder a category: its photos are not used for training."""
    from photo_organizer.learning.labels.label_store import FolderChoice

    _choose(invocation, name, FolderChoice.DECLINED)
    click.echo(f"{name} is not a category; {typed('categories accept', name)} changes that")


def _choose(invocation: Invocation, name: str, choice: FolderChoice) -> None:
    from datetime import datetime

    from photo_organizer.learning.labels.category_folders import choose_folder

    choose_folder(invocation.configuration(), name, choice, datetime.now().astimezone())
