"""`photo-organizer search TEXT`: finds photos by name, category, camera, date or hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from photo_organizer.cli.frame import Invocation, command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from photo_organizer.library.record.operation import Operation
    from photo_organizer.library.record.search import SearchIndex

MOST_PHOTOS_LISTED = 50
NOTHING_FOUND = 1  # exit code, as grep has it
_WORTH_A_WORD = 50_000  # operations to index: some seconds


@command("search")
@click.argument("text", nargs=-1, required=True)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Show N photos at most; {MOST_PHOTOS_LISTED} without this option, and all with --json.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each photo, one a line.")
def search(invocation: Invocation, *, text: tuple[str, ...], limit: int | None, as_json: bool) -> int:
    """Find photos by parts of their name, folder, category, camera, date or SHA-256.

    All words must be found; case does not matter. Dates are written 2024-07 or 2024-07-21, and mean when the
    picture was taken, or when it was filed. The photos filed last come first. Exit code 1: nothing found.
    """
    from contextlib import closing
    from itertools import islice

    from photo_organizer.library import Library

    most = limit or (None if as_json else MOST_PHOTOS_LISTED)
    with Library.open(invocation.configuration()) as library, closing(library.search_index()) as index:
        _bring_up_to_date(index)
        found = index.find(" ".join(text))
        if as_json:
            shown = _print_objects(islice(found, most))
        else:
            shown = _print_words(list(islice(found, most)), more=next(found, None) is not None)
    return 0 if shown else NOTHING_FOUND


def _bring_up_to_date(index: SearchIndex) -> None:
    if index.waiting() > _WORTH_A_WORD:
        click.echo("building the search index (only once)", err=True)
    while index.extend():
        pass


def _print_objects(found: Iterable[Operation]) -> int:
    from photo_organizer.cli.console import print_json
    from photo_organizer.cli.photos.recorded import event_values
    from photo_organizer.library.record.history import event

    number = 0
    for operation in found:
        print_json(event_values(event(operation)))
        number += 1
    return number


def _print_words(found: list[Operation], *, more: bool) -> int:
    import os

    from photo_organizer.cli.console import counted, print_table
    from photo_organizer.cli.sort.plan_files.rows import shown_path

    if not found:
        click.echo("nothing found")
        return 0
    rows = [
        (_date(operation), operation.label or operation.details.category or operation.kind,
         shown_path(os.fsdecode(operation.destination)))
        for operation in found
    ]  # fmt: skip
    print_table(("date", "category", "photo"), rows)
    click.echo(f"the first {len(found):,}; more with --limit" if more else counted(len(found), "photo"))
    return len(found)


def _date(operation: Operation) -> str:
    return operation.details.taken[:10] or operation.time[:10]
