"""The man page, made from the commands themselves, so that it cannot disagree with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from photo_organizer.cli.frame import build_application, version

NAME = "photo-organizer"
_FILES = (
    (
        "$XDG_CONFIG_HOME/photo-organizer/organizer.yaml",
        "The settings, unless --config or $PHOTO_ORGANIZER_CONFIG names others.",
    ),
    (
        "$XDG_STATE_HOME/photo-organizer/",
        "Journal, ledger (predictions.csv), labels, status and quarantine.",
    ),
    ("$XDG_DATA_HOME/photo-organizer/models/", "The models."),
)
_EXIT_CODES = (
    ("0", "Done."),
    ("1", "It could not be done; standard error says what, where and what to do."),
    ("2", "The command line or the configuration is wrong."),
    ("3", "Some photos could not be filed, moved or taken back; the rest were."),
    ("130", "Interrupted by Ctrl-C."),
)


def manual() -> str:
    """Return the page as roff text, for section 1."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    application = build_application()
    context = click.Context(application, info_name=NAME)
    yield f'.TH PHOTO\\-ORGANIZER 1 "" "photo\\-organizer {_text(version())}" "User Commands"'
    yield ".SH NAME"
    yield "photo\\-organizer \\- files photos in category folders, and learns from your corrections"
    yield ".SH SYNOPSIS"
    yield "\\fBphoto\\-organizer\\fR [\\fB\\-\\-config\\fR \\fIFILE\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]"
    yield ".SH DESCRIPTION"
    yield from _paragraphs(application.help or "")
    yield from _paragraphs("Every move can be undone, nothing is ever overwritten or deleted.")
    yield ".SH OPTIONS"
    yield from _options(application, context)
    yield ".SH COMMANDS"
    for name in application.list_commands(context):
        found = application.get_command(context, name)
        if found is not None:
            yield from _command(found, context, name)
    yield from _definitions("FILES", _FILES)
    yield from _definitions("EXIT STATUS", _EXIT_CODES)
    yield ".SH ENVIRONMENT"
    yield ".TP\n\\fBPHOTO_ORGANIZER_CONFIG\\fR\nThe settings file, where \\-\\-config does not name one."
    yield ".SH SEE ALSO"
    yield from _paragraphs("`photo-organizer help` lists the documents that come with the program.")


def _command(command: click.Command, parent: click.Context, name: str) -> Iterator[str]:
    """Yield a command and its subcommands."""
    context = click.Context(command, info_name=name, parent=parent)
    title = context.command_path.removeprefix(f"{NAME} ")
    yield f".SS {_text(title)}"
    if not isinstance(command, click.Group):
        words = [
            f"\\fB{_text(title)}\\fR",
            *(_text(piece) for piece in command.collect_usage_pieces(context)),
        ]
        yield " ".join(words)
        yield ".PP"
    yield from _paragraphs(command.help or "")
    yield from _options(command, context)
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None:
                yield from _command(found, context, inner)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    is_inner = context.parent is not None
    for parameter in command.get_params(context):
        if not isinstance(parameter, click.Option):
            continue
        record = parameter.get_help_record(context)
        if record is None or (is_inner and {"--config", "--help"} & set(parameter.opts)):
            continue  # said once, for the program
        names, explanation = record
        yield ".TP"
        yield f"\\fB{_text(names)}\\fR"
        yield _text(" ".join(explanation.split()))


def _definitions(title: str, pairs: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield f".SH {title}"
    for term, explanation in pairs:
        yield f".TP\n\\fB{_text(term)}\\fR\n{_text(explanation)}"


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        yield _text(" ".join(paragraph.split()).replace("\b", ""))
        yield ".PP"


def _text(text: str) -> str:
    r"""Return `text` escaped for roff, where `\`, `-` and a leading `.` or `'` have a meaning."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
