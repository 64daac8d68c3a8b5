"""From a prediction to a folder: the configuration's thresholds and folder template, and the model's own
thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from photo_organizer.companions.kinds import Kind, kind_of
from photo_organizer.config import Configuration
from photo_organizer.config.folders import FolderTemplate
from photo_organizer.library import Filing
from photo_organizer.photo import Action, AssetGroup, Photo, Prediction
from photo_organizer.vision.decision import decide

_ZEROS = frozenset({0.0, -(2.0**31)})
"""Of Unix, and what ext4 and others make of a time that is too early for them."""

_ZERO_OF_FAT = datetime(1980, 1, 1)


@dataclass(frozen=True, slots=True)
class Placement:
    """Says of each photo where it belongs.

    Args:
        configuration: thresholds, review folder and folder template.
        template: the folder template, parsed once.
        suggested: the thresholds that the model's own evaluation suggests, by category and "default".
        categories: those that photos are filed in.
    """

    configuration: Configuration
    template: FolderTemplate
    suggested: Mapping[str, float]
    categories: frozenset[str]

    @classmethod
    def by(
        cls,
        configuration: Configuration,
        suggested: Mapping[str, float],
        categories: Sequence[str] | None = None,
    ) -> Placement:
        """Return the placement of a configuration, by default with the categories that it lists."""
        filed_in = frozenset(configuration.categories if categories is None else categories)
        return cls(configuration, configuration.folder_template, suggested, filed_in)

    def of_classified(self, group: AssetGroup, prediction: Prediction) -> Filing:
        """In its category's folder, or in the review folder when the model is not sure enough."""
        thresholds = self.configuration.thresholds
        decision = decide(prediction, thresholds, dict(self.suggested), self.categories)
        if decision.action is Action.REVIEW:
            is_one = decision.category in self.categories
            reason = "" if is_one else f"{decision.category} is not a category of the configuration"
            return Filing(group, Action.REVIEW, self.configuration.review, prediction, decision, reason)
        folder = self.template.render(
            category=decision.category,
            taken=prediction.taken,
            modified=_modified(group.photo),
            camera=prediction.camera,
            inbox=group.inbox,
            name=group.photo.path.name,
        )
        return Filing(group, Action.FILED, folder, prediction, decision)

    def is_video(self, group: AssetGroup) -> bool:
        """Whether it is a video that belongs to no photo; such go to a folder of their own, unseen by the
        model.
        """
        return kind_of(group.photo.path.name) is Kind.VIDEO

    def of_video(self, group: AssetGroup) -> Filing:
        """In the folder for videos. The inbox offers them only when there is one."""
        return Filing(group, Action.FILED, self.configuration.videos or self.configuration.review, None, None)

    def of_unreadable(self, group: AssetGroup, reason: str) -> Filing:
        """In quarantine, with the reason beside it."""
        return Filing(group, Action.QUARANTINED, "", None, None, reason)


def _modified(photo: Photo) -> datetime | None:
    """Return when the photo was last modified; None for the zero of a clock, or a time outside of all
    calendars.
    """
    seconds = photo.identity.mtime_ns / 1e9
    if seconds in _ZEROS:
        return None
    try:
        modified = datetime.fromtimestamp(seconds)
    except (OverflowError, ValueError, OSError):
        return None
    return None if modified == _ZERO_OF_FAT else modified
