"""The end of a run, or a plan, in words and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from photo_organizer.cli.console import counted, print_table
from photo_organizer.cli.sort.plan_files.rows import shown_path
from photo_organizer.cli.sort.tally import BINS
from photo_organizer.errors import printable
from photo_organizer.photo import Action
from photo_organizer.vision.decision import shown

if TYPE_CHECKING:
    from photo_organizer.cli.sort.disk_work import DiskWork
    from photo_organizer.cli.sort.look_alikes import Alike
    from photo_organizer.cli.sort.tally import Tally

WIDEST_BAR = 40
ORDER = (Action.FILED, Action.REVIEW, Action.DUPLICATE, Action.QUARANTINED)


def print_folders(tally: Tally) -> None:
    """Print how many photos go to each folder, and how sure the model is of them."""
    rows = []
    for (action, folder), count in sorted(
        tally.folders.items(), key=lambda item: (ORDER.index(item[0][0]), item[0][1])
    ):
        sure = f"{count.confidence / count.photos:.2f}" if count.confidence else ""
        rows.append((shown_path(folder), action, f"{count.photos:,}", sure))
    if rows:
        print_table(
            ("folder", "as", "photos", "mean confidence"), rows, numbers=("photos", "mean confidence")
        )


def print_photos(rows: list[dict[str, Any]]) -> None:
    """Print each photo with its destination."""
    cells = [
        (
            shown_path(row["source"]),
            shown_path(row["destination"]),
            "" if row["confidence"] is None else shown(row["confidence"], row["threshold"])[0],
            row["action"],
        )
        for row in rows
    ]
    if cells:
        print_table(("photo", "goes to", "confidence", "as"), cells, numbers=("confidence",))


def print_histogram(tally: Tally) -> None:
    """Print a histogram of the confidences, in tenths."""
    most = max(tally.histogram)
    if not most:
        return
    click.echo("confidence")
    for index, photos in enumerate(tally.histogram):
        bar = "█" * round(WIDEST_BAR * photos / most) or ("▏" if photos else "")
        click.echo(f"  {index / BINS:.1f}-{(index + 1) / BINS:.1f}  {photos:>9,}  {bar}".rstrip())


def print_work(work: DiskWork) -> None:
    """Print what the disks will have to do."""
    parts = []
    if work.renamed:
        parts.append(f"{counted(work.renamed, 'file')} renamed (no bytes are copied)")
    if work.copied:
        parts.append(f"{counted(work.copied, 'file')} copied ({work.copied_bytes / 1e9:,.2f} GB)")
    if work.linked:
        parts.append(f"{counted(work.linked, 'link')} made (no bytes are copied)")
    if work.new_folders:
        parts.append(f"{counted(len(work.new_folders), 'new folder')}")
    click.echo(f"disk work: {', '.join(parts) or 'none'}")


def print_look_alikes(alike: Alike) -> None:
    """Print the photos that look like another one; nothing is done with them."""
    if not alike.is_complete:
        click.echo("the search for similar photos was stopped: too many are nearly blank")
    if not alike.count:
        return
    click.echo(
        f"{counted(alike.count, 'photo looks', 'photos look')} similar to another (for your information):"
    )
    for one, other in alike.pairs:
        click.echo(f"  {printable(shown_path(one))} like {printable(shown_path(other))}")
    if alike.count > len(alike.pairs):
        click.echo(f"  and {alike.count - len(alike.pairs):,} more")


def print_rest(tally: Tally, *, quiet: bool) -> None:
    """Print what was not filed and why; with `quiet`, nothing on stdout."""
    if tally.left and not quiet:
        left = ", ".join(f"{count:,} {reason}" for reason, count in tally.left.most_common())
        click.echo(f"left where they are: {left}")
    for trouble in tally.troubles:
        click.echo(f"not filed: {printable(trouble)}", err=True)
    more = tally.not_filed - len(tally.troubles)
    if more > 0:
        click.echo(f"not filed: {more:,} more", err=True)


def in_words(tally: Tally) -> str:
    """Return the counts in words: `218 photos: 201 filed, 15 for review, 2 duplicates`."""
    words = {
        Action.FILED: "filed",
        Action.REVIEW: "for review",
        Action.DUPLICATE: "as duplicates",
        Action.QUARANTINED: "in quarantine",
    }
    parts = [f"{tally.actions[action]:,} {word}" for action, word in words.items() if tally.actions[action]]
    if tally.not_filed:
        parts.append(f"{tally.not_filed:,} not filed")
    return f"{counted(tally.photos + tally.not_filed, 'photo')}: {', '.join(parts) or 'nothing to file'}"
