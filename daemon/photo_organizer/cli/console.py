"""Printing: tables and bars for people, JSON lines for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from photo_organizer.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

PIPE_WIDTH = 10_000  # columns where no terminal sets a limit: a table for `grep` is not wrapped


def make_console(*, stderr: bool = False) -> Console:
    """A rich console on stdout, or on stderr, that leaves names and numbers as they are."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()
) -> None:
    """A table on stdout.

    Args:
        columns: the heads.
        rows: the cells, as many as columns; control characters in them are escaped.
        numbers: the columns that are aligned to the right.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        right = column in numbers
        table.add_column(column, justify="right" if right else "left", no_wrap=right, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    make_console().print(table)


def print_json(value: object) -> None:
    """`value` on one line; undecodable bytes in names as escapes."""
    click.echo(json.dumps(value, ensure_ascii=True, default=str, allow_nan=False))


def counted(number: int, one: str, many: str = "") -> str:
    """`1 photo`, `12,431 photos`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
