"""What the daemon tells programs of others: hooks, the ready ping, and the figures for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from photo_organizer.companions.photo_count import count_photos
from photo_organizer.config import Configuration
from photo_organizer.service.integrations.hooks import Hooks
from photo_organizer.service.integrations.metrics import Figures, MetricsFile
from photo_organizer.service.integrations.news import News
from photo_organizer.service.runtime import Runtime
from photo_organizer.service.status.status_file import DaemonState, Status


class Monitoring:
    """Owns the hooks and the metrics file, and keeps both up to date.

    Args:
        configuration: which hooks, and which file.
        environment: for the commands of the hooks.

    Attributes:
        news: what is to be told of photos, errors and models.
    """

    def __init__(self, configuration: Configuration, environment: Mapping[str, str]) -> None:
        self._configuration = configuration
        self._hooks = Hooks(configuration.hooks, environment)
        self._metrics = MetricsFile(configuration.metrics.textfile)
        self.news = News(self._hooks)

    def configure(self, configuration: Configuration) -> None:
        """Take over changed settings."""
        self._configuration = configuration
        self._hooks.configure(configuration.hooks)
        self._metrics.configure(configuration.metrics.textfile)

    def next_due(self) -> float | None:
        """When to call `step` and `show` again, even if nothing happens; None when never."""
        moments = (self._hooks.next_due(), self._metrics.next_due())
        return min((moment for moment in moments if moment is not None), default=None)

    def step(self) -> None:
        """Look after the hooks that run."""
        self._hooks.step()

    def show(self, status: Status, runtime: Runtime | None, last_error: datetime | None) -> None:
        """Tell what the daemon is doing now.

        Args:
            status: as `status.json` has it.
            runtime: None while they are being opened.
            last_error: when something last went wrong; None when nothing did.
        """
        if runtime is None:
            return
        self.news.model_serves(status.model, status.last_retraining)
        if _is_well(status, runtime):
            self._hooks.say_ready(state=status.state, photos=status.filed_total, queued=status.queued)
        self._metrics.write(lambda: self._figures(status, runtime, last_error))

    def close(self) -> None:
        """Give the hooks that run a second to end."""
        self._hooks.close()

    def _figures(self, status: Status, runtime: Runtime, last_error: datetime | None) -> Figures:
        return Figures(
            status,
            {action.value: count for action, count in runtime.library.totals().items()},
            sum(count_photos(review) or 0 for review in self._configuration.review_folders),
            last_error,
            runtime.model_made,
            runtime.vision.timings,
        )


def _is_well(status: Status, runtime: Runtime) -> bool:
    """Whether photos are filed, or would be but for the owner's pause."""
    if status.state is DaemonState.PAUSED:
        return runtime.pipeline.is_held and runtime.pipeline.pause is None
    return status.state in {DaemonState.IDLE, DaemonState.WORKING}
