"""`photo-organizer review`: the page in the browser."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING

import click

from photo_organizer.cli.frame import Invocation, command

if TYPE_CHECKING:
    from photo_organizer.config import Configuration


@command("review")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Port to listen on (default: 8420, or any free one).",
)
@click.option("--no-browser", is_flag=True, help="Print the address only, for use over SSH.")
@click.option(
    "--idle-minutes",
    type=click.FloatRange(0, min_open=True),
    default=30.0,
    show_default=True,
    help="Stop after this many minutes without activity.",
)
def review(invocation: Invocation, *, port: int | None, no_browser: bool, idle_minutes: float) -> None:
    """Sort the photos in Review in your browser.

    The page is served on this machine alone, and only to the browser that opens the printed address. It ends
    when you close it, or with Ctrl-C. The daemon may be running.
    """
    from photo_organizer.web.server import PageOptions, logging_to_file, running_page, serve

    configuration = invocation.configuration()
    address = running_page(configuration) if port is None else None
    if address is not None:  # the daemon's, or of another terminal
        _show(address, no_browser=no_browser)
        return
    options = PageOptions(_port(configuration, port), or_any_port=port is None, idle_minutes=idle_minutes)
    with logging_to_file(configuration):
        serve(configuration, options, lambda found: _show(found, no_browser=no_browser))


def _port(configuration: Configuration, port: int | None) -> int:
    return configuration.review_page.port if port is None else port


def _show(address: str, *, no_browser: bool) -> None:
    click.echo(address)
    if not no_browser and not webbrowser.open(address):
        click.echo("open this address in a browser on this machine", err=True)
