"""Keep the search index up to date, so that searches do not have to. Failures affect nothing else."""

from __future__ import annotations

import logging

from photo_organizer.errors import OrganizerError
from photo_organizer.library import Library

log = logging.getLogger(__name__)

_AT_ONCE = 2000  # operations at a time, about 50 ms


class SearchUpkeep:
    """Indexes new photos, some at a time, when there is nothing else to do."""

    def __init__(self) -> None:
        self.is_due = True
        self._has_failed = False

    def step(self, library: Library) -> None:
        """Index the next photos; `is_due` then says whether there are more."""
        try:
            self.is_due = library.index_for_search(_AT_ONCE)
            self._has_failed = False
        except OrganizerError as error:
            self.is_due = False
            if not self._has_failed:
                log.warning("%s", error)
            self._has_failed = True


def index_all(library: Library) -> None:
    """Index all new photos, at the end of a command that filed photos."""
    upkeep = SearchUpkeep()
    while upkeep.is_due:
        upkeep.step(library)
