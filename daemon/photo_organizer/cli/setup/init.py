"""`photo-organizer init`: a commented configuration, and the folders it names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from photo_organizer.cli.frame import Invocation, command
from photo_organizer.errors import OrganizerError
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from pathlib import Path


@command("init")
@click.option("--inbox", "inboxes", multiple=True, metavar="DIR", help="Folder to watch. May be repeated.")
@click.option("--library", metavar="DIR", help="Folder for the category folders.")
def init(invocation: Invocation, inboxes: tuple[str, ...], library: str | None) -> None:
    """Write a commented configuration file and create its folders.

    An existing configuration is not changed; only its folders are created.
    """
    from photo_organizer.config import load_configuration, sample_configuration
    from photo_organizer.config.first_folders import make_folders

    path = invocation.path
    values: dict[str, object] = {}
    if inboxes:
        values["inboxes"] = [os.path.abspath(os.path.expanduser(inbox)) for inbox in inboxes]  # noqa: PTH111
    if library:
        values["library"] = os.path.abspath(os.path.expanduser(library))  # noqa: PTH111
    if path.exists():
        if values:
            raise OrganizerError(
                "this configuration already exists",
                where=path,
                remedy="change `inboxes` and `library` in it",
            )
        click.echo(f"kept   {path}")
    else:
        write_new(path, sample_configuration(values))
        click.echo(f"wrote  {path}")
    configuration = load_configuration(path)
    for folder in make_folders(configuration):
        click.echo(f"made   {folder}")
    click.echo(f"next:  {typed('run')}, then drop photos in {configuration.inbox_paths[0]}")


def write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OrganizerError("this folder cannot be created", where=path.parent) from error
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OrganizerError(f"cannot be written: {error.strerror}", where=path) from error
