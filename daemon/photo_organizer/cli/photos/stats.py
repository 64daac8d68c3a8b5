"""`photo-organizer stats`: the photos in numbers, as a table, as JSON, and as a page of plots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from photo_organizer.cli.frame import Invocation, command

if TYPE_CHECKING:
    from photo_organizer.statistics.tables import Statistics


@command("stats")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--html",
    "page_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a self-contained page with the plots.",
)
def stats(invocation: Invocation, *, as_json: bool, page_path: Path | None) -> None:
    """Show photos by category, how sure the model was, and how many you have corrected since.

    Corrected means: the model filed a photo, and you moved it to another category.
    """
    from photo_organizer.cli.console import print_json
    from photo_organizer.library import Library
    from photo_organizer.statistics.tables import make_statistics

    with Library.open(invocation.configuration()) as library:
        statistics = make_statistics(library.recorded_actions())
    if as_json:
        print_json(statistics.to_json())
    if page_path is not None:
        from datetime import datetime

        from photo_organizer.statistics.page import page

        write_page(page_path, page(statistics, datetime.now().astimezone()))
        click.echo(f"wrote {page_path}", err=as_json)
    elif not as_json:
        _print_words(statistics)


def _print_words(statistics: Statistics) -> None:
    from photo_organizer.cli.console import counted, print_table
    from photo_organizer.statistics.page import COLUMNS, table_rows

    if not statistics.totals:
        click.echo("nothing was filed yet")
        return
    print_table(COLUMNS, table_rows(statistics), numbers=COLUMNS[1:])
    waiting = int(statistics.review["waiting"].iloc[-1]) if len(statistics.review) else 0
    click.echo(f"Review: {counted(waiting, 'photo')} waiting")
    others = {name: statistics.totals.get(name, 0) for name in ("duplicate", "quarantined", "undone")}
    words = ", ".join(f"{count:,} {name}" for name, count in others.items() if count)
    if words:
        click.echo(f"also: {words}")


def write_page(path: Path, text: str) -> None:
    """Write the page in the place of `path`.

    Raises:
        OrganizerError: it cannot be written.
    """
    from photo_organizer.errors import OrganizerError
    from photo_organizer.files import replace_file

    try:
        replace_file(path, text, durable=False)
    except OSError as error:
        raise OrganizerError(f"cannot be written: {error.strerror}", where=path) from error
