"""Printing: tables and bars for people, JSON lines for programs."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from photo_organizer.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

_NAME_WIDTH = 11
_BETWEEN_COLUMNS = 3
PIPE_WIDTH = 10_000  # columns where no terminal sets a limit: a table for `grep` is not wrapped


def make_console(*, stderr: bool = False) -> Console:
    """Return a rich console on stdout or stderr that does not style names and numbers."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()
) -> None:
    """Print a table on stdout; where a terminal is too narrow for it, a few lines for each row.

    Args:
        columns: the heads.
        rows: the cells, as many as columns; control characters in them are escaped.
        numbers: the columns that are aligned to the right.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    cells = [[printable(cell) for cell in row] for row in rows]
    limit = width()
    if limit is not None and _table_width(columns, cells) > limit:
        for row in cells:
            _print_row(columns, row)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        right = column in numbers
        table.add_column(column, justify="right" if right else "left", no_wrap=right, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    make_console().print(table)


def _table_width(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> int:
    from rich.cells import cell_len

    widest = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    return sum(widest) + _BETWEEN_COLUMNS * len(columns)


def _print_row(columns: Sequence[str], row: Sequence[str]) -> None:
    """Print the first cell, and below it the others with their column headings."""
    click.echo(row[0])
    longest = max(map(len, columns[1:]), default=0)
    for head, cell in zip(columns[1:], row[1:], strict=True):
        if cell:
            click.echo(wrapped(f"    {head:<{longest}}  {cell}", indent=longest + 6))


def print_json(value: object) -> None:
    """Print `value` as JSON on one line, with undecodable bytes in names escaped."""
    click.echo(json_line(value))


def json_line(value: object) -> str:
    """Return `value` as JSON on one line, with undecodable bytes in names escaped."""
    return json.dumps(value, ensure_ascii=True, default=str, allow_nan=False)


def width() -> int | None:
    """Return the terminal's width in columns; None when the output is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def field_lines(fields: Iterable[tuple[str, object]], *, columns: int | None = None) -> Iterator[str]:
    """Yield lines such as `state       idle`, wrapped below the value for a terminal's width.

    Args:
        fields: a word and a value each; control characters in values are escaped.
        columns: where to wrap; None for the terminal's width.
    """
    for name, value in fields:
        line = f"{name:<{_NAME_WIDTH}} {printable(value)}"
        yield from wrapped(line, indent=_NAME_WIDTH + 1, columns=columns).splitlines()


def wrapped(line: str, *, indent: int = 0, columns: int | None = None) -> str:
    """Return `line` wrapped to the terminal, with a hanging indent; unchanged where there is none."""
    limit = columns or width()
    if limit is None or len(line) <= limit:
        return line
    lines = textwrap.wrap(
        line,
        max(limit, 2 * indent),
        subsequent_indent=" " * indent,
        break_long_words=False,  # a path is copied as a whole
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 photo`, `12,431 photos`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
