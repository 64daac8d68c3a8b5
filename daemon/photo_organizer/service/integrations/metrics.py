"""Metrics for Prometheus, in a text file for node_exporter's textfile collector.

The file is replaced atomically, at most every 15 seconds, the usual scrape interval of Prometheus.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from photo_organizer.files import replace_file
from photo_organizer.service.status.status_file import DaemonState, Status
from photo_organizer.vision.client.timings import Timings

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_WRITES = 15.0
_PREFIX = "photo_organizer"


@dataclass(frozen=True, slots=True)
class Metrics:
    """The exported values.

    Args:
        status: the status, as in `status.json`.
        actions: photos by action, over all runs.
        review: photos in the review folder; None if they could not be counted.
        last_error: time of the last error since the daemon started; None without one.
        model_made: when the model in use was created; None while there is none.
        timings: time spent on decoding and inference since the daemon started.
    """

    status: Status
    actions: Mapping[str, int]
    review: int | None
    last_error: datetime | None
    model_made: datetime | None
    timings: Timings


class MetricsFile:
    """Writes the metrics file, if one is configured.

    Args:
        path: the file; None to write nothing.
        clock: monotonic seconds.
    """

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._due = float("-inf")
        self._has_failed = False

    def configure(self, path: Path | None) -> None:
        """Change the file; None to stop writing."""
        if path != self._path:
            self._path, self._due, self._has_failed = path, float("-inf"), False

    def next_due(self) -> float | None:
        """Return when to call `write` again; None when never."""
        return None if self._path is None else max(self._due, self._clock())

    def write(self, metrics: Callable[[], Metrics]) -> None:
        """Write the metrics if they are due; a failure is logged once until it works again.

        Args:
            metrics: called only when they are written.
        """
        if self._path is None or self._clock() < self._due:
            return
        self._due = self._clock() + _SECONDS_BETWEEN_WRITES
        try:
            replace_file(self._path, exposition(metrics(), datetime.now().astimezone()), durable=False)
        except OSError as error:
            if not self._has_failed:
                log.warning("could not write the metrics: %s: %s", self._path, error.strerror)
            self._has_failed = True
        else:
            self._has_failed = False


def exposition(metrics: Metrics, now: datetime) -> str:
    """Return the metrics in Prometheus' text format."""
    return "".join(line + "\n" for line in _lines(metrics, now))


def _lines(metrics: Metrics, now: datetime) -> Iterator[str]:
    status, timings = metrics.status, metrics.timings
    yield from _family("photos_total", "counter", "Photos by action, since the library was created.")
    for action, count in sorted(metrics.actions.items()):
        yield _sample("photos_total", count, action=action)
    yield from _single("queue_photos", "gauge", "Photos waiting in the inboxes to be filed.", status.queued)
    yield from _single(
        "settling_files", "gauge", "Files in the inboxes that are still being written.", status.settling
    )
    yield from _single("review_photos", "gauge", "Photos in the Review folder.", metrics.review)
    yield from _family("state", "gauge", "State of the daemon: 1 for the current state, 0 for the others.")
    for state in DaemonState:
        yield _sample("state", int(status.state is state), state=state.value)
    yield from _single(
        "last_error_age_seconds", "gauge", "Time since the last error of this daemon.",
        _age(metrics.last_error, now),
    )  # fmt: skip
    last_photo = datetime.fromisoformat(status.last_photo_time) if status.last_photo_time else None
    yield from _single(
        "last_photo_age_seconds", "gauge", "Time since this daemon last filed a photo.", _age(last_photo, now)
    )
    yield from _single(
        "model_age_seconds",
        "gauge",
        "Time since the model in use was created.",
        _age(metrics.model_made, now),
    )
    if status.model is not None:
        yield from _family("model_info", "gauge", "The model in use.")
        yield _sample("model_info", 1, model=status.model, engine=status.engine or "")
    yield from _single(
        "new_corrections", "gauge", "Corrections since the last training.", status.new_corrections
    )
    for stage, seconds, photos in (
        ("decode", timings.decode_seconds, timings.decoded),
        ("inference", timings.inference_seconds, timings.inferred),
    ):
        yield from _family(
            f"{stage}_seconds", "summary", f"Time spent on {stage}, of the photos of this daemon."
        )
        yield _sample(f"{stage}_seconds_sum", round(seconds, 6))
        yield _sample(f"{stage}_seconds_count", photos)


def _single(name: str, kind: str, explanation: str, value: float | None) -> Iterator[str]:
    """Yield a metric with one sample; nothing without a value."""
    if value is not None:
        yield from _family(name, kind, explanation)
        yield _sample(name, value)


def _family(name: str, kind: str, explanation: str) -> Iterator[str]:
    yield f"# HELP {_PREFIX}_{name} {explanation}"
    yield f"# TYPE {_PREFIX}_{name} {kind}"


def _sample(name: str, value: float, **labels: str) -> str:
    shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{_PREFIX}_{name}{{{shown}}} {value}" if shown else f"{_PREFIX}_{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _age(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else max(0.0, round((now - moment).total_seconds(), 1))
