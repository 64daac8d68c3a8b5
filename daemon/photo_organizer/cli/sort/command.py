"""`photo-organizer sort PATH...`: files what is there, once, or plans it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from photo_organizer.cli.frame import Invocation, command
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from collections.abc import Callable

    from photo_organizer.cli.sort.jobs import Result
    from photo_organizer.cli.sort.planning import NewVision
    from photo_organizer.config import Configuration
    from photo_organizer.library import Filing, TransferMode

MOST_PHOTOS_LISTED = 50


@command("sort")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--dry-run", is_flag=True, help="Move nothing; show what would go where.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print a JSON object for each photo, one a line, with the ledger's columns.",
)
@click.option(
    "--plan",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --dry-run: write the plan, and FILE.html to look at. Otherwise: carry out that plan.",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="With --dry-run --plan: classify on the workers of the Dask scheduler at ADDRESS (tls://HOST:8786).",
)
@click.option(
    "--tls-dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="With --cluster: the folder of the certificates (see `cluster-certificates`).",
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="FROM=TO",
    help="With --cluster: the workers see the folder FROM as TO. May be repeated.",
)
@click.option("--copy", is_flag=True, help="Copy the photos, and leave the originals where they are.")
@click.option("--link", is_flag=True, help="Make hard links to the photos (on one device).")
@click.option("--symlink", is_flag=True, help="Make symbolic links to the photos.")
def sort(
    invocation: Invocation,
    paths: tuple[Path, ...],
    *,
    dry_run: bool,
    as_json: bool,
    plan: Path | None,
    cluster: str | None,
    tls_dir: Path | None,
    maps: tuple[str, ...],
    copy: bool,
    link: bool,
    symlink: bool,
) -> int:
    """File the photos in PATH once, then exit.

    Ctrl-C stops after the current photo; run the same command again to continue. Exit code 3: some photos
    could not be filed.
    """
    configuration = invocation.configuration()
    transfer_mode = _transfer_mode(copy=copy, link=link, symlink=symlink)
    make_vision = _cluster(cluster, tls_dir, maps, is_plan=dry_run and plan is not None)
    if plan and not dry_run:
        if copy or link or symlink:
            raise click.UsageError(
                "a plan already says how photos are filed: give this option with --dry-run"
            )
        if paths:
            raise click.UsageError(
                "a plan already names its photos: omit PATH, or add --dry-run to make a plan"
            )
        return carry_out(configuration, plan, as_json=as_json)
    if not paths:
        raise click.UsageError("name the folders or photos to sort")
    if dry_run:
        return show_plan(configuration, paths, plan, transfer_mode, make_vision, as_json=as_json)
    return file_now(configuration, paths, transfer_mode, as_json=as_json)


def _transfer_mode(*, copy: bool, link: bool, symlink: bool) -> TransferMode | None:
    """Return how photos are to be filed; None for the action of the inbox that each is in."""
    from photo_organizer.library import TransferMode

    if copy + link + symlink > 1:
        raise click.UsageError("use one of --copy, --link and --symlink")
    chosen = ((copy, TransferMode.COPY), (link, TransferMode.LINK), (symlink, TransferMode.SYMLINK))
    return next((transfer_mode for is_chosen, transfer_mode in chosen if is_chosen), None)


def _cluster(
    address: str | None, tls_directory: Path | None, maps: tuple[str, ...], *, is_plan: bool
) -> NewVision | None:
    """Return what classifies on a cluster; None when this machine classifies."""
    if address is None:
        if tls_directory or maps:
            raise click.UsageError("--tls-dir and --map need --cluster")
        return None
    if not is_plan:
        raise click.UsageError("--cluster can only make plans: use it with --dry-run --plan FILE")
    from photo_organizer.cli.sort.on_cluster import cluster_vision, parse_map

    return cluster_vision(address, tls_directory, [parse_map(text) for text in maps])


def file_now(
    configuration: Configuration,
    paths: tuple[Path, ...],
    transfer_mode: TransferMode | None,
    *,
    as_json: bool,
) -> int:
    """File the photos in `paths`."""
    from photo_organizer.cli.sort.jobs import sort_now

    result = sort_now(configuration, paths, transfer_mode, _printing_rows(as_json=as_json))
    return _end(result, as_json=as_json)


def carry_out(configuration: Configuration, plan: Path, *, as_json: bool) -> int:
    """Carry out a plan."""
    from photo_organizer.cli.sort.execution import execute

    result = execute(configuration, plan, _printing_rows(as_json=as_json))
    return _end(result, as_json=as_json)


def show_plan(
    configuration: Configuration,
    paths: tuple[Path, ...],
    target: Path | None,
    transfer_mode: TransferMode | None,
    make_vision: NewVision | None = None,
    *,
    as_json: bool,
) -> int:
    """Show what would be done, and write the plan to `target` if given."""
    result = summarise_plan(configuration, paths, target, transfer_mode, make_vision, as_json=as_json)
    if result.stopped:
        return _stopped()
    if target is not None:
        click.echo(f"look at {target}.html, then: {typed('sort --plan', target)}", err=as_json)
    return result.tally.exit_code


def summarise_plan(
    configuration: Configuration,
    paths: tuple[Path, ...],
    target: Path | None,
    transfer_mode: TransferMode | None,
    make_vision: NewVision | None = None,
    *,
    as_json: bool,
) -> Result:
    """Make a plan, and print a summary."""
    from photo_organizer.cli.sort import summary
    from photo_organizer.cli.sort.planning import local_vision, make_plan

    listed: list[dict[str, Any]] = []
    print_row = _printing_rows(as_json=as_json)

    def take(filing: Filing, row: dict[str, Any]) -> None:
        if len(listed) <= MOST_PHOTOS_LISTED:
            listed.append(row)
        print_row(filing, row)

    planned = make_plan(
        configuration, paths, target, transfer_mode, take, make_vision=make_vision or local_vision
    )
    result = planned.result
    if not as_json:
        if len(listed) <= MOST_PHOTOS_LISTED:
            summary.print_photos(listed)
        summary.print_folders(result.tally)
        summary.print_histogram(result.tally)
        summary.print_look_alikes(planned.alike)
        summary.print_work(planned.work)
        click.echo(f"planned {summary.in_words(result.tally)}; nothing was moved")
    summary.print_rest(result.tally, quiet=as_json)
    return result


def _stopped() -> int:
    """Say how to continue after Ctrl-C; return the exit code."""
    from photo_organizer.cli.boundary import INTERRUPTED

    click.echo("stopped; run the same command again to continue", err=True)
    return INTERRUPTED


def _printing_rows(*, as_json: bool) -> Callable[[Filing, dict[str, Any]], None]:
    from photo_organizer.cli.console import print_json
    from photo_organizer.cli.sort.plan_files.rows import printable_row

    def print_row(_filing: Filing, row: dict[str, Any]) -> None:
        if as_json:
            print_json(printable_row(row))

    return print_row


def _end(result: Result, *, as_json: bool) -> int:
    from photo_organizer.cli.sort import summary

    if not as_json:
        summary.print_folders(result.tally)
        click.echo(summary.in_words(result.tally))
        if result.batch:
            click.echo(f"to undo it: {typed('undo --batch', result.batch)}")
    summary.print_rest(result.tally, quiet=as_json)
    return _stopped() if result.stopped else result.tally.exit_code
