"""The destination of a dry run: says where the library would put each photo, and moves nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.library import FilingReport, JoinReport, Placed
from photo_organizer.library.names import GroupNames
from photo_organizer.photo import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from photo_organizer.config import Configuration
    from photo_organizer.library import Filing
    from photo_organizer.photo import AssetGroup, Photo


@dataclass(slots=True)
class DiskWork:
    """What carrying the plan out will do to the disks."""

    renamed: int = 0
    copied: int = 0
    copied_bytes: int = 0
    new_folders: set[Path] = field(default_factory=set)


class PlannedLibrary:
    """Answers as the library would.

    Args:
        configuration: library, quarantine and the rule for duplicates.
        original: where a photo with this SHA-256 was filed before and still is; None when nowhere.
    """

    def __init__(self, configuration: Configuration, original: Callable[[str], Path | None]) -> None:
        self._library = configuration.library
        self._quarantine = configuration.quarantine_directory
        self._duplicates = configuration.duplicates
        self._original = original
        self._planned: dict[str, Path] = {}
        self._given: set[bytes] = set()
        self._next_number: dict[bytes, int] = {}
        self._devices: dict[Path, int] = {}
        self.work = DiskWork()

    def file(self, filings: Sequence[Filing], *, batch: str | None = None) -> FilingReport:
        """Where each photo would go; there is no batch yet."""
        del batch
        filed, left = [], []
        for filing in filings:
            placed = self._place(filing)
            if placed.action is Action.DUPLICATE and self._duplicates == "skip":
                left.append(placed)
                continue
            filed.append(placed)
            self._count(filing.group, placed.destination.parent)
        return FilingReport(batch="", filed=tuple(filed), left=tuple(left))

    def join(self, companions: Sequence[Photo], inbox: Path) -> JoinReport:
        """Companions without their photo stay where they are."""
        del inbox
        return JoinReport(orphans=tuple(companions))

    def _place(self, filing: Filing) -> Placed:
        if filing.action is Action.QUARANTINED:
            return Placed(filing.group, filing.action, self._free_name(filing.group, self._quarantine))
        sha256 = filing.prediction.sha256 if filing.prediction else ""
        first = self._planned.get(sha256) or self._original(sha256) if sha256 else None
        if first is not None and self._duplicates != "keep":
            folder = self._library / self._duplicates
            # a skipped one stays where it is
            skipped = self._duplicates == "skip"
            destination = filing.group.photo.path if skipped else self._free_name(filing.group, folder)
            return Placed(filing.group, Action.DUPLICATE, destination, first)
        destination = self._free_name(filing.group, self._library / filing.folder)
        if sha256:
            self._planned[sha256] = destination
        return Placed(filing.group, filing.action, destination)

    def _free_name(self, group: AssetGroup, folder: Path) -> Path:
        """The first name of photo and companions that neither the disk nor this plan has taken."""
        names = GroupNames(
            os.fsencode(group.photo.path.name),
            tuple(os.fsencode(companion.path.name) for companion in group.companions),
        )
        top = os.fsencode(folder)
        wanted = os.path.join(top, names.photo)
        number = self._next_number.get(wanted, 1)
        while True:
            paths = [os.path.join(top, name) for name in names.numbered(number)]
            number += 1
            if not any(path in self._given or os.path.lexists(path) for path in paths):
                break
        self._next_number[wanted] = number
        self._given.update(paths)
        return Path(os.fsdecode(paths[0]))

    def _count(self, group: AssetGroup, folder: Path) -> None:
        files = (group.photo, *group.companions)
        if not folder.exists():
            self.work.new_folders.add(folder)
        if group.photo.identity.device == self._device(folder):
            self.work.renamed += len(files)
        else:
            self.work.copied += len(files)
            self.work.copied_bytes += sum(one.identity.size for one in files)

    def _device(self, folder: Path) -> int:
        """The device of a folder, or of the nearest one above it that is there."""
        if folder not in self._devices:
            there = next(place for place in (folder, *folder.parents) if place.exists())
            self._devices[folder] = there.stat().st_dev
        return self._devices[folder]
