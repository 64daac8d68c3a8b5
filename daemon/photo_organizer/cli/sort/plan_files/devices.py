"""Which disk a file is on, in words that hold when the disk is plugged in again, and on another machine."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from photo_organizer.photo import AssetGroup

MACHINE_ID = Path("/etc/machine-id")
MOST_REMEMBERED = 4096


def this_machine(machine_id: Path = MACHINE_ID) -> str:
    """Return a hash that identifies this machine; the machine id itself should stay secret."""
    try:
        known = machine_id.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        known = ""
    return hashlib.sha256(f"photo-organizer plan {known or platform.node()}".encode()).hexdigest()[:16]


class Devices:
    """Finds where the devices of photos are mounted.

    Attributes:
        mounts: by device number, the folder where it is mounted, or the folder that was looked through when
            that is deeper: as far as it was asked for.
    """

    def __init__(self) -> None:
        self.mounts: dict[int, str] = {}
        self._known: dict[str, str] = {}

    def mount_of(self, group: AssetGroup) -> str:
        """Return where a photo's device is mounted."""
        folder = os.fspath(group.photo.path.parent)
        device = group.photo.identity.device
        mount = self._known.get(folder)
        if mount is None:
            mount = _topmost(folder, os.fspath(group.inbox), device)
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[folder] = mount
        self.mounts.setdefault(device, mount)
        return mount


def _topmost(folder: str, root: str, device: int) -> str:
    """Return the topmost folder between `root` and `folder` that is on the device."""
    while folder != root:
        above = os.path.dirname(folder)
        try:
            if above == folder or os.stat(above).st_dev != device:  # noqa: PTH116 (text, for each folder)
                break
        except OSError:
            break
        folder = above
    return folder
