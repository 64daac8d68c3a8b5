"""Log handlers: the terminal, journald with fields, and a rotating file.

Fields of journald are passed as `extra={"PHOTO": ...}` in capitals (PHOTO, CATEGORY, CONFIDENCE, MODEL), and
`journalctl --user -u photo-organizer CATEGORY=Pets` finds them.
"""

from __future__ import annotations

import importlib
import logging
import logging.handlers
import math
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from photo_organizer.errors import OrganizerError, printable
from photo_organizer.service.systemd.journald import JournalDatagramHandler

_FILE_BYTES = 2_000_000
_FILES_KEPT = 5
_REMEMBERED_ERRORS = 256
_FORGOTTEN_AFTER_SECONDS = 3600.0


def configure_logging(level: str, directory: Path | None, *, stream: TextIO | None = None) -> None:
    """Install the handlers of the daemon; calling it again replaces them.

    Args:
        level: "debug", "info", "warning" or "error".
        directory: the folder of the log file; None for no file.
        stream: the terminal, used unless it is connected to journald; standard error by default.

    Raises:
        OrganizerError: the log file cannot be written; the previous handlers are kept.
    """
    stream = sys.stderr if stream is None else stream
    under_journald = is_connected_to_journald(os.environ, stream)
    handlers: list[logging.Handler] = [_journald_handler() if under_journald else _terminal_handler(stream)]
    if directory is not None:
        try:
            handlers.append(_file_handler(directory))
        except OSError as error:
            what = f"cannot write the log file ({error.strerror})"
            raise OrganizerError(what, where=directory, remedy="choose another logging.directory") from error
    root = logging.getLogger("photo_organizer")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.addHandler(RepetitionFilter(handlers))
    root.setLevel(level.upper())
    root.propagate = False
    logging.getLogger("watchdog").setLevel(logging.WARNING)


def is_connected_to_journald(environment: Mapping[str, str], stream: TextIO) -> bool:
    """Return whether `stream` is connected to journald: JOURNAL_STREAM has its device and inode."""
    device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))


class RepetitionFilter(logging.Handler):
    """Passes records on to `handlers`, and repeated warnings and errors only the 10th, 100th, 1000th... time.

    A repeated message includes its count. The count starts again after an hour without the message.
    """

    def __init__(self, handlers: Sequence[logging.Handler]) -> None:
        super().__init__()
        self._handlers = handlers
        self._seen: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING and not self._should_pass(record):
            return
        for handler in self._handlers:
            handler.handle(record)

    def close(self) -> None:
        for handler in self._handlers:
            handler.close()
        super().close()

    def _should_pass(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        message = record.getMessage()
        key = (record.name, message)
        count, last = self._seen.pop(key, (0, now))
        count = 1 if now - last > _FORGOTTEN_AFTER_SECONDS else count + 1
        self._seen[key] = (count, now)
        if len(self._seen) > _REMEMBERED_ERRORS:
            self._seen.popitem(last=False)
        if count == 1:
            return True
        if not math.log10(count).is_integer():
            return False
        record.msg, record.args = f"{message} (happened {count} times)", ()
        return True


class _OneLine(logging.Formatter):
    """Formats a record on one line, whatever a photo's name contains; a traceback follows."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        record.message = printable(record.message)
        return super().formatMessage(record)


def _terminal_handler(stream: TextIO) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_OneLine("%(asctime)s %(message)s", "%H:%M:%S"))
    return handler


def _journald_handler() -> logging.Handler:
    try:
        journal = importlib.import_module("systemd.journal")
    except ImportError:
        handler: logging.Handler = JournalDatagramHandler("photo-organizer")
    else:
        handler = journal.JournalHandler(SYSLOG_IDENTIFIER="photo-organizer")
    handler.setFormatter(_OneLine("%(message)s"))
    return handler


def _file_handler(directory: Path) -> logging.Handler:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = _PrivateRotatingFile(
        directory / "photo-organizer.log",
        maxBytes=_FILE_BYTES,
        backupCount=_FILES_KEPT,
        encoding="utf-8",
        errors="backslashreplace",
    )
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)-7s %(message)s"))
    return handler


class _PrivateRotatingFile(logging.handlers.RotatingFileHandler):
    """A log file readable only by its owner, because it contains the names of photos."""

    def _open(self) -> TextIOWrapper:
        return open(
            self.baseFilename,
            "a",
            encoding=self.encoding,
            errors=self.errors,
            opener=lambda path, flags: os.open(path, flags | os.O_CLOEXEC, 0o600),
        )
