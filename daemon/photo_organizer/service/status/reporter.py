"""What the daemon tells about each photo: a log line with fields, the counts of the status, a message a
batch.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from pathlib import Path

from photo_organizer.errors import printable
from photo_organizer.library import Filing, Placed
from photo_organizer.photo import Action, AssetGroup, Photo
from photo_organizer.service.integrations.desktop import DesktopNotifier
from photo_organizer.service.integrations.news import News
from photo_organizer.vision.decision import shown

log = logging.getLogger("photo_organizer.filing")


class DaemonReporter:
    """Hears from the pipeline what became of each photo.

    Args:
        desktop: who tells the person in front of the screen, if anybody.
        news: what tells the hooks.

    `totals` counts photos by action, over all runs once the library has told what was before this one.
    """

    def __init__(self, desktop: DesktopNotifier | None, news: News) -> None:
        self.totals: Counter[Action] = Counter()
        self.desktop = desktop
        self.news = news
        self.last_photo_time: str | None = None
        self.last_error: str | None = None
        self.last_error_time: datetime | None = None
        self._burst: Counter[Action] = Counter()

    @property
    def filed_in_burst(self) -> int:
        """Photos that have left the inbox since it was last empty."""
        return self._burst.total()

    def placed(self, filing: Filing, placed: Placed) -> None:
        self.totals[placed.action] += 1
        self._burst[placed.action] += 1
        self.news.placed(filing, placed)
        self.last_photo_time = datetime.now().astimezone().isoformat(timespec="seconds")
        name = printable(filing.group.photo.path.name)
        fields = {"PHOTO": printable(filing.group.photo.path), "DESTINATION": printable(placed.destination)}
        # of a template such as {category}/{camera} all of it: its last folder alone says little
        is_planned = placed.action in {Action.FILED, Action.REVIEW}
        folder = printable(filing.folder if is_planned else placed.destination.parent.name)
        if placed.action is Action.QUARANTINED:
            log.warning("%s -> quarantine: %s", name, filing.reason, extra=fields)
            return
        if filing.decision is None or filing.prediction is None:  # a video, which nobody looked at
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
        log.info("%s joins its photo in %s", printable(companion.path.name), printable(path.parent))

    def left(self, group: AssetGroup, reason: str) -> None:
        log.info(
            "%s stays in the inbox: %s",
            printable(group.photo.path),
            reason,
            extra={"PHOTO": printable(group.photo.path)},
        )

    def incomplete(self, group: AssetGroup) -> None:
        log.info(
            "%s is not whole: waiting for the rest",
            printable(group.photo.path),
            extra={"PHOTO": printable(group.photo.path)},
        )

    def set_aside(self, group: AssetGroup, reason: str) -> None:
        log.warning(
            "%s is tried again later: %s",
            printable(group.photo.path),
            reason,
            extra={"PHOTO": printable(group.photo.path)},
        )
        self.failed(reason, kind="photo")

    def paused(self, reason: str) -> None:
        log.error("paused: %s", reason)
        self.failed(reason, kind="paused")

    def failed(self, reason: str, *, kind: str) -> None:
        """Something went wrong: for the status and the hooks; see `News.error`."""
        self.last_error, self.last_error_time = reason, datetime.now().astimezone()
        self.news.error(reason, kind=kind)

    def resumed(self) -> None:
        log.info("filing again")

    def burst_is_over(self, batch: str | None) -> None:
        """The inbox is empty: one message about the whole batch, and the count begins anew.

        Args:
            batch: its id in the ledger.
        """
        self.news.batch_is_over(batch)
        if self._burst and self.desktop is not None:
            self.desktop.batch_finished(
                filed=self._burst[Action.FILED] + self._burst[Action.DUPLICATE],
                review=self._burst[Action.REVIEW],
                quarantined=self._burst[Action.QUARANTINED],
            )
        self._burst.clear()

    def close(self) -> None:
        """Nothing more will be told."""
        if self.desktop is not None:
            self.desktop.close()
