"""Read the status of a running daemon, for the commands."""

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
    """Return the fields of status.json, with `running`, `as_of`, `is_old` and `label_questions`.

    Without a running daemon, `state` is "stopped", and the totals are counted in the journal. With one,
    `is_old` says that it could not update the file. `label_questions` is the number of labels that the last
    training found doubtful.

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
        raise OrganizerError(f"cannot read the status: {error}", where=path) from error
    running = daemon_runs(configuration, written.get("pid"))
    if not running:
        written |= {"state": STOPPED, "pid": None, "config_error": None}
        if "filed_total" in written:
            written |= _counted_by_journal(configuration)
    age = {"is_old": _is_old(path)} if running else {}
    questions = len(read_questions(configuration.state_directory))
    return {"running": running, **age, **written, "label_questions": questions}


def _is_old(path: Path) -> bool:
    """Return whether the daemon has marked the file as old, or cannot write to its folder."""
    try:
        return path.stat().st_mtime == OLD or not os.access(path.parent, os.W_OK)
    except OSError:
        return True


def _counted_by_journal(configuration: Configuration) -> dict[str, int]:
    """Return the current totals: `sort` and `undo` may have changed them since status.json was written."""
    totals = read_totals(configuration.state_directory / JOURNAL)
    if totals is None:
        return {}
    return {f"{name}_total": totals.get(name, 0) for name in ("filed", "review", "quarantined", "duplicate")}


def daemon_runs(configuration: Configuration, pid: object) -> bool:
    """Return whether the process that wrote the status is running and has locked the library."""
    if not isinstance(pid, int) or not _is_alive(pid):
        return False
    # the id may belong to another program by now: check who holds the owner's lock
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


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
