"""The library's journal as learning asks it: the one place in which learning meets that room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from photo_organizer import library
from photo_organizer.learning.labels.labels import Correction, Filed
from photo_organizer.photo import Action


class LibraryHistory:
    """Implements `labels.FilingHistory` with an open library."""

    def __init__(self, opened: library.Library) -> None:
        self._library = opened

    def filed(self) -> Iterable[Filed]:
        """Each photo that was filed or put into Review and not taken back, as it was last."""
        newest: dict[str, Filed] = {}
        for event in self._library.events():
            if event.undone or event.action not in {Action.FILED, Action.REVIEW}:
                continue
            in_review = event.action == Action.REVIEW
            category = None if in_review else event.details.category
            newest[event.sha256] = Filed(event.sha256, event.destination, category, in_review)
        return newest.values()

    def correct(self, corrections: Sequence[Correction]) -> None:
        """Appends `corrected` rows; those that the ledger has already are passed over."""
        self._library.correct(
            [library.Correction(it.sha256, it.source, it.destination, it.category) for it in corrections]
        )
