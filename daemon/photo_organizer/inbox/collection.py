"""What the inbox hands out, and what it knows to be lying there."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from photo_organizer.companions.late import LateCompanion
from photo_organizer.photo import AssetGroup


@dataclass(frozen=True, slots=True)
class Collection:
    """What `collect` found.

    Attributes:
        groups: complete and still; in flight from now on.
        more: whether another `collect` would bring more right away.
        late: companions that stand alone; their photo may have been filed before. They are not in flight.
    """

    groups: tuple[AssetGroup, ...] = ()
    more: bool = False
    late: tuple[LateCompanion, ...] = ()


class TroubleKind(StrEnum):
    """What a `Trouble` is about."""

    PHOTO = "photo"
    FOLDER = "folder"
    INBOX = "inbox"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that photos cannot be taken from, and why: "permission denied", "the folder is read-only"."""

    kind: TroubleKind
    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """What lies in the inboxes, for `status`.

    Attributes:
        ready: photos that can be collected, those not examined yet included.
        settling: groups that wait to be complete.
        changing: of these, such as were found changed again and again.
        in_flight: groups handed out.
        retrying: photos to be offered again later.
        incomplete: photos that wait for the rest of their file.
        originals: photos that stay since the library has a copy of them, or a link to them.
        not_images, orphans, videos: files that stay: other files, companions without a photo, videos alone.
        waiting_for_extra: photos that stay until an extra is installed, by extra.
        left: photos that stay for other reasons, by reason.
        missing: inboxes that are not there.
        troubled: photos, folders and inboxes that nothing can be taken from, a few of them by name.
        unreadable_folders: how many folders cannot be looked into.
        skipped_folders: folders that are left alone as another program's, or by a `.nophotos`; a few of them.
    """

    ready: int = 0
    settling: int = 0
    changing: int = 0
    in_flight: int = 0
    retrying: int = 0
    incomplete: int = 0
    originals: int = 0
    not_images: int = 0
    orphans: int = 0
    videos: int = 0
    waiting_for_extra: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    missing: tuple[Path, ...] = ()
    troubled: tuple[Trouble, ...] = ()
    unreadable_folders: int = 0
    skipped_folders: tuple[Path, ...] = ()
