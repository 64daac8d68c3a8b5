"""A companion whose photo is not there: it may have been filed before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from photo_organizer.companions.names import companion_keys, photo_keys
from photo_organizer.photo import Photo


@dataclass(frozen=True, slots=True)
class LateCompanion:
    """A companion that has been alone for a while in a folder of `inbox`."""

    companion: Photo
    inbox: Path

    def fits(self, photo_name: str) -> bool:
        """Whether it belongs to a photo that had this name, in the same folder."""
        return not set(photo_keys(photo_name)).isdisjoint(companion_keys(self.companion.path.name))
