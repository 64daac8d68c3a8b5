"""`photo-organizer pause`: filing rests until `resume`, or for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from photo_organizer.cli.frame import Invocation, command
from photo_organizer.cli.times import Duration


@command("pause")
@click.option("--for", "duration", type=Duration(), help="End the pause after this time: 90m, 2h, 3d, ...")
def pause(invocation: Invocation, *, duration: timedelta | None) -> None:
    """Pause filing until `resume`, or for a time.

    Photos wait in the inbox, even if the daemon or the machine is restarted. Photos that are being filed
    at this moment are still filed. `sort`, `undo` and `train` still work.
    """
    from photo_organizer.service.requests.owner_pause import OwnerPause, write_pause
    from photo_organizer.service.status.running_daemon import read_status

    configuration = invocation.configuration()
    now = datetime.now().astimezone()
    try:
        until = None if duration is None else now + duration
    except OverflowError as error:
        raise click.BadParameter("too long", param_hint="'--for'") from error
    wanted = OwnerPause(now, until)
    write_pause(configuration.state_directory, wanted)
    click.echo(str(wanted))
    if not read_status(configuration)["running"]:
        click.echo("no daemon is running; the pause applies as soon as one starts")
