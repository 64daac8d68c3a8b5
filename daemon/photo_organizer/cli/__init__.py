"""The command line: one small file a command. `main` is the console script."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (0 done, 1 not possible, 2 wrong usage, 3 some photos failed).

    Args:
        arguments: the words after the program's name; None takes them from the command line.
    """
    try:
        from photo_organizer.cli.boundary import run_safely
    except KeyboardInterrupt:  # Ctrl-C while it is still being loaded; later it is `run_safely` that answers
        return 130
    return run_safely(arguments)
