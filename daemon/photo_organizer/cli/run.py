"""`photo-organizer run`: the daemon, in the foreground."""

from __future__ import annotations

import click

from photo_organizer.cli.frame import Invocation, command


@command("run")
def run(invocation: Invocation) -> int:
    """Watch the inboxes and file what arrives, until stopped (Ctrl-C).

    Inboxes and library that were never there are made. SIGHUP, or saving the config, takes its changes over.
    """
    from photo_organizer.config.first_folders import make_new_folders
    from photo_organizer.service.daemon import run_daemon

    path = invocation.path
    for folder in make_new_folders(invocation.configuration()):
        click.echo(f"made {folder}", err=True)
    return run_daemon(path)
