"""`photo-organizer config`: is the configuration right, and what may be in it."""

from __future__ import annotations

from pathlib import Path

import click

from photo_organizer.cli.frame import Invocation, group, with_invocation


@group("config")
def config() -> None:
    """Check the configuration, or print its JSON Schema."""


@config.command("check")
@with_invocation
def check(invocation: Invocation) -> None:
    """Check the configuration; every error is printed with its line."""
    configuration = invocation.configuration()
    ways: dict[Path, list[str]] = {}
    for inbox in configuration.inboxes:
        ways.setdefault(configuration.rules_of(inbox).library, []).append(str(inbox.path))
    words = "; ".join(f"{', '.join(inboxes)} -> {library}" for library, inboxes in ways.items())
    click.echo(f"{configuration.path} is right: {words}")


@config.command("schema")
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    import json

    from photo_organizer.config import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
