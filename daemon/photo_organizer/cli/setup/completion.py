"""`photo-organizer completion`: what makes the Tab key know the commands, and the man page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from photo_organizer.cli.frame import Invocation, command
from photo_organizer.typed_command import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Mapping

SHELLS = ("bash", "zsh", "fish")


@command("completion")
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option(
    "--install", is_flag=True, help="Install it for your user, with the man page, instead of printing it."
)
def completion(invocation: Invocation, *, shell: str | None, install: bool) -> None:
    """Print the completion script for a shell (default: yours).

    With --install, new shells complete commands and options with the Tab key, and `man photo-organizer`
    works. Only these two files are written.
    """
    del invocation
    chosen = shell or own_shell(os.environ)
    if not install:
        click.echo(script(chosen))
        return
    for path, text in files_to_install(chosen, os.environ).items():
        _write(path, text)
        click.echo(f"wrote {path}")
    if chosen == "zsh":
        click.echo("add to ~/.zshrc, before compinit: fpath+=(~/.local/share/zsh/site-functions)")


def own_shell(environment: Mapping[str, str]) -> str:
    """Return the owner's shell; fail as a usage error when it is not supported."""
    name = Path(environment.get("SHELL", "")).name
    if name not in SHELLS:
        raise click.UsageError(f"name your shell: {', '.join(SHELLS)}")
    return name


def script(shell: str) -> str:
    """Return the completion script for a shell."""
    from click.shell_completion import ShellComplete, get_completion_class

    from photo_organizer.cli.boundary import COMPLETION
    from photo_organizer.cli.frame import build_application

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 (click knows these three)
    # the base class' own: bash's looks first whether a bash is there, and that is not the question here
    return ShellComplete.source(found(build_application(), {}, PROGRAM, COMPLETION))


def files_to_install(shell: str, environment: Mapping[str, str]) -> dict[Path, str]:
    """Return the files that --install writes, with their contents."""
    from photo_organizer.cli.setup.manual import manual

    data = Path(environment.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    settings = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    places = {
        "bash": data / "bash-completion/completions/photo-organizer",
        "zsh": data / "zsh/site-functions/_photo-organizer",
        "fish": settings / "fish/completions/photo-organizer.fish",
    }
    return {places[shell]: script(shell), data / "man/man1/photo-organizer.1": manual()}


def _write(path: Path, text: str) -> None:
    from photo_organizer.errors import OrganizerError
    from photo_organizer.files import replace_file

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text, durable=False)
    except OSError as error:
        raise OrganizerError(f"cannot be written: {error.strerror}", where=path) from error
