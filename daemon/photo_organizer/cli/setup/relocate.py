"""`photo-organizer relocate OLD NEW`: the photos have moved to another place, and their history follows."""

from __future__ import annotations

import os
from pathlib import Path

import click

from photo_organizer.cli.frame import Invocation, command
from photo_organizer.errors import OrganizerError


@command("relocate")
@click.argument("old")
@click.argument("new")
@click.option("--dry-run", is_flag=True, help="Change nothing; show what was found in the new place.")
@click.option(
    "--missing-ok",
    is_flag=True,
    help="Continue even if more than a tenth of the photos are in neither place.",
)
def relocate(invocation: Invocation, *, old: str, new: str, dry_run: bool, missing_ok: bool) -> None:
    """Record that you have moved a folder from OLD to NEW.

    OLD is a library, an inbox, a state folder, or a folder that holds them. Move it first, with any program,
    while the daemon is stopped. The journal, the ledger and the labels follow, so that `undo`, `why` and
    `train` go on; no photo is touched.
    """
    from photo_organizer.cli.console import counted
    from photo_organizer.service.requests.relocation import relocate as follow
    from photo_organizer.service.requests.relocation import settings_to_change

    configuration = invocation.configuration()
    before, after = (Path(os.path.abspath(os.path.expanduser(path))) for path in (old, new))  # noqa: PTH111
    inventory = follow(configuration, before, after, dry_run=dry_run, missing_ok=missing_ok)
    if not inventory.entries:
        raise OrganizerError("no photo was ever filed from or to this folder", where=before)
    if inventory.lost:
        click.echo(f"{counted(len(inventory.lost), 'photo')} in neither place: deleted or renamed by hand?")
    done = "would follow; nothing was changed" if dry_run else "followed"
    click.echo(f"{counted(inventory.found, 'photo')} {done}")
    if keys := ", ".join(settings_to_change(configuration, before)):
        click.echo(f"now change {keys} in {configuration.path}")
