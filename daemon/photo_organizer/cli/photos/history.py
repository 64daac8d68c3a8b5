"""`photo-organizer history`: the batches that were filed, moved and taken back, and the photos of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from photo_organizer.cli.frame import Invocation, command
from photo_organizer.cli.times import PastTime
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from photo_organizer.library import Event, Library
    from photo_organizer.library.record.listing import BatchSummary

MOST_BATCHES_LISTED = 20
_WORDS = {
    "review": "to Review",
    "duplicate": "duplicate",
    "quarantined": "unreadable",
    "undone": "taken back",
}


@command("history")
@click.argument("batch", metavar="[ID]", required=False)
@click.option(
    "--since", type=PastTime(), help="Every batch since this time: 14:30, 2026-11-22, 90m, 2h, 3d, 1w."
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Show N batches at most; {MOST_BATCHES_LISTED} without this option, all with --since and --json.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON object for each batch or photo, one a line."
)
def history(
    invocation: Invocation, *, batch: str | None, since: datetime | None, limit: int | None, as_json: bool
) -> None:
    """List the batches, newest first; with ID, the photos of one batch.

    A batch is what `undo --batch` takes back: photos that came together, a run of `sort`, a move, or an undo.
    """
    from photo_organizer.library import Library

    with Library.open(invocation.configuration()) as library:
        if batch is None:
            _show_batches(library, since, limit, as_json=as_json)
        elif since or limit:
            raise click.UsageError("--since and --limit cannot be used with ID")
        else:
            _show_photos(library, batch, as_json=as_json)


def _show_batches(library: Library, since: datetime | None, limit: int | None, *, as_json: bool) -> None:
    from itertools import islice

    from photo_organizer.cli.console import print_json

    most = limit or (None if as_json or since else MOST_BATCHES_LISTED)
    found = library.batches(since)
    if as_json:
        for batch in islice(found, most):
            print_json(_batch_values(batch))
        return
    shown = list(islice(found, most))
    if not shown:
        click.echo("nothing was done since" if since else "nothing was filed yet")
        return
    rows = [
        (batch.id, f"{batch.time.astimezone():%Y-%m-%d %H:%M}", f"{sum(batch.counts.values()):,}",
         _in_words(batch), _undone(batch))
        for batch in shown
    ]  # fmt: skip
    _print_rows(("batch", "began", "photos", "what", "undone"), rows, numbers=("photos",))
    if next(found, None) is not None:
        click.echo(f"the last {len(shown):,}; more with --limit or --since")


def _print_rows(columns: Sequence[str], rows: Sequence[tuple[str, ...]], *, numbers: Sequence[str]) -> None:
    """Print a table, without its last column where that is empty, to save width."""
    from photo_organizer.cli.console import print_table

    width = len(columns) if any(row[-1] for row in rows) else len(columns) - 1
    print_table(columns[:width], [row[:width] for row in rows], numbers=numbers)


def _in_words(batch: BatchSummary) -> str:
    """Return the counts in words: `Family 20, Food 14; 5 to Review`."""
    named = sorted(batch.categories.items(), key=lambda item: (-item[1], item[0]))
    parts = [", ".join(f"{name} {count:,}" for name, count in named)] if named else []
    unnamed = sum(batch.counts.get(action, 0) for action in ("filed", "corrected")) - sum(
        batch.categories.values()
    )
    if unnamed:
        parts.append(f"{unnamed:,} videos" if unnamed > 1 else "1 video")
    parts += [
        f"{batch.counts[action]:,} {words}" for action, words in _WORDS.items() if batch.counts.get(action)
    ]
    text = "; ".join(parts)
    return f"moved: {text}" if set(batch.counts) == {"corrected"} else text


def _undone(batch: BatchSummary) -> str:
    """Return what was undone of a batch, or which batches an undo reverted."""
    if batch.took_back:
        return "of " + ", ".join(batch.took_back)
    if not batch.undone:
        return ""
    return f"{batch.undone:,} of {sum(batch.counts.values()):,}" if batch.undoable else "all"


def _batch_values(batch: BatchSummary) -> dict[str, Any]:
    return {
        "batch": batch.id,
        "time": batch.time.isoformat(),
        "photos": sum(batch.counts.values()),
        "actions": dict(batch.counts),
        "categories": dict(batch.categories),
        "undone": batch.undone,
        "undoable": batch.undoable,
        "took_back": list(batch.took_back),
    }


def _show_photos(library: Library, batch: str, *, as_json: bool) -> None:
    from photo_organizer.cli.console import counted, print_json
    from photo_organizer.cli.photos.recorded import event_values
    from photo_organizer.errors import OrganizerError

    events = list(library.photos_of_batch(batch))
    if not events:
        raise OrganizerError("there is no such batch", where=batch, remedy=f"{typed('history')} lists them")
    if as_json:
        for event in events:
            print_json(event_values(event))
        return
    columns = ("action", "category", "confidence", "photo", "undone")
    _print_rows(columns, list(_photo_rows(events)), numbers=("confidence",))
    click.echo(f"{counted(len(events), 'photo')}; back: {typed('undo --batch', batch)}")


def _photo_rows(events: Iterable[Event]) -> Iterable[tuple[str, ...]]:
    from photo_organizer.cli.sort.plan_files.rows import shown_path

    for event in events:
        confidence = event.details.confidence
        yield (
            event.action,
            event.label or event.details.category,
            "" if confidence is None else f"{confidence:.2f}",
            f"{shown_path(event.source)} -> {shown_path(event.destination)}",
            "yes" if event.undone else "",
        )
