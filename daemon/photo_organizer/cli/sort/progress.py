"""Tells on the terminal, while it goes on, what becomes of each photo."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

from photo_organizer.errors import printable
from photo_organizer.formats import by_extension
from photo_organizer.inbox.path_scan import SYMBOLIC_LINK
from photo_organizer.service.pipeline import KNOWN

if TYPE_CHECKING:
    from pathlib import Path

    from photo_organizer.cli.sort.tally import Tally
    from photo_organizer.inbox import Skipped
    from photo_organizer.library import Filing, Placed
    from photo_organizer.photo import AssetGroup, Photo

REDRAWS_A_SECOND = 4


class Bar(Protocol):
    """Shows how far it is."""

    def __enter__(self) -> Bar: ...
    def __exit__(self, *_: object) -> None: ...
    def advance(self, text: str) -> None: ...


class SortReporter:
    """Hears from the pipeline what became of each photo, and passes it on to the tally and the bar.

    Args:
        tally: the counts.
        bar: moves on with each photo.
    """

    def __init__(self, tally: Tally, bar: Bar) -> None:
        self._tally = tally
        self._bar = bar
        self._reasons: dict[AssetGroup, str] = {}

    def placed(self, filing: Filing, placed: Placed) -> None:
        """A photo is in the library, or planned to be."""
        self._reasons.pop(filing.group, None)
        self._tally.placed(filing, placed)
        self._bar.advance(filing.decision.category if filing.decision else str(placed.action))

    def left(self, group: AssetGroup, reason: str) -> None:
        """A photo stays where it is for good."""
        if reason.startswith("the same as"):
            self._tally.stays("duplicates")
        elif reason == KNOWN:
            self._tally.stays(reason)
        else:
            self._failed(group.photo.path, reason)
        self._bar.advance("")

    def incomplete(self, group: AssetGroup) -> None:
        """A photo is still being transferred; it is counted when it is given up."""
        self._reasons[group] = "it is not whole, and an unfinished file lies beside it"

    def set_aside(self, group: AssetGroup, reason: str) -> None:
        """A photo could not be filed now; it is counted when it is given up (see `give_up`)."""
        self._reasons[group] = reason

    def give_up(self, group: AssetGroup) -> None:
        """A photo failed too often."""
        path = group.photo.path
        reason = self._reasons.pop(group, "could not be read or moved").removeprefix(f"{printable(path)}: ")
        self._failed(path, f"{reason}; try again later")
        self._bar.advance("")

    def skipped(self, skipped: Skipped) -> None:
        """A file was not even offered."""
        if skipped.reason == SYMBOLIC_LINK:
            self._tally.stays("symbolic links, which are not followed")
        elif by_extension(skipped.path) is None:
            self._tally.stays("no photos")
        else:
            self._failed(skipped.path, skipped.reason)

    def joined(self, companion: Photo, path: Path) -> None:
        """A companion went to its photo; only the daemon's inbox offers these."""

    def paused(self, reason: str) -> None:
        """The destination takes nothing; the run ends with that reason."""

    def resumed(self) -> None:
        """See `paused`."""

    def _failed(self, path: Path, reason: str) -> None:
        self._tally.fails(printable(path), reason)


def make_bar(total: int) -> Bar:
    """A bar on stderr when that is a terminal, else nothing."""
    return TerminalBar(total) if sys.stderr.isatty() else NoBar()


class NoBar:
    """No progress is shown: a program reads, not a person."""

    def __enter__(self) -> NoBar:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def advance(self, text: str) -> None:
        """Nothing."""


class TerminalBar:
    """Count, rate, time left, and the category of the last photo."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from photo_organizer.cli.console import make_console

        self._progress = Progress(
            TextColumn("sorting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[category]}"),
            console=make_console(stderr=True),
            refresh_per_second=REDRAWS_A_SECOND,
        )
        self._task = self._progress.add_task("", total=total, rate="", category="")

    def __enter__(self) -> TerminalBar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def advance(self, text: str) -> None:
        """One photo further."""
        task: Any = self._progress.tasks[0]
        rate = f"{task.speed:.0f} photos/s" if task.speed else ""
        category = printable(text) or task.fields["category"]
        # files that the count did not know of must not make it run over
        total = max(task.total or 0, task.completed + 1)
        self._progress.update(self._task, advance=1, total=total, rate=rate, category=category)
