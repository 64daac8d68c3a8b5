"""What needs the owner's attention: the first lines of `status`, and its exit code."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from photo_organizer.companions.photo_count import count_photos
from photo_organizer.config import Configuration
from photo_organizer.errors import printable
from photo_organizer.library.journal_state import journal_problem
from photo_organizer.library.record.quarantine_reason import REASON
from photo_organizer.service.status.waiting import install_command
from photo_organizer.typed_command import typed


class Severity(IntEnum):
    """How serious it is; the highest determines the exit code of `status`."""

    WAITS = 0
    """Photos wait for review or for the rest of their file, or the owner has paused filing."""
    SOME = 1
    """Some photos or folders cannot be read; the others are filed."""
    STANDS = 2
    """No photos are filed."""
    CONFIG = 3
    """The configuration is invalid; the previous one is in use."""


_EXIT_CODES = {Severity.WAITS: 0, Severity.SOME: 3, Severity.STANDS: 1, Severity.CONFIG: 2}


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs the owner's attention.

    Attributes:
        kind: a word for scripts: `config`, `status`, `journal`, `stopped`, `paused`, `inbox`, `library`,
            `folder`, `photos`, `incomplete`, `extra`, `review`, `quarantine`, `found_folder`.
        what: the problem, as a clause.
        remedy: what to do, or the command to run; may be empty.
        count: the number of photos or folders concerned.
        severity: how serious it is.
    """

    kind: str
    what: str
    remedy: str = ""
    count: int = 1
    severity: Severity = Severity.WAITS

    def __str__(self) -> str:
        separator = " " if self.what.endswith("?") else ": "
        return f"{self.what}{separator}{self.remedy}" if self.remedy else self.what

    def fields(self) -> dict[str, Any]:
        """Return the fields for `status --json`."""
        return {
            "kind": self.kind,
            "what": self.what,
            "do": self.remedy,
            "count": self.count,
            "severity": self.severity.name.lower(),
        }


def exit_code(needs: Iterable[Need]) -> int:
    """Return the exit code of the most serious of `needs`."""
    return _EXIT_CODES[max((need.severity for need in needs), default=Severity.WAITS)]


def needs_of(values: Mapping[str, Any], configuration: Configuration) -> list[Need]:
    """Return what needs the owner's attention, the most serious first.

    Args:
        values: the fields of status.json, and `running`.
        configuration: the configuration in use.
    """
    return [
        *daemon_needs(values),
        *_journal(configuration),
        *_problems(values),
        *_waiting(values),
        *_to_review(configuration),
        *_found_folders(values),
    ]


def daemon_needs(values: Mapping[str, Any]) -> Iterator[Need]:
    """Yield what needs attention in the daemon itself: its configuration and status, and pauses."""
    yield from _config(values)
    if values.get("is_old"):
        what = "the daemon cannot write its status, and the status below is out of date"
        remedy = "free some space in the state directory, or make it writable"
        yield Need("status", what, remedy, 1, Severity.STANDS)
    yield from _not_filing(values)


def _config(values: Mapping[str, Any]) -> Iterator[Need]:
    if error := values.get("config_error"):
        goes_on = "; the daemon continues with the previous settings" if values["running"] else ""
        remedy = "fix the file and save it"
        for line in str(error).splitlines():
            yield Need(
                "config", f"the configuration is invalid ({line}){goes_on}", remedy, 1, Severity.CONFIG
            )


def journal_remedy() -> str:
    """Return what to do about a damaged journal."""
    return f"restart the daemon, or run `{typed('sort')}`, to set it aside and restore it"


def _journal(configuration: Configuration) -> Iterator[Need]:
    if problem := journal_problem(configuration):
        yield Need("journal", problem, journal_remedy(), 1, Severity.STANDS)


def _not_filing(values: Mapping[str, Any]) -> Iterator[Need]:
    if not values["running"]:
        remedy = f"start it with `{typed('run')}` or `{typed('service install')}`"
        yield Need("stopped", "the daemon is not running", remedy, 1, Severity.STANDS)
    elif values.get("state") == "paused":
        if values.get("paused_by_owner"):
            yield Need("paused", str(values.get("reason")))
        else:
            resumes = "filing resumes automatically once this is fixed"
            yield Need("paused", f"filing is paused: {values.get('reason')}", resumes, 1, Severity.STANDS)


def _problems(values: Mapping[str, Any]) -> Iterator[Need]:
    if not values["running"]:
        return  # it may be readable now
    problems = values.get("troubled") or ()
    for problem in problems:
        if problem["kind"] == "inbox":
            what = f"cannot read the inbox {problem['path']} ({problem['reason']})"
            yield Need("inbox", what, "mount it, or make it readable and writable", 1, Severity.STANDS)
        if problem["kind"] == "library":
            what = f"cannot write to the library {problem['path']} ({problem['reason']})"
            yield Need(
                "library", what, "mount it, or put it back; until then its photos wait", 1, Severity.SOME
            )
    for kind, total, words, remedy in (
        ("folder", values.get("unreadable_folders", 0), "cannot be read", "make it readable"),
        ("photo", values.get("retrying", 0), "cannot be filed yet", "retried automatically; see the log"),
    ):
        named = [
            f"{problem['path']} ({problem['reason']})" for problem in problems if problem["kind"] == kind
        ]
        if total or named:
            count = max(total, len(named))
            what = f"{_counted(count, kind)} {words}" + (f": {', '.join(named)}" if named else "")
            what += f", and {count - len(named):,} more" if named and count > len(named) else ""
            yield Need(f"{kind}s", what, remedy, count, Severity.SOME)


def _waiting(values: Mapping[str, Any]) -> Iterator[Need]:
    if count := values.get("incomplete", 0):
        what = f"{_counted(count, 'file')} incomplete, waiting for the rest"
        yield Need("incomplete", what, "wait for the copy to finish, or copy them again", count)
    for extra, count in (values.get("waiting_for_extra") or {}).items():
        what = f"{_counted(count, 'photo')} cannot be decoded without an optional package"
        yield Need("extra", what, install_command(extra), count, Severity.SOME)


def _to_review(configuration: Configuration) -> Iterator[Need]:
    for review in configuration.review_folders:
        if not (count := count_photos(review)):
            continue
        where = printable(review)
        yield Need("review", f"{_counted(count, 'photo')} in {where}", typed("review"), count)
    quarantine = configuration.quarantine_directory
    if count := count_quarantined(quarantine):
        what = f"{_counted(count, 'file')} in quarantine, {printable(quarantine)}"
        yield Need(
            "quarantine", what, f"each has its reason in a file beside it (*{os.fsdecode(REASON)})", count
        )


def _found_folders(values: Mapping[str, Any]) -> Iterator[Need]:
    for name, photos in (values.get("found_folders") or {}).items():
        what = f"is the new folder {printable(name)} ({_counted(photos, 'photo')}) a category?"
        remedy = f"{typed('categories accept', name)} (or decline {shlex.quote(name)})"
        yield Need("found_folder", what, remedy, photos)


def count_quarantined(folder: Path) -> int:
    """Return the number of files in quarantine: those with a reason beside them."""
    suffix = os.fsdecode(REASON)
    try:
        names = {entry.name for entry in folder.iterdir()}
    except OSError:
        return 0
    return sum(name.endswith(suffix) and name.removesuffix(suffix) in names for name in names)


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
