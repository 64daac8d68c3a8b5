"""Thumbnails, made by a second vision process with the same confinement and limits. Light."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from photo_organizer.photo import Photo
from photo_organizer.vision.client.client import VisionClient
from photo_organizer.vision.decode.budget.limits import Limits
from photo_organizer.vision.outcome import Classified, Pictured, Rejected

WORKER = "photo_organizer.vision.worker.thumbnail_worker"


class ThumbnailClient:
    """Make thumbnails of photos.

    The process starts with the first photo. A photo that crashes it or takes too long is rejected, as in the
    inbox; the others are not affected.

    Args:
        side: the longer edge of a thumbnail, in pixels.
        limits: what one photo may cost.
        unload_after: seconds without work after which the process is stopped.
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
        """The number of photos that were submitted and have no answer yet."""
        return self._client.in_flight

    @property
    def capacity(self) -> int:
        """The largest useful number of photos in flight; those submitted later can still be reordered."""
        return self._client.capacity

    def next_due(self) -> float | None:
        """Return when `poll` has to be called even if the process says nothing, as `time.monotonic()`."""
        return self._client.next_due()

    def submit(self, photos: Sequence[Photo]) -> None:
        """Request thumbnails of photos.

        Raises:
            VisionError: the process cannot be started at all.
        """
        self._client.submit(photos)

    def poll(self, timeout: float) -> list[Pictured | Rejected]:
        """Return the answers received, waiting up to `timeout` seconds for the first.

        Raises:
            VisionError: the process dies while it starts; what was in flight is forgotten.
        """
        outcomes = self._client.poll(timeout)
        pictures, self._client.pictures = self._client.pictures, []
        rejected = [outcome for outcome in outcomes if not isinstance(outcome, Classified)]
        return [*pictures, *rejected]

    def close(self) -> None:
        """Stop the process and forget the photos in flight."""
        self._client.close()
