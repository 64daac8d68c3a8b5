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
    click.echo(json_line(value))


def json_line(value: object) -> str:
    """Return `value` as JSON on one line; undecodable bytes in names as escapes."""
    return json.dumps(value, ensure_ascii=True, default=str, allow_nan=False)


def width() -> int | None:
    """Return the columns of the terminal; None where the output goes to a file or a program."""
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
    """Return `line` wrapped for a terminal, what follows indented; as it is where there is no terminal."""
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
    # what stands before the first word is not to be lost
    return "\n".join(lines)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 photo`, `12,431 photos`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
