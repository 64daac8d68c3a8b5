"""Thumbnails for the page: from the cache, else from the confined vision process. None is decoded here."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future

from photo_organizer.errors import OrganizerError
from photo_organizer.photo import Photo
from photo_organizer.vision.client.thumbnail_client import ThumbnailClient
from photo_organizer.vision.decode.budget.limits import Limits
from photo_organizer.vision.outcome import Pictured, Rejected
from photo_organizer.web.services.photos import ShownPhoto
from photo_organizer.web.services.thumbnail_cache import ThumbnailCache

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.02
_IN_FLIGHT = 48  # few, so that what is asked for last is soon made
_MOST_REMEMBERED = 100_000


class NoThumbnailError(OrganizerError):
    """The photo cannot be shown: damaged, gone, or of a format whose decoder is not installed."""


class Thumbnails:
    """Makes thumbnails, the most recently requested first.

    Args:
        side: the longer edge, in pixels.
        cache: where they are kept.
        limits: what one photo may cost.
    """

    def __init__(self, side: int, cache: ThumbnailCache, limits: Limits) -> None:
        self._side = side
        self._cache = cache
        self._client = ThumbnailClient(side, limits=limits)
        self._wanted: dict[Photo, Future[bytes]] = {}
        self._in_flight: dict[Photo, Future[bytes]] = {}
        self._known_hashes: dict[Photo, str] = {}
        self._refused: dict[Photo, str] = {}
        self._change = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name=f"thumbnails-{side}", daemon=True)
        self._thread.start()

    def cached(self, shown: ShownPhoto) -> bytes | None:
        """Return the thumbnail if nothing has to be decoded for it, else None.

        Raises:
            NoThumbnailError: there can be none.
        """
        if shown.photo in self._refused:
            raise NoThumbnailError(self._refused[shown.photo])
        sha256 = shown.sha256 or self._known_hashes.get(shown.photo, "")
        return self._cache.get(sha256, self._side) if sha256 else None

    def make(self, shown: ShownPhoto) -> Future[bytes]:
        """Request a thumbnail; the future raises `NoThumbnailError` when it cannot be made."""
        with self._change:
            future = self._in_flight.get(shown.photo) or self._wanted.pop(shown.photo, None) or Future()
            if shown.photo not in self._in_flight:
                self._wanted[shown.photo] = future  # behind all others, which are taken from there
            self._change.notify()
        return future

    def close(self) -> None:
        """End the process; pending requests fail."""
        with self._change:
            self._closing = True
            self._change.notify()
        self._thread.join()

    def _work(self) -> None:
        try:
            while not self._closing:
                self._turn()
        finally:
            self._client.close()
            self._give_up("the page is closing")

    def _turn(self) -> None:
        try:
            self._submit()
            answers = self._client.poll(_POLL_SECONDS) if self._in_flight else self._client.poll(0)
        except OrganizerError as error:  # the process does not start
            log.warning("no thumbnails: %s", error)
            self._give_up(str(error))
            return
        for answer in answers:
            self._take(answer)
        with self._change:
            if not self._wanted and not self._in_flight and not self._closing:
                due = self._client.next_due()
                self._change.wait(None if due is None else max(0.0, due - time.monotonic()))

    def _submit(self) -> None:
        photos = []
        with self._change:
            while self._wanted and len(self._in_flight) < _IN_FLIGHT:
                photo, future = self._wanted.popitem()
                self._in_flight[photo] = future
                photos.append(photo)
        if photos:
            self._client.submit(photos)

    def _take(self, answer: Pictured | Rejected) -> None:
        with self._change:
            future = self._in_flight.pop(answer.photo, None)
        if isinstance(answer, Rejected):
            _remember(self._refused, answer.photo, answer.reason)
            if future is not None:
                future.set_exception(NoThumbnailError(answer.reason))
            return
        _remember(self._known_hashes, answer.photo, answer.sha256)
        self._cache.put(answer.sha256, self._side, answer.jpeg)
        if future is not None:
            future.set_result(answer.jpeg)

    def _give_up(self, reason: str) -> None:
        with self._change:
            waiting = [*self._wanted.values(), *self._in_flight.values()]
            self._wanted.clear()
            self._in_flight.clear()
        for future in waiting:
            future.set_exception(NoThumbnailError(reason))


def _remember(memory: dict[Photo, str], photo: Photo, text: str) -> None:
    if len(memory) >= _MOST_REMEMBERED:
        memory.pop(next(iter(memory)))
    memory[photo] = text
