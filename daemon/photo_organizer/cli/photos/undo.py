"""`photo-organizer undo`: takes photos back to where they came from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from photo_organizer.cli.frame import Invocation, command
from photo_organizer.cli.times import PastTime

if TYPE_CHECKING:
    from datetime import datetime

    from photo_organizer.errors import OrganizerError
    from photo_organizer.library import UndoReport, UndoStep

SOME_NOT_UNDONE = 3  # exit code
MOST_PHOTOS_LISTED = 50


@command("undo")
@click.option(
    "--since", type=PastTime(), help="Everything filed since this time: 14:30, 2026-11-22, 90m, 2h, 3d, 1w."
)
@click.option("--photo", metavar="PHOTO", help="One photo, by its path or SHA-256.")
@click.option("--batch", metavar="ID", help="One batch, by its id in the ledger.")
@click.option("--dry-run", is_flag=True, help="Move nothing; show what would go back.")
@click.option(
    "--yes",
    is_flag=True,
    help="Do not ask for confirmation. On a terminal, undo asks before it moves more than one photo.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each photo, one a line.")
def undo(
    invocation: Invocation,
    *,
    since: datetime | None,
    photo: str | None,
    batch: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Undo the last batch, or what the options select.

    Each photo's bytes are verified before it moves, and nothing is replaced. Photos that were put back are
    left alone until you touch or move them. Exit code 3: some could not be taken back.
    """
    from photo_organizer.library import Library, Selection

    if sum(1 for option in (since, photo, batch) if option) > 1:
        raise click.UsageError("use one of --since, --photo and --batch")
    selection = Selection(batch=batch, since=since, photo=photo)
    with Library.open(invocation.configuration()) as library:
        if not (dry_run or yes or as_json) and sys.stdin.isatty():
            count = library.count_undoable(selection)
            if count > 1 and not click.confirm(f"Take back {count:,} photos?", err=True):
                return 1
        report = library.undo(selection, dry_run=dry_run)
    if as_json:
        _print_json(report)
    else:
        _print_words(report, dry_run=dry_run)
    if report.row_trouble is not None:
        click.echo(f"their ledger rows will be written later: {report.row_trouble}", err=True)
    return SOME_NOT_UNDONE if report.refused else 0


def _print_words(report: UndoReport, *, dry_run: bool) -> None:
    from photo_organizer.cli.console import counted, print_table
    from photo_organizer.cli.sort.plan_files.rows import shown_path
    from photo_organizer.errors import printable

    if report.undone:
        shown = report.undone[:MOST_PHOTOS_LISTED]
        rows = [(shown_path(step.source), shown_path(step.destination)) for step in shown]
        print_table(("photo", "goes back to" if dry_run else "is back at"), rows)
        if len(report.undone) > len(shown):
            click.echo(f"and {len(report.undone) - len(shown):,} more")
    for step, trouble in report.refused:
        click.echo(f"not taken back: {printable(step.source)}: {_why(step, trouble)}", err=True)
    done = "would go back; nothing was moved" if dry_run else "taken back"
    click.echo(f"{counted(len(report.undone), 'photo')} {done}")


def _why(step: UndoStep, trouble: OrganizerError) -> str:
    """Return why a photo stays, and which other file is in the way, such as its original."""
    from photo_organizer.errors import printable

    elsewhere = trouble.where and trouble.where != printable(step.source)
    return f"{trouble.where}: {trouble.what}" if elsewhere else trouble.what


def _print_json(report: UndoReport) -> None:
    from photo_organizer.cli.console import print_json
    from photo_organizer.library.record.ledger_text import escape

    for step, trouble in [*((step, None) for step in report.undone), *report.refused]:
        print_json(
            {
                "sha256": step.sha256,
                "source": escape(str(step.source)),
                "destination": escape(str(step.destination)),
                "batch": step.batch,
                "refused": _why(step, trouble) if trouble else None,
            }
        )
