"""Whether the photos of a plan are still those that were planned: by file identity, or by their bytes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.cli.photos.photo_hash import photo_sha256
from photo_organizer.cli.sort.plan_files.devices import this_machine
from photo_organizer.errors import OrganizerError
from photo_organizer.photo import FileIdentity, Photo

if TYPE_CHECKING:
    from photo_organizer.cli.sort.plan_files.plan_head import PlanHead
    from photo_organizer.cli.sort.plan_files.planned_photo import PlannedPhoto
    from photo_organizer.photo import AssetGroup

CHANGED = "changed since it was planned"


class ChangedError(Exception):
    """A file is not the one that was planned, or cannot be read; the text says why."""


class UnchangedPhotos:
    """Recognises the photos of one plan.

    A device is looked up where it was mounted when the plan was made, since its number is another one after
    the disk was plugged in again. Where device or inode are not what they were, or the plan was made on
    another machine, a photo of the same size and time is the same when its bytes have the planned hash.
    """

    def __init__(self, head: PlanHead) -> None:
        self._is_elsewhere = head.machine not in {"", this_machine()}
        self._devices = {number: _device_at(folder, number) for number, folder in head.devices}

    def today(self, planned: PlannedPhoto) -> AssetGroup:
        """Return the group of the photo with the identities that its files have now.

        Raises:
            ChangedError: one of them is another file, was changed, or cannot be read.
        """
        group = planned.group
        try:
            identity = _identity_at(group.photo.path)
            is_hashed = self._is_hashed(planned, identity)
        except (OSError, OrganizerError) as error:
            raise ChangedError(error.what if isinstance(error, OrganizerError) else str(error)) from error
        companions = tuple(self._companion(file, is_hashed=is_hashed) for file in group.companions)
        return replace(group, photo=Photo(group.photo.path, identity), companions=companions)

    def _is_hashed(self, planned: PlannedPhoto, identity: FileIdentity) -> bool:
        """Return whether the photo with this identity was recognised by its bytes, not by its identity.

        Raises:
            ChangedError: it was recognised by neither.
            OSError, OrganizerError: it cannot be read.
        """
        photo = planned.group.photo
        if self._is_same(photo.identity, identity):
            return False
        sha256 = planned.row["sha256"]
        if not sha256:  # a video, or no photo: nothing was known of its bytes
            is_same = self._is_elsewhere and photo.identity.is_same_but_for_device(identity)
        else:
            is_same = _is_like(photo.identity, identity) and photo_sha256(photo.path) == sha256
        if not is_same or _identity_at(photo.path) != identity:
            raise ChangedError(CHANGED)
        return True

    def is_at(self, planned: PlannedPhoto, path: str) -> bool:
        """Return whether the planned photo is at `path`, its destination."""
        try:
            return self._is_at(planned, Path(path))
        except (OSError, OrganizerError):
            return False

    def _is_at(self, planned: PlannedPhoto, path: Path) -> bool:
        identity = _identity_at(path)
        if identity.is_same_but_for_device(planned.group.photo.identity) and not self._is_elsewhere:
            return True
        sha256 = planned.row["sha256"]
        is_like = identity.size == planned.group.photo.identity.size
        return bool(sha256) and is_like and photo_sha256(path) == sha256

    def _companion(self, file: Photo, *, is_hashed: bool) -> Photo:
        try:
            identity = _identity_at(file.path)
        except OSError as error:
            raise ChangedError(f"{CHANGED} (its companion {file.path.name})") from error
        if not (self._is_same(file.identity, identity) or (is_hashed and _is_like(file.identity, identity))):
            raise ChangedError(f"{CHANGED} (its companion {file.path.name})")
        return Photo(file.path, identity)

    def _is_same(self, planned: FileIdentity, today: FileIdentity) -> bool:
        device = self._devices.get(planned.device, planned.device)
        is_same_file = planned.is_same_but_for_device(today) and device == today.device
        return is_same_file and not self._is_elsewhere


def _is_like(planned: FileIdentity, today: FileIdentity) -> bool:
    return (planned.size, planned.mtime_ns) == (today.size, today.mtime_ns)


def _identity_at(path: Path) -> FileIdentity:
    return FileIdentity.of(os.lstat(path))


def _device_at(folder: str, number: int) -> int:
    try:
        return Path(folder).stat().st_dev
    except OSError:
        return number
