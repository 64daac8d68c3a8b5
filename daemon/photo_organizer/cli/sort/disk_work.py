"""What carrying a plan out will do to the disks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.library import TransferMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from photo_organizer.library import Filing, FilingReport, JoinReport, Latecomer, Library, Placed


@dataclass(slots=True)
class DiskWork:
    """Counts of files, bytes and folders."""

    renamed: int = 0
    linked: int = 0
    copied: int = 0
    copied_bytes: int = 0
    new_folders: set[Path] = field(default_factory=set)
    _devices: dict[Path, int] = field(default_factory=dict)

    def add(self, filing: Filing, placed: Placed) -> None:
        """Count a photo and its companions that would be placed."""
        group, transfer_mode, folder = filing.group, filing.transfer_mode, placed.destination.parent
        files = (group.photo, *group.companions)
        if not folder.exists():
            self.new_folders.add(folder)
        if transfer_mode in {TransferMode.LINK, TransferMode.SYMLINK}:
            self.linked += len(files)
        elif transfer_mode is TransferMode.MOVE and group.photo.identity.device == self._device(folder):
            self.renamed += len(files)
        else:
            self.copied += len(files)
            self.copied_bytes += sum(file.identity.size for file in files)

    def _device(self, folder: Path) -> int:
        """Return the device of a folder, or of its nearest existing parent."""
        if folder not in self._devices:
            there = next(place for place in (folder, *folder.parents) if place.exists())
            self._devices[folder] = there.stat().st_dev
        return self._devices[folder]


class DryRun:
    """The destination of a dry run: the library plans, and nothing is moved."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.work = DiskWork()

    def file(self, filings: Sequence[Filing], *, batch: str | None = None) -> FilingReport:
        """Plan where each photo would go; there is no batch yet."""
        del batch
        report = self._library.plan(filings)
        by_path = {filing.group.photo.path: filing for filing in filings}
        for placed in report.filed:
            self.work.add(by_path[placed.group.photo.path], placed)
        return report

    def join(self, latecomers: Sequence[Latecomer], inbox: Path) -> JoinReport:
        """Leave companions without their photo where they are."""
        from photo_organizer.library import JoinReport

        del inbox
        return JoinReport(orphans=tuple(latecomer.companion for latecomer in latecomers))
