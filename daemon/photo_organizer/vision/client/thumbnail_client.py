"""Thumbnails, from a vision process of their own that is confined and watched like the other. Light."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from photo_organizer.photo import Photo
from photo_organizer.vision.client.client import VisionClient
from photo_organizer.vision.decode.budget.limits import Limits
from photo_organizer.vision.outcome import Classified, Pictured, Rejected

WORKER = "photo_organizer.vision.worker.thumbnail_worker"


class ThumbnailClient:
    """Makes thumbnails of photos, the last that was asked for first.

    The process starts with the first photo. One that kills it, or takes too long, is rejected as it would be
    on its way through the inbox, and the others go on.

    Args:
        side: the longer edge of a thumbnail, in pixels.
        limits: what one photo may cost.
        unload_after: seconds without work after which the process is ended.
        worker: the module that the process runs.
    """

    def __init__(
        self, side: int, *, limits: Limits, unload_after: float = 60.0, worker: str = WORKER
    ) -> None:
        self._client = VisionClient(
            Path(), categories=(), limits=limits, unload_after=unload_after, worker=worker, job={"side": side}
        )

    @property
    def in_flight(self) -> int:
        """Photos that were asked for and have no answer yet."""
        return self._client.in_flight

    @property
    def capacity(self) -> int:
        """How many photos are best in flight at most: those behind them can still be put in another order."""
        return self._client.capacity

    def next_due(self) -> float | None:
        """When `poll` has something to do even if the process says nothing, in `time.monotonic()`."""
        return self._client.next_due()

    def submit(self, photos: Sequence[Photo]) -> None:
        """Asks for thumbnails of `photos`.

        Raises:
            VisionError: the process cannot be started at all.
        """
        self._client.submit(photos)

    def poll(self, timeout: float) -> list[Pictured | Rejected]:
        """Answers that are there, waiting up to `timeout` seconds for the first.

        Raises:
            VisionError: the process dies while it starts; what was in flight is forgotten.
        """
        outcomes = self._client.poll(timeout)
        pictures, self._client.pictures = self._client.pictures, []
        rejected = [outcome for outcome in outcomes if not isinstance(outcome, Classified)]
        return [*pictures, *rejected]

    def close(self) -> None:
        """Ends the process, and forgets what was asked for."""
        self._client.close()
