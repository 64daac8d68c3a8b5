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
    """Shows the progress."""

    def __enter__(self) -> Bar: ...
    def __exit__(self, *_: object) -> None: ...
    def advance(self, text: str) -> None: ...


class SortReporter:
    """Counts what the pipeline reports for each photo, and shows the progress.

    Args:
        tally: the counts.
        bar: moves on with each photo.
    """

    def __init__(self, tally: Tally, bar: Bar) -> None:
        self._tally = tally
        self._bar = bar
        self._reasons: dict[AssetGroup, str] = {}

    def placed(self, filing: Filing, placed: Placed) -> None:
        """Count a photo that is in the library, or planned to be."""
        self._reasons.pop(filing.group, None)
        self._tally.placed(filing, placed)
        self._bar.advance(filing.decision.category if filing.decision else str(placed.action))

    def left(self, group: AssetGroup, reason: str) -> None:
        """Count a photo that stays where it is for good."""
        if reason.startswith("the same as"):
            self._tally.stays("duplicates")
        elif reason == KNOWN:
            self._tally.stays(reason)
        else:
            self._failed(group.photo.path, reason)
        self._bar.advance("")

    def incomplete(self, group: AssetGroup) -> None:
        """Ignore a photo that is still being transferred; it is counted when it is given up."""
        self._reasons[group] = "it is incomplete, and an unfinished file is beside it"

    def set_aside(self, group: AssetGroup, reason: str) -> None:
        """Remember why a photo cannot be filed now; it is counted when it is given up (see `give_up`)."""
        self._reasons[group] = reason

    def give_up(self, group: AssetGroup) -> None:
        """Count a photo that failed too often."""
        path = group.photo.path
        reason = self._reasons.pop(group, "could not be read or moved").removeprefix(f"{printable(path)}: ")
        self._failed(path, f"{reason}; try again later")
        self._bar.advance("")

    def skipped(self, skipped: Skipped) -> None:
        """Count a file that is not offered for filing."""
        if skipped.reason == SYMBOLIC_LINK:
            self._tally.stays("symbolic links, which are not followed")
        elif by_extension(skipped.path) is None:
            self._tally.stays("no photos")
        else:
            self._failed(skipped.path, skipped.reason)

    def joined(self, companion: Photo, path: Path) -> None:
        """Ignore a companion that was joined to its photo; only the daemon's inbox has these."""

    def paused(self, reason: str) -> None:
        """End the run: the destination accepts nothing."""

    def resumed(self) -> None:
        """See `paused`."""

    def _failed(self, path: Path, reason: str) -> None:
        self._tally.fails(printable(path), reason)


def make_bar(total: int) -> Bar:
    """Return a bar on stderr when that is a terminal, otherwise one that shows nothing."""
    return TerminalBar(total) if sys.stderr.isatty() else NoBar()


class NoBar:
    """Shows no progress, where the output is not a terminal."""

    def __enter__(self) -> NoBar:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def advance(self, text: str) -> None:
        """Do nothing."""


class TerminalBar:
    """Shows count, rate, time left, and the category of the last photo."""

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
        """Advance by one photo."""
        task: Any = self._progress.tasks[0]
        rate = f"{task.speed:.0f} photos/s" if task.speed else ""
        category = printable(text) or task.fields["category"]
        # files that the count did not know of must not make it run over
        total = max(task.total or 0, task.completed + 1)
        self._progress.update(self._task, advance=1, total=total, rate=rate, category=category)
