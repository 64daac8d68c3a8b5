"""`crash.log` in the state directory in use, which has the details of errors that nobody foresaw."""

from __future__ import annotations

import os
import sys
import traceback
from datetime import datetime
from pathlib import Path

from photo_organizer import __version__
from photo_organizer.errors import printable

_LARGEST = 1 << 20  # bytes
_MOST_REMEMBERED = 1000


class CrashLog:
    """The crash log in `directory`, which only the owner may read.

    A photo that is tried again fails in the same way again; it is written down once in the life of a process.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "crash.log"
        self._written: set[tuple[str, str]] = set()

    def write(self, error: BaseException, during: str = "") -> None:
        """Append the traceback of `error`, which came up `during` something (a command, or a photo's path).

        Raises:
            OSError: it cannot be written.
        """
        details = "".join(traceback.format_exception(error))
        if (during, details) in self._written:
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size > _LARGEST:
            self.path.replace(self.path.with_suffix(".old.log"))
        now = datetime.now().astimezone().isoformat()
        command = " ".join(sys.argv[1:])
        head = printable(f"{now} photo-organizer {__version__} {command}{f': {during}' if during else ''}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        with os.fdopen(
            os.open(self.path, flags, 0o600), "w", encoding="utf-8", errors="backslashreplace"
        ) as log:
            log.write(f"{head}\n{details}\n")
        if len(self._written) >= _MOST_REMEMBERED:
            self._written.clear()
        self._written.add((during, details))

    def describe(self, error: BaseException, during: str) -> str:
        """Write `error` down as `write` does, and return a clause for people that says where it is."""
        what = f"unexpected error ({printable(type(error).__name__)}: {printable(error)})"
        try:
            self.write(error, during)
        except OSError as failure:
            return f"{what}; the details could not be written to {printable(self.path)}: {failure.strerror}"
        return f"{what}; please report it with {printable(self.path)}"
