"""What the page does with photos: it lists them, moves them, and takes moves back, by the library."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from photo_organizer.config import Configuration
from photo_organizer.errors import printable
from photo_organizer.library import Library, MoveReport, PlacedPhoto, Selection, UndoReport
from photo_organizer.photo import FileIdentity
from photo_organizer.service.requests.owner_moves import Categories, OwnerMovePlanner, WantedPhoto, read_exif
from photo_organizer.web.services.photos import KnownPhoto, ShownPhoto, ShownPhotos
from photo_organizer.web.services.review_list import ReviewList

_MOST_FILED = 600
_MOST_CONFIDENCES = 20_000


@dataclass(frozen=True, slots=True)
class PhotoService:
    """Lists and moves photos for the page. Call its methods in a library's thread.

    Args:
        configuration: whose library.
    """

    configuration: Configuration
    shown: ShownPhotos = field(default_factory=ShownPhotos)
    waiting: ReviewList = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "waiting", ReviewList(self.configuration, self.shown))

    def categories(self) -> list[str]:
        """Return the categories that photos can be filed in."""
        return Categories(self.configuration).names()

    def file(self, library: Library, names: Sequence[str], category: str) -> dict[str, Any]:
        """Move photos to a category, in one batch.

        Raises:
            OrganizerError: an id or the category is not known.
        """
        photos = self.shown.get_all(names)
        changed = [photo for photo in photos if not _is_as_shown(photo)]
        still = [photo for photo in photos if photo not in changed]
        exact = Categories(self.configuration).make(category)
        planner = OwnerMovePlanner(
            self.configuration, library, lambda found: read_exif(self.configuration, found)
        )
        plan = planner.plan([WantedPhoto(photo.photo.path, photo.sha256) for photo in still], exact)
        report = library.move(plan.moves) if plan.moves else MoveReport("")
        reasons = {path: error.what for path, error in (*plan.refused, *report.refused)}
        refused = [
            *((photo, "no longer there, or changed since you saw it") for photo in changed),
            *((photo, reasons[photo.photo.path]) for photo in still if photo.photo.path in reasons),
        ]
        if report.pause is not None:
            done = {moved.source for moved in report.moved}
            refused += [
                (photo, str(report.pause))
                for photo in still
                if photo.photo.path not in done and photo.photo.path not in reasons
            ]
        moved = {moved.source: moved for moved in report.moved}
        gone = [photo for photo in still if photo.photo.path in moved]
        now = [self._show_again(moved[photo.photo.path].destination, photo) for photo in gone]
        self.waiting.remove([photo.id for photo in gone])
        self.waiting.remove([photo.id for photo in changed])
        return {
            "batch": report.batch,
            "category": exact,
            "moved": [photo.id for photo in gone],
            "now": {
                before.id: after.id for before, after in zip(gone, now, strict=True) if after is not None
            },
            "refused": [_refusal(photo, reason) for photo, reason in refused],
        }

    def undo(self, library: Library, batch: str) -> dict[str, Any]:
        """Undo a batch.

        Raises:
            NothingToUndoError: nothing of it is left to be taken back.
        """
        report = library.undo(Selection(batch=batch))
        back = self._back_in_review(library, report)
        self.waiting.add(back)
        return {
            "undone": len(report.undone),
            "photos": {photo.id: photo.to_json() for photo in back},
            "refused": [
                {"name": printable(step.source.name), "reason": error.what} for step, error in report.refused
            ],
        }

    def filed(self, library: Library, category: str | None, batch: str | None) -> dict[str, Any]:
        """Return what was filed lately and is still there, least sure first."""
        found = []
        for placed in library.filed_lately(_MOST_FILED * (4 if category else 1), batch):
            photo = self._seen(placed)
            name = self._category_of(placed.place)
            if photo is None or name is None:
                continue
            if category and name != category:
                continue
            found.append((placed, photo, name))
            if len(found) >= _MOST_FILED:
                break
        found.sort(key=lambda item: _confidence(item[0], item[2]))
        return {
            "photos": [
                {
                    "id": photo.id,
                    **photo.to_json(),
                    "category": name,
                    "confidence": _confidence(placed, name),
                    "batch": placed.event.batch,
                    "by": "you" if placed.event.action == "corrected" else "model",
                }
                for placed, photo, name in found
            ]
        }

    def confidences(self, library: Library) -> list[float]:
        """Return the model's confidence in each photo filed or reviewed lately."""
        return [
            round(placed.details.confidence, 4)
            for placed in library.classified_lately(_MOST_CONFIDENCES)
            if placed.details.confidence is not None
        ]

    def labels_of(self, names: Sequence[str]) -> dict[str, str]:
        """Return the category of each photo by SHA-256; photos outside the categories are left out.

        Raises:
            UnknownPhotoError: an id is not known.
        """
        labels = {}
        for photo in self.shown.get_all(names):
            name = self._category_of(photo.photo.path)
            if photo.sha256 and name is not None and _is_as_shown(photo):
                labels[photo.sha256] = name
        return labels

    def _category_of(self, photo: Path) -> str | None:
        """The category in whose folder a photo lies, in whichever library; None where it lies in none."""
        library = self.configuration.library_of(photo)
        if library is None:
            return None
        template = self.configuration.library_template(library)
        return template.category_of(photo.parent.relative_to(library))

    def _back_in_review(self, library: Library, report: UndoReport) -> list[ShownPhoto]:
        below = [step.destination for step in report.undone if self._is_in_review(step.destination)]
        if not below:
            return []
        known = self.waiting.known(library)
        photos = []
        for path in below:
            with contextlib.suppress(OSError):  # gone again
                photos.append(self.shown.show(path, path.lstat(), known.get(os.fsencode(path))))
        return photos

    def _is_in_review(self, path: Path) -> bool:
        return self.waiting.is_inside(path)

    def _seen(self, placed: PlacedPhoto) -> ShownPhoto | None:
        try:
            status = placed.place.lstat()
        except OSError:
            return None
        photo = self.shown.show(placed.place, status, KnownPhoto.of(placed))
        return photo if photo.sha256 else None

    def _show_again(self, path: Path, before: ShownPhoto) -> ShownPhoto | None:
        """Return the photo at its new place, so that it can be shown and moved again."""
        try:
            return self.shown.show_as(path, path.lstat(), before)
        except OSError:
            return None


def _is_as_shown(photo: ShownPhoto) -> bool:
    try:
        return FileIdentity.of(photo.photo.path.lstat()) == photo.photo.identity
    except OSError:
        return False


def _refusal(photo: ShownPhoto, reason: str) -> dict[str, Any]:
    """Return why a photo was not moved; `gone` when it no longer exists under this id."""
    name = printable(photo.photo.path.name)
    return {"id": photo.id, "name": name, "reason": reason, "gone": not _is_as_shown(photo)}


def _confidence(placed: PlacedPhoto, category: str) -> float:
    """Return how sure the model is of the category that the photo is in."""
    details = placed.details
    pairs: Iterable[tuple[str, float]] = zip(details.categories, details.probabilities, strict=True)
    return round(dict(pairs).get(category, 0.0), 4)
