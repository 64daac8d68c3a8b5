"""Decide the folder of a photo from its prediction and the rules of its inbox."""

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
"""The Unix epoch, and the earliest time that ext4 and others store."""

_ZERO_OF_FAT = datetime(1980, 1, 1)


@dataclass(frozen=True, slots=True)
class PlacementRules:
    """The rules for filing the photos of an inbox.

    Args:
        filing: the configured rules.
        categories: the categories that they are filed in.
        transfer_mode: whether they are moved, copied or linked to the library.
    """

    filing: FilingRules
    categories: frozenset[str]
    transfer_mode: TransferMode

    @property
    def whose(self) -> str:
        """Return whose categories they are, for messages."""
        return "of the configuration" if self.filing.categories is None else "of this inbox"

    def applied_to(self, filing: Filing) -> Filing:
        """Return `filing` with the library, the rule for duplicates and the transfer mode."""
        rules = self.filing
        return replace(
            filing, library=rules.library, duplicates=rules.duplicates, transfer_mode=self.transfer_mode
        )


@dataclass(frozen=True, slots=True)
class Placement:
    """Decides where each photo is filed.

    Args:
        configuration: the names of the review folder and of the folder for videos.
        suggested: the thresholds from the model's evaluation, by category and "default".
        general: the rules for photos that are not in an inbox.
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
            configuration: the configuration.
            suggested: see the class.
            categories: the categories of inboxes without their own; by default those of the configuration.
        """
        general = frozenset(configuration.categories if categories is None else categories)

        def resolved(rules: FilingRules) -> PlacementRules:
            own = general if rules.categories is None else frozenset(rules.categories)
            return PlacementRules(rules, own, TransferMode(rules.action))

        by_inbox = {inbox.path: resolved(configuration.rules_of(inbox)) for inbox in configuration.inboxes}
        return cls(configuration, suggested, resolved(configuration.general_rules), by_inbox)

    def rules_for(self, group: AssetGroup) -> PlacementRules:
        """Return the rules for a photo: those of the inbox that it is in."""
        if (rules := self.by_inbox.get(group.inbox)) is not None:
            return rules
        folders = group.photo.path.parents
        return next((self.by_inbox[folder] for folder in folders if folder in self.by_inbox), self.general)

    def of_classified(self, group: AssetGroup, prediction: Prediction) -> Filing:
        """Return a filing in the category's folder, or in the review folder if the confidence is too low."""
        rules = self.rules_for(group)
        decision = decide(prediction, rules.filing.thresholds, dict(self.suggested), rules.categories)
        if decision.action is Action.REVIEW:
            is_known = decision.category in rules.categories
            reason = "" if is_known else f"{decision.category} is not a category {rules.whose}"
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
        """Return whether the group is a video without a photo, which is filed without classifying it."""
        return kind_of(group.photo.path.name) is Kind.VIDEO

    def of_video(self, group: AssetGroup) -> Filing:
        """Return a filing in the folder for videos; the inbox offers videos only if there is one."""
        folder = self.configuration.videos or self.configuration.review
        return self.rules_for(group).applied_to(Filing(group, Action.FILED, folder))

    def of_unreadable(self, group: AssetGroup, reason: str) -> Filing:
        """Return a filing in quarantine, with the reason in a file beside it."""
        return self.rules_for(group).applied_to(Filing(group, Action.QUARANTINED, reason=reason))


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
