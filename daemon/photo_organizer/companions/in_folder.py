"""The photos of one folder as it is now, each with its companions."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.companions.grouping import NameGroup, bundle
from photo_organizer.companions.kinds import Kind, kind_of, may_accompany
from photo_organizer.formats import extension_of
from photo_organizer.photo import AssetGroup, FileIdentity, Photo


@dataclass(frozen=True, slots=True)
class FolderGroups:
    """What a folder held when it was listed; hidden files are left out.

    Args:
        folder: absolute.
        bundles: by the name of each file in them.
    """

    folder: Path
    bundles: dict[str, NameGroup]

    @classmethod
    def of(cls, folder: Path) -> FolderGroups:
        """The groups of `folder`.

        Raises:
            OSError: it cannot be listed.
        """
        photos, companions = [], []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
                    continue
                kind = kind_of(entry.name)
                if kind is Kind.PHOTO or (kind is Kind.UNKNOWN and not extension_of(entry.name)):
                    photos.append(entry.name)
                elif may_accompany(entry.name) or kind is Kind.VIDEO:
                    companions.append(entry.name)
        groups, _ = bundle(photos, companions)
        return cls(folder, {name: group for group in groups for name in (group.photo, *group.companions)})

    def photos(self) -> Iterator[str]:
        """The names of the photos that stand for their groups."""
        for name, group in self.bundles.items():
            if name == group.photo:
                yield name

    def group_of(self, name: str, root: Path) -> AssetGroup | None:
        """The group that the file `name` belongs to, as it is on the disk; None when it belongs to none.

        Args:
            name: of the photo or of a companion.
            root: the folder above it that is trusted.

        Raises:
            OSError: the photo is not there any more.
        """
        group = self.bundles.get(name)
        if group is None:
            return None
        companions = (self._seen(companion) for companion in group.companions)
        return AssetGroup(root, self._seen(group.photo), tuple(companions))

    def _seen(self, name: str) -> Photo:
        path = self.folder / name
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(f"{name} is no regular file any more")
        return Photo(path, FileIdentity.of(status))
