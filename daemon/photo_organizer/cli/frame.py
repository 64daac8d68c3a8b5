"""What all commands share: `--config` before or after the command, and loading on demand.

The command `x-y` is the name `x_y` in the module that `COMMANDS` gives. That module is imported when the
command is called or listed, and must therefore import nothing heavy at its top.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from photo_organizer.typed_command import program, typed, use_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from photo_organizer.config import Configuration

# each command's module below `cli/`, in the order in which a newcomer needs them
COMMANDS = {
    "init": "setup.init",
    "run": "daemon.run",
    "sort": "sort",
    "status": "daemon.status",
    "why": "photos.why",
    "move": "photos.move",
    "undo": "photos.undo",
    "history": "photos.history",
    "search": "photos.search",
    "stats": "photos.stats",
    "review": "photos.review",
    "pause": "daemon.pause",
    "resume": "daemon.resume",
    "train": "learning.train",
    "models": "learning.models",
    "categories": "learning.categories",
    "ledger": "photos.ledger",
    "config": "setup.config",
    "service": "setup.service",
    "doctor": "setup.doctor",
    "relocate": "setup.relocate",
    "cluster-worker": "cluster.cluster_worker",
    "cluster-certificates": "cluster.cluster_certificates",
    "completion": "setup.completion",
    "help": "setup.help",
}


@dataclass(slots=True)
class Invocation:
    """One run of the program and the configuration that it uses."""

    given_path: Path | None = None
    started_as: str = field(default_factory=program)

    def use(self, path: Path) -> None:
        """Use the configuration file at `path`, also in the commands that messages suggest."""
        self.given_path = path
        use_config(path, self.started_as)

    @property
    def path(self) -> Path:
        """Return the configuration file: from `--config`, the environment, or the default place."""
        from photo_organizer.config import find_configuration

        return find_configuration(self.given_path)

    def configuration(self) -> Configuration:
        """Return the configuration.

        Raises:
            ConfigurationError: it cannot be used.
        """
        from photo_organizer.config import load_configuration

        return load_configuration(self.path)

    def last_good_configuration(self) -> tuple[Configuration, str]:
        """Return the configuration, or the one last in force while the file has errors.

        Returns:
            It, and what is wrong with the file; "" when nothing is.

        Raises:
            ConfigurationError: it is wrong, and none was ever in force.
        """
        from photo_organizer.config import ConfigurationError, accepted_configuration

        try:
            return self.configuration(), ""
        except ConfigurationError as error:
            accepted = accepted_configuration(self.path)
            if accepted is None:
                raise
            return accepted, str(error)


def _remember_path(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        invocation(context).use(value)


def invocation(context: click.Context) -> Invocation:
    """Return the invocation that `context` belongs to."""
    return context.find_root().ensure_object(Invocation)


def config_option() -> click.Option:
    """Return the `--config FILE` option that every command has."""
    return click.Option(
        ["--config"],
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        expose_value=False,
        is_eager=True,
        callback=_remember_path,
        help="Configuration file to use instead of your organizer.yaml.",
    )


class OrganizerCommand(click.Command):
    """A command that also takes `--config`."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:  # noqa: ANN401 (click's own)
        super().__init__(*arguments, **keywords)
        self.params.append(config_option())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuses an empty word: a script's unset variable must not mean "here" to `sort`, or "all" to
        `undo`.
        """
        options = args[: args.index("--")] if "--" in args else args
        if "" in args or any(word.startswith("--") and word.endswith("=") for word in options):
            raise click.UsageError("an argument is empty; is a variable not set?", ctx)
        return super().parse_args(ctx, args)


class OrganizerGroup(click.Group):
    """A command with subcommands (`models list`)."""

    command_class = OrganizerCommand

    def __init__(self, *arguments: Any, **keywords: Any) -> None:  # noqa: ANN401 (click's own)
        super().__init__(*arguments, **keywords)
        self.params.append(config_option())

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command named first, or fail and suggest the nearest name."""
        import difflib

        name = arguments[0]
        if self.get_command(context, name) is None and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.list_commands(context), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            context.fail(f"no such command {name!r}{hint}")
        return super().resolve_command(context, arguments)


class Application(OrganizerGroup):
    """The whole program: each command is imported from its own module when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the help page."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command with that name; None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"photo_organizer.cli.{COMMANDS[cmd_name]}")
        found: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return found


def command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command: it gets the `Invocation` first, and returns the exit code or None."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        return click.command(name, cls=OrganizerCommand)(with_invocation(function))

    return decorate


def group(name: str) -> Callable[[Callable[..., Any]], OrganizerGroup]:
    """Make a function a group of commands, which are added with `@group.command(...)`."""

    def decorate(function: Callable[..., Any]) -> OrganizerGroup:
        made = click.group(name, cls=OrganizerGroup)(function)
        assert isinstance(made, OrganizerGroup)  # noqa: S101 (what cls= promises, for the type checker)
        return made

    return decorate


def with_invocation(function: Callable[..., Any]) -> Callable[..., Any]:
    """Pass the current `Invocation` as the first argument."""

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401 (whatever the command takes)
        return function(invocation(click.get_current_context()), *arguments, **keywords)

    return call


def version() -> str:
    """Return the program's version."""
    from photo_organizer import __version__

    return __version__


def _print_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value:
        click.echo(f"photo-organizer {version()}")
        context.exit()


def build_application() -> Application:
    """Return the whole command line."""
    application = Application(
        name="photo-organizer",
        help="Files the photos you drop in your inbox in category folders, and learns from your corrections.",
        epilog="Every move can be undone, nothing is ever overwritten or deleted. "
        f"`{typed('COMMAND --help')}` tells more.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        no_args_is_help=True,
    )
    application.params.append(
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_print_version,
            help="Show the version and exit.",
        )
    )
    return application
