"""The commands that messages suggest, as the owner types them here."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = "photo-organizer"
VARIABLE = "PHOTO_ORGANIZER_COMMAND"
"""What starts the program: set by `./organizer`, extended by `--config`, and inherited by the processes that
this one starts, so that all of them suggest the same.
"""


def program() -> str:
    """Return what starts the program: `photo-organizer`, or `./organizer --config FILE`, say."""
    return os.environ.get(VARIABLE) or PROGRAM


def typed(words: str, *arguments: object) -> str:
    """Return a command line of the program.

    Args:
        words: the command and its options, which are left as they are.
        arguments: what follows them; quoted for a shell where necessary.
    """
    return " ".join([program(), words, *(shlex.quote(str(argument)) for argument in arguments)])


def use_config(path: Path, started_as: str) -> None:
    """Suggest `--config` with every command from now on.

    Args:
        path: the file, as it was given.
        started_as: what `program` returned before any option was read.
    """
    os.environ[VARIABLE] = f"{started_as} --config {shlex.quote(str(path))}"


@contextmanager
def restored() -> Iterator[None]:
    """Forget at the end what `use_config` was told."""
    before = os.environ.get(VARIABLE)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before
