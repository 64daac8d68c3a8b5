"""`photo-organizer ledger`: does the list of everything that was done agree with the journal."""

from __future__ import annotations

import click

from photo_organizer.cli.frame import Invocation, group, with_invocation
from photo_organizer.typed_command import typed

_FORGOTTEN = (
    "the journal is new and the ledger is not: a rebuild would lose what only the ledger has; start the "
    "daemon, or run {sort}, which restores the journal from it"
)


@group("ledger")
def ledger() -> None:
    """Check the CSV ledger against the journal, or rewrite it."""


@ledger.command("verify")
@with_invocation
def verify(invocation: Invocation) -> int:
    """Compare the ledger with the journal row by row. Exit code 1 when they differ."""
    from photo_organizer.errors import printable
    from photo_organizer.library import Library

    configuration = invocation.configuration()
    with Library.open(configuration) as library:
        check = library.verify_ledger()
        is_forgotten = library.has_no_history and check.rows > 0
    for problem in check.problems:
        click.echo(printable(problem))
    if check.is_equal:
        click.echo(f"{configuration.ledger_path}: {check.rows:,} rows, all as in the journal")
        return 0
    if is_forgotten:
        click.echo(_FORGOTTEN.format(sort=typed("sort")), err=True)
        return 1
    rebuild = typed("ledger rebuild")
    click.echo(f"{configuration.ledger_path} differs from the journal; to rewrite it: {rebuild}", err=True)
    return 1


@ledger.command("rebuild")
@with_invocation
def rebuild(invocation: Invocation) -> None:
    """Rewrite the ledger from the journal; the old file is kept beside it."""
    from photo_organizer.errors import OrganizerError
    from photo_organizer.library import Library

    configuration = invocation.configuration()
    with Library.open(configuration) as library:
        if library.has_no_history and library.verify_ledger().rows > 0:
            raise OrganizerError(_FORGOTTEN, where=configuration.ledger_path)
        rows = library.rebuild_ledger()
    click.echo(f"{configuration.ledger_path}: {rows:,} rows written")
