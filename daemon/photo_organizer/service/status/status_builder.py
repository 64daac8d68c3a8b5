"""Putting together what `status.json` and `systemctl status` say, from what each room says of itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from photo_organizer import __version__
from photo_organizer.config import Configuration
from photo_organizer.errors import printable
from photo_organizer.inbox import Trouble
from photo_organizer.photo import Action
from photo_organizer.service.requests.owner_pause import OwnerPause
from photo_organizer.service.retraining import Training
from photo_organizer.service.runtime import Runtime
from photo_organizer.service.status.reporter import DaemonReporter
from photo_organizer.service.status.status_file import DaemonState, Status


@dataclass(frozen=True, slots=True)
class StatusBuilder:
    """What the daemon is at, as a whole.

    Args:
        configuration: as it is in force.
        since: when the daemon began, ISO 8601.
        reporter: the counts.
        training: the schedule.
    """

    configuration: Configuration
    since: str
    reporter: DaemonReporter
    training: Training

    def status(
        self,
        runtime: Runtime | None,
        *,
        phase: DaemonState | None,
        config_error: str | None,
        owner_pause: OwnerPause | None = None,
    ) -> Status:
        """The status now.

        Args:
            runtime: None while they are being opened.
            phase: starting or stopping; None in between.
            config_error: why the last change of the configuration was refused.
            owner_pause: the pause that the owner asked for.
        """
        counts = runtime.inbox.counts if runtime else None
        under_way = runtime.pipeline.under_way if runtime else 0
        pause = runtime.pipeline.pause if runtime else None
        reason = pause.reason if pause else str(owner_pause) if owner_pause else self._obstacle()
        queued = under_way + (counts.ready if counts else 0)
        resting = DaemonState.PAUSED if reason else DaemonState.WORKING if queued else DaemonState.IDLE
        totals = self.reporter.totals
        moment = self.training.next_time
        return Status(
            pid=os.getpid(),
            version=__version__,
            state=phase or resting,
            since=self.since,
            model=runtime.model_id if runtime else None,
            engine=(runtime.vision.engine_name or None) if runtime else None,
            queued=queued,
            filed_total=totals[Action.FILED],
            review_total=totals[Action.REVIEW],
            quarantined_total=totals[Action.QUARANTINED],
            duplicate_total=totals[Action.DUPLICATE],
            last_photo_time=self.reporter.last_photo_time,
            last_error=self.reporter.last_error,
            next_retraining=_iso(moment),
            reason=reason,
            paused_by_owner=pause is None and owner_pause is not None,
            paused_until=_iso(owner_pause.until) if owner_pause else None,
            config=os.fspath(self.configuration.path),
            config_error=config_error,
            settling=counts.settling if counts else 0,
            unsettled=counts.changing if counts else 0,
            retrying=counts.retrying if counts else 0,
            incomplete=counts.incomplete if counts else 0,
            left_alone=sum(counts.left.values()) if counts else 0,
            originals=counts.originals if counts else 0,
            skipped_folders=tuple(map(printable, counts.skipped_folders)) if counts else (),
            not_images=counts.not_images if counts else 0,
            orphans=counts.orphans if counts else 0,
            videos=counts.videos if counts else 0,
            waiting_for_extra=dict(counts.waiting_for_extra) if counts else {},
            missing_inboxes=tuple(os.fspath(folder) for folder in counts.missing) if counts else (),
            troubled=(*self._missing_libraries(), *(map(_named, counts.troubled) if counts else ())),
            unreadable_folders=counts.unreadable_folders if counts else 0,
            vision_loaded=runtime.vision.ready if runtime else False,
            vision_confinement=(runtime.vision.confinement or None) if runtime else None,
            training=self.training.progress,
            new_corrections=self.training.labels.corrections,
            new_labels={provenance.value: count for provenance, count in self.training.labels.new.items()},
            found_folders=dict(self.training.labels.found_folders),
            retraining_postponed=self.training.blocked_reason,
            last_retraining=self.training.last_result,
        )

    def _obstacle(self) -> str | None:
        """What the first photo would be stopped by, told before one comes."""
        libraries = self.configuration.libraries
        if any(library.is_dir() for library in libraries):
            return None
        return f"the library {printable(libraries[0])} is not there"

    def _missing_libraries(self) -> Iterator[Mapping[str, str]]:
        """Yield the libraries that are not there, for `troubled`."""
        if len(self.configuration.libraries) > 1:
            for library in self.configuration.libraries:
                if not library.is_dir():
                    yield {"kind": "library", "path": printable(library), "reason": "it is not there"}


def _named(trouble: Trouble) -> Mapping[str, str]:
    return {"kind": trouble.kind, "path": printable(trouble.path), "reason": trouble.reason}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="minutes") if moment else None


def now_text() -> str:
    """Now, as ISO 8601 with offset."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
