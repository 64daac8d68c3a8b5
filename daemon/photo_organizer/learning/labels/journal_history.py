"""What the journal says about the files in the library, as far as labels are concerned."""

from __future__ import annotations

import os
from collections import ChainMap, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from photo_organizer.library import Library, MovedFile
from photo_organizer.photo import Action, FileIdentity


@dataclass(frozen=True, slots=True)
class Filed:
    """How a photo was filed last.

    Args:
        path: where it was put, as the kernel has it.
        category: the one it was filed in; None when it went to Review.
        corrected_to: the owner's category, as the ledger has it; None when it has no correction since.
    """

    path: bytes
    category: str | None
    corrected_to: str | None = None

    @property
    def in_review(self) -> bool:
        """Return whether it was put into Review."""
        return self.category is None


@dataclass(frozen=True, slots=True)
class MovedPhoto:
    """A photo as it was before it was moved to its place."""

    sha256: str
    identity: FileIdentity


@dataclass(slots=True)
class JournalHistory:
    """All that the journal has of photos and companions.

    Attributes:
        filed: how each photo was filed last, by sha256.
        filed_below: the same for each library by itself, by the path of the library.
        photos, companions: the files that were moved as a photo, and as the companion of one, by the path at
            which they were put.
        categories: those in which photos were filed.
        taken_back: where companions were put that undo has moved back since.
        own_folders: folders of the library in which photos to review, duplicates or videos were put.
    """

    filed: dict[str, Filed] = field(default_factory=dict)
    filed_below: defaultdict[bytes, dict[str, Filed]] = field(default_factory=lambda: defaultdict(dict))
    photos: dict[bytes, MovedPhoto] = field(default_factory=dict)
    companions: dict[bytes, FileIdentity] = field(default_factory=dict)
    taken_back: set[bytes] = field(default_factory=set)
    categories: set[str] = field(default_factory=set)
    own_folders: set[str] = field(default_factory=set)

    def add(self, file: MovedFile) -> None:
        """Take in the next file; the last one that was put at a path counts."""
        if file.is_taken_back:
            if file.is_companion:
                self.taken_back.add(file.path)
            return
        if file.is_companion:
            self.photos.pop(file.path, None)
            self.companions[file.path] = file.identity
            return
        self.companions.pop(file.path, None)
        self.photos[file.path] = MovedPhoto(file.sha256, file.identity)
        if file.kind == Action.CORRECTED:
            self._add_correction(file)
        else:
            self._add_filing(file)

    def filed_in(self, library: Path) -> Mapping[str, Filed]:
        """Return how each photo was filed last: in this library, or in any where that is not known."""
        return ChainMap(self.filed_below[os.fsencode(library)], self.filed)

    def _add_correction(self, file: MovedFile) -> None:
        for filed in (self.filed, self.filed_below[file.path[: file.root]]):
            if file.sha256 in filed:
                filed[file.sha256] = replace(filed[file.sha256], corrected_to=file.label)

    def _add_filing(self, file: MovedFile) -> None:
        if file.kind == Action.FILED and file.category:
            self._note(file, Filed(file.path, file.category))
            self.categories.add(file.category)
            return
        if file.kind == Action.REVIEW:
            self._note(file, Filed(file.path, None))
        self.own_folders.update(file.folder.parts[:1])

    def _note(self, file: MovedFile, filed: Filed) -> None:
        self.filed[file.sha256] = filed
        self.filed_below[file.path[: file.root]][file.sha256] = filed


def read_history(library: Library) -> JournalHistory:
    """Return what the journal of `library` has, by one query."""
    history = JournalHistory()
    for file in library.moved_files():
        history.add(file)
    return history
