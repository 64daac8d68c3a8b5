"""`photo-organizer resume`: ends the pause."""

from __future__ import annotations

import click

from photo_organizer.cli.frame import Invocation, command


@command("resume")
def resume(invocation: Invocation) -> None:
    """End the pause: filing goes on."""
    from photo_organizer.service.requests.owner_pause import remove_pause

    was_paused = remove_pause(invocation.configuration().state_directory)
    click.echo("filing goes on" if was_paused else "filing is not paused")
