"""Monitoring of the daemon by other programs: hooks, the ready ping and the metrics file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from photo_organizer.companions.photo_count import count_photos
from photo_organizer.config import Configuration
from photo_organizer.service.integrations.hook_events import HookEvents
from photo_organizer.service.integrations.hooks import Hooks
from photo_organizer.service.integrations.metrics import Metrics, MetricsFile
from photo_organizer.service.runtime import Runtime
from photo_organizer.service.status.status_file import DaemonState, Status


class Monitoring:
    """Runs the hooks and updates the metrics file.

    Args:
        configuration: the hooks and the metrics file.
        environment: environment of the hooks.

    Attributes:
        hook_events: passes on photos, errors and models to the hooks.
    """

    def __init__(self, configuration: Configuration, environment: Mapping[str, str]) -> None:
        self._configuration = configuration
        self._hooks = Hooks(configuration.hooks, environment)
        self._metrics = MetricsFile(configuration.metrics.textfile)
        self.hook_events = HookEvents(self._hooks)

    def configure(self, configuration: Configuration) -> None:
        """Apply changed settings."""
        self._configuration = configuration
        self._hooks.configure(configuration.hooks)
        self._metrics.configure(configuration.metrics.textfile)

    def next_due(self) -> float | None:
        """Return when to call `step` and `update` again, even if nothing happens; None when never."""
        moments = (self._hooks.next_due(), self._metrics.next_due())
        return min((moment for moment in moments if moment is not None), default=None)

    def step(self) -> None:
        """Check the running hooks."""
        self._hooks.step()

    def update(self, status: Status, runtime: Runtime | None, last_error: datetime | None) -> None:
        """Update hooks and metrics with the current status.

        Args:
            status: the status, as in `status.json`.
            runtime: None while the daemon is starting.
            last_error: time of the last error; None without one.
        """
        if runtime is None:
            return
        self.hook_events.model_in_use(status.model, status.last_retraining)
        if _can_file(status, runtime):
            self._hooks.ping_ready(state=status.state, photos=status.filed_total, queued=status.queued)
        self._metrics.write(lambda: self._metrics_now(status, runtime, last_error))

    def close(self) -> None:
        """Give running hooks a second to end, then kill them."""
        self._hooks.close()

    def _metrics_now(self, status: Status, runtime: Runtime, last_error: datetime | None) -> Metrics:
        return Metrics(
            status,
            {action.value: count for action, count in runtime.library.totals().items()},
            sum(count_photos(review) or 0 for review in self._configuration.review_folders),
            last_error,
            runtime.model_made,
            runtime.vision.timings,
        )


def _can_file(status: Status, runtime: Runtime) -> bool:
    """Return whether photos can be filed, apart from the owner's pause."""
    if status.state is DaemonState.PAUSED:
        return runtime.pipeline.is_held and runtime.pipeline.pause is None
    return status.state in {DaemonState.IDLE, DaemonState.WORKING}
