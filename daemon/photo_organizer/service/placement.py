"""Decide the folder of a photo from its prediction, the thresholds and the folder template."""

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
"""The Unix epoch, and the earliest time that ext4 and others store."""

_ZERO_OF_FAT = datetime(1980, 1, 1)


@dataclass(frozen=True, slots=True)
class Placement:
    """Decides where each photo is filed.

    Args:
        configuration: thresholds, review folder and folder template.
        template: the folder template, parsed once.
        suggested: the thresholds from the model's evaluation, by category and "default".
        categories: the categories that photos are filed in.
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
        """Return the placement for a configuration; `categories` defaults to those that it lists."""
        filed_in = frozenset(configuration.categories if categories is None else categories)
        return cls(configuration, configuration.folder_template, suggested, filed_in)

    def of_classified(self, group: AssetGroup, prediction: Prediction) -> Filing:
        """Return a filing in the category's folder, or in the review folder if the confidence is too low."""
        thresholds = self.configuration.thresholds
        decision = decide(prediction, thresholds, dict(self.suggested), self.categories)
        if decision.action is Action.REVIEW:
            is_known = decision.category in self.categories
            reason = "" if is_known else f"{decision.category} is not a category of the configuration"
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
        """Return whether the group is a video without a photo, which is filed without classifying it."""
        return kind_of(group.photo.path.name) is Kind.VIDEO

    def of_video(self, group: AssetGroup) -> Filing:
        """Return a filing in the folder for videos; the inbox offers videos only if there is one."""
        return Filing(group, Action.FILED, self.configuration.videos or self.configuration.review, None, None)

    def of_unreadable(self, group: AssetGroup, reason: str) -> Filing:
        """Return a filing in quarantine, with the reason in a file beside it."""
        return Filing(group, Action.QUARANTINED, "", None, None, reason)


def _modified(photo: Photo) -> datetime | None:
    """Return when the photo was last modified; None for the zero of a clock or a time out of range."""
    seconds = photo.identity.mtime_ns / 1e9
    if seconds in _ZEROS:
        return None
    try:
        modified = datetime.fromtimestamp(seconds)
    except (OverflowError, ValueError, OSError):
        return None
    return None if modified == _ZERO_OF_FAT else modified
