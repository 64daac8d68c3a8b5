"""`photo-organizer help TOPIC`: the documents that come with the program, without a network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from photo_organizer.cli.frame import COMMANDS, Invocation, command
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from collections.abc import Mapping

README = "readme"
WIDEST = 100  # columns


@command("help")
@click.argument("topic", required=False)
def help(invocation: Invocation, *, topic: str | None) -> None:  # noqa: A001 (the command's name)
    """Show a document, or the section about a command; without TOPIC, list them."""
    del invocation
    documents = find_documents()
    if topic is None:
        _list(documents)
        return
    text = _text_about(topic.lower(), documents)
    if sys.stdout.isatty():
        click.echo_via_pager(_rendered(text), color=True)
    else:
        click.echo(text)


def find_documents() -> dict[str, Path]:
    """Return the documents by topic: from the checkout, else those inside the installed package."""
    package = Path(__file__).parents[2]
    checkout = package.parents[1]
    folder, readme = checkout / "docs", checkout / "README.md"
    if not (folder / "commands.md").is_file():
        folder, readme = package / "docs", package / "docs" / "README.md"
    pages = {path.stem: path for path in sorted(folder.glob("*.md")) if path != readme}
    return {README: readme, **pages}


def _list(documents: Mapping[str, Path]) -> None:
    click.echo(f"{typed('help TOPIC')}, where TOPIC is a command or one of:\n")
    width = max(len(topic) for topic in documents)
    for topic, path in documents.items():
        click.echo(f"  {topic:<{width}}  {_title(path)}")


def _title(path: Path) -> str:
    """Return the heading of a document."""
    with path.open(encoding="utf-8") as file:
        return next((line.lstrip("# ").strip() for line in file if line.startswith("#")), "")


def _text_about(topic: str, documents: Mapping[str, Path]) -> str:
    import difflib

    if topic in documents:
        return documents[topic].read_text(encoding="utf-8")
    if topic in COMMANDS:
        return section(documents["commands"].read_text(encoding="utf-8"), topic)
    near = difflib.get_close_matches(topic, [*documents, *COMMANDS], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise click.UsageError(f"there is nothing about {topic!r}{hint} ({typed('help')} lists all)")


def section(commands: str, name: str) -> str:
    """Return the section of docs/commands.md about the command `name`."""
    body = commands.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    return f"## {name}\n{body.rstrip()}\n"


def _rendered(text: str) -> str:
    """Return Markdown rendered for a terminal."""
    import shutil

    from rich.console import Console
    from rich.markdown import Markdown

    width = min(shutil.get_terminal_size().columns, WIDEST)
    console = Console(width=width, force_terminal=True, highlight=False)
    with console.capture() as captured:
        console.print(Markdown(text, hyperlinks=False))
    return captured.get()
