"""Reports of the daemon on each photo: log messages, counts for the status, notifications and hooks."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from pathlib import Path

from photo_organizer.errors import printable
from photo_organizer.library import Filing, Placed
from photo_organizer.photo import Action, AssetGroup, Photo
from photo_organizer.service.integrations.desktop import DesktopNotifier
from photo_organizer.service.integrations.hook_events import HookEvents
from photo_organizer.vision.decision import shown

log = logging.getLogger("photo_organizer.filing")


class DaemonReporter:
    """Reports the results of the pipeline.

    Args:
        desktop: desktop notifications; None when disabled.
        hook_events: the hooks.

    `totals` counts photos by action. The daemon initialises it with the totals of the library.
    """

    def __init__(self, desktop: DesktopNotifier | None, hook_events: HookEvents) -> None:
        self.totals: Counter[Action] = Counter()
        self.desktop = desktop
        self.hook_events = hook_events
        self.last_photo_time: str | None = None
        self.last_error: str | None = None
        self.last_error_time: datetime | None = None
        self._batch: Counter[Action] = Counter()

    @property
    def filed_in_batch(self) -> int:
        """Return the number of photos filed since the inbox was last empty."""
        return self._batch.total()

    def placed(self, filing: Filing, placed: Placed) -> None:
        self.totals[placed.action] += 1
        self._batch[placed.action] += 1
        self.hook_events.placed(filing, placed)
        self.last_photo_time = datetime.now().astimezone().isoformat(timespec="seconds")
        name = printable(filing.group.photo.path.name)
        fields = {"PHOTO": printable(filing.group.photo.path), "DESTINATION": printable(placed.destination)}
        # the whole path of a template such as {category}/{camera}: its last folder alone says little
        is_planned = placed.action in {Action.FILED, Action.REVIEW}
        folder = printable(filing.folder if is_planned else placed.destination.parent.name)
        if placed.action is Action.QUARANTINED:
            log.warning("%s -> quarantine: %s", name, filing.reason, extra=fields)
            return
        if filing.decision is None or filing.prediction is None:  # a video, which is not classified
            log.info("%s -> %s", name, folder, extra=fields)
            return
        fields |= {
            "CATEGORY": filing.decision.category,
            "CONFIDENCE": f"{filing.decision.confidence:.4f}",
            "MODEL": filing.prediction.model,
        }
        confidence, threshold = shown(filing.decision.confidence, filing.decision.threshold)
        sure = f"{filing.decision.category} {confidence}"
        if placed.action is Action.REVIEW:
            sure += f", {filing.reason or f'threshold {threshold}'}"
        log.info("%s -> %s (%s)", name, folder, sure, extra=fields)

    def joined(self, companion: Photo, path: Path) -> None:
        log.info("%s moved to its photo in %s", printable(companion.path.name), printable(path.parent))

    def left(self, group: AssetGroup, reason: str) -> None:
        log.info(
            "%s left in the inbox: %s",
            printable(group.photo.path),
            reason,
            extra={"PHOTO": printable(group.photo.path)},
        )

    def incomplete(self, group: AssetGroup) -> None:
        log.info(
            "%s is incomplete: waiting for the rest",
            printable(group.photo.path),
            extra={"PHOTO": printable(group.photo.path)},
        )

    def set_aside(self, group: AssetGroup, reason: str) -> None:
        log.warning(
            "%s could not be filed, retrying later: %s",
            printable(group.photo.path),
            reason,
            extra={"PHOTO": printable(group.photo.path)},
        )
        self.failed(reason, kind="photo")

    def paused(self, reason: str) -> None:
        log.error("filing paused: %s", reason)
        self.failed(reason, kind="paused")

    def failed(self, reason: str, *, kind: str) -> None:
        """Record an error for the status, and run the hooks; see `HookEvents.error`."""
        self.last_error, self.last_error_time = reason, datetime.now().astimezone()
        self.hook_events.error(reason, kind=kind)

    def resumed(self) -> None:
        log.info("filing resumed")

    def batch_finished(self, batch: str | None) -> None:
        """Report a finished batch: the inbox is empty. Counting starts again.

        Args:
            batch: its id in the ledger.
        """
        self.hook_events.batch_finished(batch)
        if self._batch and self.desktop is not None:
            self.desktop.batch_finished(
                filed=self._batch[Action.FILED] + self._batch[Action.DUPLICATE],
                review=self._batch[Action.REVIEW],
                quarantined=self._batch[Action.QUARANTINED],
            )
        self._batch.clear()

    def close(self) -> None:
        """Close the desktop notifier."""
        if self.desktop is not None:
            self.desktop.close()
