"""What the commands know about a running daemon."""

from __future__ import annotations

import fcntl
import json
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photo_organizer.errors import OrganizerError
from photo_organizer.learning.labels.label_questions import read_questions
from photo_organizer.library.record.journal import read_totals
from photo_organizer.library.record.journal_health import JOURNAL
from photo_organizer.service.status.status_file import OLD, STATUS_FILE

if TYPE_CHECKING:
    from photo_organizer.config import Configuration

STOPPED = "stopped"
OWNER_LOCK = "owner.lock"


def read_status(configuration: Configuration) -> dict[str, Any]:
    """Return what the daemon last wrote to status.json, with `running`, `as_of`, and how many
    labels the last training asks about (`label_questions`).

    When it does not run, `state` is "stopped", and what has been filed is counted by the journal.

    With a daemon, `is_old` is true when it could not write what it is doing now.

    Raises:
        OrganizerError: status.json cannot be read.
    """
    path = configuration.state_directory / STATUS_FILE
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        changed = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        written["as_of"] = changed.isoformat(timespec="seconds")
    except FileNotFoundError:
        written = {}
    except (OSError, ValueError) as error:
        raise OrganizerError(f"the status cannot be read: {error}", where=path) from error
    running = daemon_runs(configuration, written.get("pid"))
    if not running:
        written |= {"state": STOPPED, "pid": None, "config_error": None}
        if "filed_total" in written:
            written |= _counted_by_journal(configuration)
    age = {"is_old": _is_old(path)} if running else {}
    questions = len(read_questions(configuration.state_directory))
    return {"running": running, **age, **written, "label_questions": questions}


def _is_old(path: Path) -> bool:
    """Whether the daemon has marked the file, or could not even do that: its disk is read-only."""
    try:
        return path.stat().st_mtime == OLD or not os.access(path.parent, os.W_OK)
    except OSError:
        return True


def _counted_by_journal(configuration: Configuration) -> dict[str, int]:
    """Return the counts of status.json as they are now: `sort` and `undo` may have changed them since."""
    totals = read_totals(configuration.state_directory / JOURNAL)
    if totals is None:
        return {}
    return {f"{name}_total": totals.get(name, 0) for name in ("filed", "review", "quarantined", "duplicate")}


def daemon_runs(configuration: Configuration, pid: object) -> bool:
    """Whether the process that wrote the status lives, and owns the library (`sort` writes no status)."""
    if not isinstance(pid, int) or not _lives(pid):
        return False
    # the number may be another program's by now: ask who holds the owner's lock, and let go at once
    try:
        descriptor = os.open(configuration.state_directory / OWNER_LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(descriptor, 32, 0).strip() == str(pid).encode()
    finally:
        os.close(descriptor)
    return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
