"""`photo-organizer run`: the daemon, in the foreground."""

from __future__ import annotations

import click

from photo_organizer.cli.frame import Invocation, command


@command("run")
def run(invocation: Invocation) -> int:
    """Watch the inboxes and file what arrives, until stopped (Ctrl-C).

    Inboxes and library are created if they never existed. The first time, on a terminal, it offers to show
    where the photos in your Pictures folder would go. The configuration is reloaded when it is saved, and on
    SIGHUP.
    """
    from photo_organizer.cli.setup.first_run import is_first_run, offer_dry_run
    from photo_organizer.config.first_folders import make_new_folders
    from photo_organizer.service.daemon import run_daemon

    path = invocation.path
    configuration = invocation.configuration()
    is_first = is_first_run(configuration)
    for folder in make_new_folders(configuration):
        click.echo(f"made {folder}", err=True)
    if is_first and (code := offer_dry_run(configuration)):
        return code
    return run_daemon(path)
