"""From a prediction to a folder: by the rules of the photo's inbox, and the model's own thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from photo_organizer.companions.kinds import Kind, kind_of
from photo_organizer.config import Configuration
from photo_organizer.config.inboxes import FilingRules
from photo_organizer.library import Filing, TransferMode
from photo_organizer.photo import Action, AssetGroup, Photo, Prediction
from photo_organizer.vision.decision import decide

_ZEROS = frozenset({0.0, -(2.0**31)})
"""Of Unix, and what ext4 and others make of a time that is too early for them."""

_ZERO_OF_FAT = datetime(1980, 1, 1)


@dataclass(frozen=True, slots=True)
class PlacementRules:
    """By what the photos of an inbox are filed.

    Args:
        filing: as configured.
        categories: those that they are filed in.
        transfer_mode: how they come into the library.
    """

    filing: FilingRules
    categories: frozenset[str]
    transfer_mode: TransferMode

    @property
    def whose(self) -> str:
        """Whose categories they are, for a reason."""
        return "of the configuration" if self.filing.categories is None else "of this inbox"

    def applied_to(self, filing: Filing) -> Filing:
        """Return `filing` with the library, the rule for duplicates and the transfer mode."""
        rules = self.filing
        return replace(
            filing, library=rules.library, duplicates=rules.duplicates, transfer_mode=self.transfer_mode
        )


@dataclass(frozen=True, slots=True)
class Placement:
    """Says of each photo where it belongs.

    Args:
        configuration: the names of the review folder and of the folder for videos.
        suggested: the thresholds that the model's own evaluation suggests, by category and "default".
        general: the rules for photos that come through no inbox.
        by_inbox: the rules of each inbox, by its folder.
    """

    configuration: Configuration
    suggested: Mapping[str, float]
    general: PlacementRules
    by_inbox: Mapping[Path, PlacementRules]

    @classmethod
    def by(
        cls,
        configuration: Configuration,
        suggested: Mapping[str, float],
        categories: Sequence[str] | None = None,
    ) -> Placement:
        """Return the placement of a configuration.

        Args:
            configuration: whose rules.
            suggested: see the class.
            categories: those that photos are filed in where an inbox does not list its own; by default those
                that the configuration lists.
        """
        general = frozenset(configuration.categories if categories is None else categories)

        def resolved(rules: FilingRules) -> PlacementRules:
            own = general if rules.categories is None else frozenset(rules.categories)
            return PlacementRules(rules, own, TransferMode(rules.action))

        by_inbox = {inbox.path: resolved(configuration.rules_of(inbox)) for inbox in configuration.inboxes}
        return cls(configuration, suggested, resolved(configuration.general_rules), by_inbox)

    def rules_for(self, group: AssetGroup) -> PlacementRules:
        """Return the rules by which a photo is filed: those of the inbox that it is in."""
        if (rules := self.by_inbox.get(group.inbox)) is not None:
            return rules
        folders = group.photo.path.parents
        return next((self.by_inbox[folder] for folder in folders if folder in self.by_inbox), self.general)

    def of_classified(self, group: AssetGroup, prediction: Prediction) -> Filing:
        """In its category's folder, or in the review folder when the model is not sure enough."""
        rules = self.rules_for(group)
        decision = decide(prediction, rules.filing.thresholds, dict(self.suggested), rules.categories)
        if decision.action is Action.REVIEW:
            is_one = decision.category in rules.categories
            reason = "" if is_one else f"{decision.category} is not a category {rules.whose}"
            review = Filing(group, Action.REVIEW, self.configuration.review, prediction, decision, reason)
            return rules.applied_to(review)
        folder = rules.filing.template.render(
            category=decision.category,
            taken=prediction.taken,
            modified=_modified(group.photo),
            camera=prediction.camera,
            inbox=group.inbox,
            name=group.photo.path.name,
        )
        return rules.applied_to(Filing(group, Action.FILED, folder, prediction, decision))

    def is_video(self, group: AssetGroup) -> bool:
        """Whether it is a video that belongs to no photo; such go to a folder of their own, unseen by the
        model.
        """
        return kind_of(group.photo.path.name) is Kind.VIDEO

    def of_video(self, group: AssetGroup) -> Filing:
        """In the folder for videos. The inbox offers them only when there is one."""
        folder = self.configuration.videos or self.configuration.review
        return self.rules_for(group).applied_to(Filing(group, Action.FILED, folder))

    def of_unreadable(self, group: AssetGroup, reason: str) -> Filing:
        """In quarantine, with the reason beside it."""
        return self.rules_for(group).applied_to(Filing(group, Action.QUARANTINED, reason=reason))


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
