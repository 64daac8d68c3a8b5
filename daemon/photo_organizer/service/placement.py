"""From a prediction to a folder: the configuration's thresholds and folder template, and the model's own
thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from photo_organizer.companions.kinds import Kind, kind_of
from photo_organizer.config import Configuration
from photo_organizer.config.folders import FolderTemplate
from photo_organizer.library import Filing
from photo_organizer.photo import Action, AssetGroup, Prediction
from photo_organizer.vision.decision import decide


@dataclass(frozen=True, slots=True)
class Placement:
    """Says of each photo where it belongs.

    Args:
        configuration: thresholds, review folder and folder template.
        template: the folder template, parsed once.
        suggested: the thresholds that the model's own evaluation suggests, by category and "default".
    """

    configuration: Configuration
    template: FolderTemplate
    suggested: Mapping[str, float]

    @classmethod
    def by(cls, configuration: Configuration, suggested: Mapping[str, float]) -> Placement:
        return cls(configuration, configuration.folder_template, suggested)

    def of_classified(self, group: AssetGroup, prediction: Prediction) -> Filing:
        """In its category's folder, or in the review folder when the model is not sure enough."""
        decision = decide(prediction, self.configuration.thresholds, dict(self.suggested))
        if decision.action is Action.REVIEW:
            return Filing(group, Action.REVIEW, self.configuration.review, prediction, decision)
        folder = self.template.render(
            category=decision.category,
            taken=prediction.taken,
            modified=datetime.fromtimestamp(group.photo.identity.mtime_ns / 1e9),
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
