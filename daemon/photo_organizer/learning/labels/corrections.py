"""Noticing corrections between trainings: cheap where nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from photo_organizer.config import Configuration
from photo_organizer.learning.labels.label_store import LABELS, LabelStore, Provenance
from photo_organizer.learning.labels.labels import scan_library
from photo_organizer.library import Library


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """What waits for the next training, and for the owner.

    Attributes:
        new: labels that no training has seen, by provenance.
        found_folders: folders that the owner is to be asked about, with their photos.
    """

    new: Mapping[Provenance, int] = field(default_factory=dict)
    found_folders: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, store: LabelStore) -> LabelCounts:
        """Return the counts as the last scan left them, less what was learned since."""
        return cls(store.new_labels(), store.found_folders())

    @property
    def total(self) -> int:
        """Return how many new labels there are."""
        return sum(self.new.values())

    @property
    def corrections(self) -> int:
        """Return how many of them are photos that we filed, or put into Review, and the owner moved."""
        return self.new.get(Provenance.CORRECTED, 0) + self.new.get(Provenance.REVIEWED, 0)


def notice_corrections(config: Configuration) -> None:
    """Look through the folders of the library that changed, and put new corrections into the ledger.

    Raises:
        OrganizerError: the library is not there, or the state directory cannot be written.
    """
    with LabelStore(config.state_directory / LABELS) as store, closing(Library.open(config)) as library:
        now = datetime.now().astimezone()
        scan_library(config, store, library, now=now, progress=lambda _: None, folders=store.folders())
