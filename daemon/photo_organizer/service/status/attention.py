"""What needs the owner: what `status` begins with, and what its exit code tells to monitoring."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from photo_organizer.config import Configuration
from photo_organizer.errors import printable
from photo_organizer.formats import by_extension
from photo_organizer.library.journal_state import journal_problem
from photo_organizer.library.record.quarantine_reason import REASON
from photo_organizer.typed_command import typed

_EXTRA_REMEDY = "pip install 'smart-photo-organizer[{extra}]'"


class Severity(IntEnum):
    """How bad it is; the worst is the exit code of `status` (`exit_code`)."""

    WAITS = 0
    """Photos wait for a look or for the rest of their file, or filing rests because its owner said so."""
    SOME = 1
    """Some photos or folders cannot be read; all others are filed."""
    STANDS = 2
    """Nothing is filed."""
    CONFIG = 3
    """The configuration is wrong; the earlier one is in force."""


_EXIT_CODES = {Severity.WAITS: 0, Severity.SOME: 3, Severity.STANDS: 1, Severity.CONFIG: 2}


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs the owner.

    Attributes:
        kind: a word for scripts: `config`, `status`, `journal`, `stopped`, `paused`, `inbox`, `library`,
            `folder`, `photos`, `incomplete`, `extra`, `review`, `quarantine`, `found_folder`.
        what: what is the case, as a clause.
        remedy: what to do or to type; may be empty.
        count: how many photos or folders it is about.
        severity: how bad it is.
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
        """Return it for `status --json`."""
        return {
            "kind": self.kind,
            "what": self.what,
            "do": self.remedy,
            "count": self.count,
            "severity": self.severity.name.lower(),
        }


def exit_code(needs: Iterable[Need]) -> int:
    """Return the exit code that tells the worst of `needs`."""
    return _EXIT_CODES[max((need.severity for need in needs), default=Severity.WAITS)]


def needs_of(values: Mapping[str, Any], configuration: Configuration) -> list[Need]:
    """Return what needs the owner, what stops everything first.

    Args:
        values: of status.json, with `running`.
        configuration: that is in force.
    """
    return [
        *_config(values),
        *_records(values, configuration),
        *_standstill(values),
        *_troubles(values),
        *_waiting(values),
        *_to_be_looked_at(configuration),
        *_found_folders(values),
    ]


def _config(values: Mapping[str, Any]) -> Iterator[Need]:
    if error := values.get("config_error"):
        goes_on = "; the daemon goes on with the settings before" if values["running"] else ""
        remedy = "correct the file and save it" + ("" if values["running"] else "; see `config check`")
        for line in str(error).splitlines():
            yield Need(
                "config", f"the configuration is refused ({line}){goes_on}", remedy, 1, Severity.CONFIG
            )


def _records(values: Mapping[str, Any], configuration: Configuration) -> Iterator[Need]:
    if values.get("is_old"):
        what = "the status cannot be written, and what follows is old"
        remedy = "make room in the state directory, or make it writable"
        yield Need("status", what, remedy, 1, Severity.STANDS)
    if problem := journal_problem(configuration):
        remedy = f"restart the daemon, or run {typed('sort')}: it is set aside and restored"
        yield Need("journal", problem, remedy, 1, Severity.STANDS)


def _standstill(values: Mapping[str, Any]) -> Iterator[Need]:
    if not values["running"]:
        remedy = f"{typed('run')}, or {typed('service install')}"
        yield Need("stopped", "no daemon is running", remedy, 1, Severity.STANDS)
    elif values.get("state") == "paused":
        if values.get("paused_by_owner"):
            yield Need("paused", str(values.get("reason")))
        else:
            resumes = "filing resumes by itself once that is over"
            yield Need("paused", f"filing is paused: {values.get('reason')}", resumes, 1, Severity.STANDS)


def _troubles(values: Mapping[str, Any]) -> Iterator[Need]:
    if not values["running"]:
        return  # what could not be read then may be readable now
    troubled = values.get("troubled") or ()
    for trouble in troubled:
        if trouble["kind"] == "inbox":
            what = f"nothing can be taken from the inbox {trouble['path']} ({trouble['reason']})"
            yield Need("inbox", what, "mount it, or make it readable and writable", 1, Severity.STANDS)
        if trouble["kind"] == "library":
            what = f"nothing can be filed in the library {trouble['path']} ({trouble['reason']})"
            yield Need("library", what, "mount it, or put it back; its photos wait", 1, Severity.SOME)
    for kind, total, words, remedy in (
        ("folder", values.get("unreadable_folders", 0), "cannot be looked into", "make it readable"),
        ("photo", values.get("retrying", 0), "cannot be filed yet", "tried again by itself; see the log"),
    ):
        named = [
            f"{trouble['path']} ({trouble['reason']})" for trouble in troubled if trouble["kind"] == kind
        ]
        if total or named:
            count = max(total, len(named))
            what = f"{_counted(count, kind)} {words}" + (f": {', '.join(named)}" if named else "")
            what += f", and {count - len(named):,} more" if named and count > len(named) else ""
            yield Need(f"{kind}s", what, remedy, count, Severity.SOME)


def _waiting(values: Mapping[str, Any]) -> Iterator[Need]:
    if count := values.get("incomplete", 0):
        what = f"{count:,} incomplete, waiting for the rest"
        yield Need("incomplete", what, "let the copy end, or copy them again", count)
    for extra, count in (values.get("waiting_for_extra") or {}).items():
        what = f"{_counted(count, 'photo')} cannot be decoded here"
        yield Need("extra", what, _EXTRA_REMEDY.format(extra=extra), count, Severity.SOME)


def _to_be_looked_at(configuration: Configuration) -> Iterator[Need]:
    for review in configuration.review_folders:
        if not (count := count_photos(review)):
            continue
        where = printable(review)
        yield Need("review", f"{_counted(count, 'photo')} in {where}", typed("review"), count)
    quarantine = configuration.quarantine_directory
    if count := count_quarantined(quarantine):
        what = f"{_counted(count, 'file')} in quarantine, {printable(quarantine)}"
        yield Need("quarantine", what, f"the reasons are beside them (*{os.fsdecode(REASON)})", count)


def _found_folders(values: Mapping[str, Any]) -> Iterator[Need]:
    for name, photos in (values.get("found_folders") or {}).items():
        what = f"new folder {printable(name)} ({_counted(photos, 'photo')} of yours): a category?"
        remedy = f"{typed('categories accept', name)}, or {typed('categories decline', name)}"
        yield Need("found_folder", what, remedy, photos)


def count_photos(folder: Path) -> int:
    """Return how many photos lie below `folder`, by their names; hidden folders are passed over."""
    count = 0
    for _, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith(".")]
        count += sum(by_extension(name) is not None for name in names if not name.startswith("."))
    return count


def count_quarantined(folder: Path) -> int:
    """Return how many files lie in quarantine: those with a reason beside them."""
    suffix = os.fsdecode(REASON)
    try:
        names = {entry.name for entry in folder.iterdir()}
    except OSError:
        return 0
    return sum(name.endswith(suffix) and name.removesuffix(suffix) in names for name in names)


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
