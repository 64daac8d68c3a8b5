"""The edge of the program: whatever goes wrong inside becomes one line and an exit code here."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from photo_organizer.cli.frame import Invocation, build_application
from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.typed_command import PROGRAM, program, restored

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPLETION = "_PHOTO_ORGANIZER_COMPLETE"  # set by the completion that click writes for shells
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
PIPE_CLOSED = 141  # 128 + SIGPIPE


def run_safely(arguments: Sequence[str] | None) -> int:
    """Run the program; never raise, never show a traceback.

    Args:
        arguments: the words after the program's name; None takes them from the command line.

    Returns:
        The exit code.
    """
    with restored():
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    _print_any_name()
    invocation = Invocation()
    try:
        result = _invoke(sys.argv[1:] if arguments is None else list(arguments), invocation)
        sys.stdout.flush()
    except click.exceptions.Exit as wish:  # --help and --version
        return wish.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # the reader has seen enough; the interpreter's own last flush must not complain either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 (the one place that must know no other way)
        return _explain(error, invocation)
    return result if isinstance(result, int) else 0


def _explain(error: Exception, invocation: Invocation) -> int:
    """Print one line for `error` and return its exit code."""
    if isinstance(error, click.ClickException):
        return _usage_error(error)
    if isinstance(error, OrganizerError):
        return _say(str(error), error.exit_code)
    return _unexpected(error, invocation)


def _invoke(arguments: list[str], invocation: Invocation) -> object:
    """Run the command. click's own `main` would end the program itself on Ctrl-C and on a closed pipe."""
    application = build_application()
    if COMPLETION in os.environ:
        application.main(prog_name=PROGRAM)
    with application.make_context(invocation.started_as, arguments, obj=invocation) as context:
        return application.invoke(context)


def _print_any_name() -> None:
    """Make printing safe for file names that are not valid text."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _usage_error(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return 2
    context = error.ctx if isinstance(error, click.UsageError) else None
    where = context.command_path if context else program()
    message = error.format_message().strip().rstrip(".")
    return _say(f"{message}; see `{where} --help`", error.exit_code)


def _say(text: str, exit_code: int) -> int:
    for line in text.splitlines():
        click.echo(f"{PROGRAM}: {line}", err=True)
    return exit_code


def _unexpected(error: Exception, invocation: Invocation) -> int:
    """Write the traceback to a file for a bug report, and say where it is."""
    what = printable(str(error) or type(error).__name__)
    crash_log = CrashLog(_state_directory(invocation))
    try:
        crash_log.write(error)
    except OSError as failure:
        return _say(f"{what} (and the details could not be written down: {failure.strerror})", 1)
    return _say(f"{what}; this should not happen, please report it with {crash_log.path}", 1)


def _state_directory(invocation: Invocation) -> Path:
    """Return the state directory in use; the usual one where the configuration does not say another."""
    from photo_organizer.config.paths import state_home

    try:
        return invocation.configuration().state_directory
    except Exception:  # noqa: BLE001  (it may be the configuration itself that fails)
        return state_home()
