"""What became of the photos, counted: for the summary, the histogram and the exit code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from photo_organizer.photo import Action

if TYPE_CHECKING:
    from photo_organizer.library import Filing, Placed

BINS = 10
MOST_TROUBLES_KEPT = 20
SOME_NOT_FILED = 3  # exit code


@dataclass(slots=True)
class FolderCount:
    """Photos for one folder, and the sum of their confidences."""

    photos: int = 0
    confidence: float = 0.0


@dataclass(slots=True)
class Tally:
    """Counts of photos; its size does not grow with their number."""

    actions: Counter[Action] = field(default_factory=Counter)
    folders: dict[tuple[Action, Path], FolderCount] = field(default_factory=dict)
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)
    left: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    not_filed: int = 0

    def placed(self, filing: Filing, placed: Placed) -> None:
        """Count a photo that was placed, or planned to be."""
        self.actions[placed.action] += 1
        count = self.folders.setdefault((placed.action, placed.destination.parent), FolderCount())
        count.photos += 1
        if filing.decision is not None:
            confidence = filing.decision.confidence
            count.confidence += confidence
            self.histogram[min(int(confidence * BINS), BINS - 1)] += 1

    def stays(self, reason: str) -> None:
        """Count a file that is left where it is on purpose: not a photo, or a duplicate to skip."""
        self.left[reason] += 1

    def fails(self, where: str, reason: str) -> None:
        """Count a photo that could not be filed."""
        self.not_filed += 1
        if len(self.troubles) < MOST_TROUBLES_KEPT:
            self.troubles.append(f"{where}: {reason}")

    @property
    def photos(self) -> int:
        """Return how many photos were placed."""
        return self.actions.total()

    @property
    def exit_code(self) -> int:
        """Return 0, or 3 when some photos could not be filed (quarantined ones count)."""
        return SOME_NOT_FILED if self.not_filed or self.actions[Action.QUARANTINED] else 0
