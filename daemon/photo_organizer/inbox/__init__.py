"""Watching the inboxes, and waiting until photos are complete; each is offered once.

`Inbox` is for the daemon, `find_groups` for `sort`.
"""

from photo_organizer.companions.late import LateCompanion
from photo_organizer.inbox.collection import Collection, InboxCounts, Trouble, TroubleKind
from photo_organizer.inbox.folder_state import WatchedFolder
from photo_organizer.inbox.inbox import Inbox, WatchSettings
from photo_organizer.inbox.path_scan import Skipped, find_groups
from photo_organizer.inbox.readiness.transfers import is_being_transferred

__all__ = [
    "Collection",
    "Inbox",
    "InboxCounts",
    "LateCompanion",
    "Skipped",
    "Trouble",
    "TroubleKind",
    "WatchSettings",
    "WatchedFolder",
    "find_groups",
    "is_being_transferred",
]
