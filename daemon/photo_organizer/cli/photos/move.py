"""`photo-organizer move`: puts photos in another category, as a drag in the file manager would."""

from __future__ import annotations

import glob
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from photo_organizer.cli.frame import Invocation, command
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from photo_organizer.errors import OrganizerError
    from photo_organizer.library import MoveReport

SOME_NOT_MOVED = 3  # exit code


@command("move")
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True)
@click.argument("category", metavar="CATEGORY")
@click.option("--new", is_flag=True, help="Allow a new CATEGORY, and create its folder.")
@click.option("--dry-run", is_flag=True, help="Move nothing; show what would be moved.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each photo, one a line.")
def move(
    invocation: Invocation,
    *,
    photos: tuple[str, ...],
    category: str,
    new: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Move photos to another category, in one batch that can be undone.

    PHOTO is a file in the library, in an inbox or anywhere else, or a quoted pattern such as
    'Library/Food/IMG_20*'; - reads a list from standard input, a path a line. Companions move along, nothing
    is replaced, and the model learns from it. The daemon may be running. Exit code 3: some could not be
    moved.
    """
    from photo_organizer.library import Library, MoveReport
    from photo_organizer.service.requests.owner_moves import (
        Categories,
        OwnerMovePlanner,
        WantedPhoto,
        read_exif,
    )

    configuration = invocation.configuration()
    categories = Categories(configuration)
    chosen = categories.make(category) if new else categories.find(category)
    paths, missing = _expanded(photos)
    with Library.open(configuration) as library:
        planner = OwnerMovePlanner(configuration, library, lambda found: read_exif(configuration, found))
        plan = planner.plan([WantedPhoto(path) for path in paths], chosen)
        if dry_run:
            return _tell_plan(
                [
                    (move.group.photo.path, (move.library or configuration.library) / move.folder)
                    for move in plan.moves
                ],
                [*missing, *plan.refused],
                as_json=as_json,
            )
        report = library.move(plan.moves) if plan.moves else MoveReport("")
    refused = [*missing, *plan.refused, *report.refused]
    _tell(report, refused, as_json=as_json)
    if report.pause is not None:
        raise report.pause
    return SOME_NOT_MOVED if refused else 0


def _expanded(words: Sequence[str]) -> tuple[list[Path], list[tuple[Path, OrganizerError]]]:
    """Return the paths that exist, each once, and the arguments that match nothing."""
    from photo_organizer.errors import OrganizerError

    paths: dict[Path, None] = {}
    missing: list[tuple[Path, OrganizerError]] = []
    for word in _words(words):
        path = os.path.abspath(os.path.expanduser(word))  # noqa: PTH111 (names that are not UTF-8)
        found = [path] if os.path.lexists(path) else sorted(glob.glob(path, recursive=True))  # noqa: PTH207
        if not found:
            missing.append((Path(path), OrganizerError("is not there", where=path)))
        paths.update(dict.fromkeys(map(Path, found)))
    return list(paths), missing


def _words(words: Sequence[str]) -> Iterator[str]:
    """Yield the arguments, with `-` replaced by the lines (or NUL-separated words) of standard input."""
    for word in words:
        if word != "-":
            yield word
            continue
        data = sys.stdin.buffer.read()
        separator = b"\0" if b"\0" in data else b"\n"
        yield from (os.fsdecode(line.rstrip(b"\r")) for line in data.split(separator) if line.strip())


def _tell(report: MoveReport, refused: Sequence[tuple[Path, OrganizerError]], *, as_json: bool) -> None:
    from photo_organizer.cli.console import counted

    if as_json:
        rows = [(moved.source, moved.destination, moved.sha256) for moved in report.moved]
        _tell_json(rows, refused, report.batch)
        return
    _tell_refused(refused)
    undo = f"; back: {typed('undo --batch', report.batch)}" if report.moved else ""
    places = {moved.destination.parent for moved in report.moved}
    where = f" to {_shown(places.pop())}" if len(places) == 1 else ""
    click.echo(f"{counted(len(report.moved), 'photo')} moved{where}{undo}")


def _tell_plan(
    rows: Sequence[tuple[Path, Path]], refused: Sequence[tuple[Path, OrganizerError]], *, as_json: bool
) -> int:
    from photo_organizer.cli.console import counted, print_table

    if as_json:
        _tell_json([(source, folder / source.name, "") for source, folder in rows], refused, "")
        return SOME_NOT_MOVED if refused else 0
    if rows:
        print_table(("photo", "goes to"), [(_shown(source), _shown(folder)) for source, folder in rows])
    _tell_refused(refused)
    click.echo(f"{counted(len(rows), 'photo')} would be moved; nothing was moved")
    return SOME_NOT_MOVED if refused else 0


def _tell_refused(refused: Sequence[tuple[Path, OrganizerError]]) -> None:
    from photo_organizer.errors import printable

    for path, error in refused:
        remedy = f"; {error.remedy}" if error.remedy else ""
        click.echo(f"not moved: {printable(path)}: {error.what}{remedy}", err=True)


def _tell_json(
    moved: Sequence[tuple[Path, Path, str]], refused: Sequence[tuple[Path, OrganizerError]], batch: str
) -> None:
    from photo_organizer.cli.console import print_json
    from photo_organizer.library.record.ledger_text import escape

    for source, destination, sha256 in moved:
        print_json(
            {
                "batch": batch,
                "sha256": sha256,
                "source": escape(str(source)),
                "destination": escape(str(destination)),
                "refused": None,
            }
        )
    for path, error in refused:
        values = {"batch": batch, "sha256": "", "source": escape(str(path)), "destination": ""}
        print_json({**values, "refused": error.what})


def _shown(path: Path) -> str:
    from photo_organizer.cli.sort.plan_files.rows import shown_path

    return shown_path(path)
