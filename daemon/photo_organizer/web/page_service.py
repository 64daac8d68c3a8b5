"""Everything behind the page: photos, the library's threads, thumbnails, training, and when it all ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool

from photo_organizer.config import Configuration
from photo_organizer.errors import OrganizerError
from photo_organizer.library import Library
from photo_organizer.service.status.running_daemon import read_status
from photo_organizer.service.status.waiting import waiting_lines
from photo_organizer.web.events import Windows
from photo_organizer.web.library_thread import LibraryThread
from photo_organizer.web.services import activity
from photo_organizer.web.services.confirmations import Confirmations
from photo_organizer.web.services.learning_questions import LearningQuestions
from photo_organizer.web.services.model_service import ModelService
from photo_organizer.web.services.photo_service import PhotoService
from photo_organizer.web.services.thumbnail_cache import ThumbnailCache
from photo_organizer.web.services.thumbnails import Thumbnails

log = logging.getLogger(__name__)

THUMBNAIL_SIDE = 400  # pixels
PICTURE_SIDE = 1600
_WATCH_SECONDS = 1.0
_QUIET_SECONDS = 1.5  # after an action: not after each key, what others have done is looked for
_CLOSED_SECONDS = 3.0  # a window that is loaded anew closes first


class PageService:
    """Everything that the routes call.

    Args:
        configuration: as it was when the page began.
        idle_seconds: without a request for so long, `stop` is called; None for never.
        stop: ends the server.
        ends_when_closed: whether `stop` is called too when the last window was closed.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        idle_seconds: float | None,
        stop: Callable[[], None],
        ends_when_closed: bool,
    ) -> None:
        self.configuration = configuration
        self.photos = PhotoService(configuration)
        self.windows = Windows()
        self._cache = ThumbnailCache(configuration.state_directory / "thumbnails")
        self.thumbnails = Thumbnails(THUMBNAIL_SIDE, self._cache, configuration.limits)
        self.pictures = Thumbnails(PICTURE_SIDE, self._cache, configuration.limits)
        self._models = ModelService(configuration)
        self._questions = LearningQuestions(configuration, self.photos.shown)
        self._confirmations = Confirmations(configuration.state_directory)
        self._moves = LibraryThread(configuration, "moves")
        self._reads = LibraryThread(configuration, "reads")
        self._idle_seconds = idle_seconds
        self._ends_when_closed = ends_when_closed
        self._stop = stop
        self._used_at = time.monotonic()
        self._closed_at: float | None = None
        self._listed_state: object = None
        self._acted_at = float("-inf")
        self._listing = asyncio.Lock()
        self._listing_first = asyncio.Lock()
        self._has_first = False
        self._grouping: asyncio.Task[None] | None = None

    # reading

    async def start(self) -> dict[str, Any]:
        """Return what the page needs first."""
        self.is_used()
        self._closed_at = None
        return {
            "categories": await run_in_threadpool(self.photos.categories),
            "review": self.configuration.review,
            "status": await run_in_threadpool(self._status),
        }

    async def review(self, *, everything: bool) -> dict[str, Any]:
        """Return the photos in Review in groups; only the surest few unless `everything`."""
        self.is_used()
        await self._list_first()
        if everything:
            await self._list_if_changed()
        return await run_in_threadpool(self.photos.waiting.to_json, everything=everything)

    async def filed(self, category: str | None, batch: str | None) -> dict[str, Any]:
        """Return what was filed lately."""
        self.is_used()
        answer = await self._reads.ask(lambda library: self.photos.filed(library, category, batch))
        confirmed = await run_in_threadpool(self._confirmations.all)
        for photo in answer["photos"]:
            photo["confirmed"] = photo["category"] == confirmed.get(self.photos.shown.get(photo["id"]).sha256)
        return answer

    async def activity(self) -> dict[str, Any]:
        """Return batches, quarantine, and files that are left alone."""
        self.is_used()
        settings, photos = self.configuration, self.photos
        answer = await self._reads.ask(lambda library: activity.overview(settings, library, photos))
        return {**answer, "waiting": list(waiting_lines(await run_in_threadpool(self._status)))}

    async def learning(self) -> dict[str, Any]:
        """Return labels, models and the curve."""
        self.is_used()
        confidences = await self._reads.ask(self.photos.confidences)
        status = await run_in_threadpool(self._status)
        labels = status.get("new_labels")
        return {
            **await run_in_threadpool(self._models.overview),
            "questions": await run_in_threadpool(self._open_questions),
            "folders": await run_in_threadpool(self._questions.folders),
            "confidences": confidences,
            "labels": sum(labels.values()) if isinstance(labels, dict) else labels,
            "next_retraining": status.get("next_retraining"),
            "min_new_labels": self.configuration.retraining.min_new_labels,
        }

    # acting

    async def file(self, names: Sequence[str], category: str) -> dict[str, Any]:
        """Move photos to a category."""
        answer = await self._act(lambda library: self.photos.file(library, names, category))
        self.windows.tell("categories", await run_in_threadpool(self.photos.categories))
        return answer

    async def undo(self, batch: str) -> dict[str, Any]:
        """Undo a batch."""
        return await self._act(lambda library: self.photos.undo(library, batch))

    async def confirm(self, names: Sequence[str]) -> dict[str, Any]:
        """Record that photos are in the right category."""
        self.is_used()
        labels = await run_in_threadpool(self.photos.labels_of, names)
        await run_in_threadpool(self._confirmations.add, labels)
        return {"confirmed": len(labels)}

    async def withdraw_confirmation(self, names: Sequence[str]) -> dict[str, Any]:
        """Withdraw confirmations."""
        self.is_used()
        labels = await run_in_threadpool(self.photos.labels_of, names)
        await run_in_threadpool(self._confirmations.withdraw, list(labels))
        return {"withdrawn": len(labels)}

    async def try_again(self, names: Sequence[str]) -> dict[str, Any]:
        """Put quarantined photos back in their inbox, to be classified again."""
        return await self._act(lambda library: activity.try_again(library, self.photos.shown.get_all(names)))

    async def choose_folder(self, name: str, *, accept: bool) -> dict[str, Any]:
        """Make a found folder a category, or leave it alone from now on."""
        self.is_used()
        await run_in_threadpool(self._questions.choose_folder, name, accept=accept)
        return {"name": name, "accepted": accept}

    async def train(self) -> dict[str, Any]:
        """Start a retraining, unless one is running."""
        self.is_used()
        loop = asyncio.get_running_loop()

        def tell(progress: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(self.windows.tell, "training", progress)

        return {"started": self._models.train(tell)}

    async def use_model(self, model: str) -> dict[str, Any]:
        """Switch to a model."""
        self.is_used()
        return {"model": await run_in_threadpool(self._models.use, model)}

    async def _act(self, action: Callable[[Library], dict[str, Any]]) -> dict[str, Any]:
        self.is_used()
        self._acted_at = time.monotonic()
        answer = await self._moves.ask(action)
        self._acted_at = time.monotonic()
        self.windows.tell("waiting", self.photos.waiting.count)
        return answer

    # as long as it runs

    def is_used(self) -> None:
        """Note that the page is in use."""
        self._used_at = time.monotonic()

    def window_closes(self) -> None:
        """Note that a window is being closed (or reloaded)."""
        self._closed_at = time.monotonic()

    async def watch(self) -> None:
        """Send changes to the windows, and stop the server when the page is no longer in use."""
        while True:
            try:
                self.windows.tell("status", await run_in_threadpool(self._status))
                if (
                    not self._has_first
                ):  # the rest a moment later, or when it is asked for: the page comes first
                    await self._list_first()
                elif time.monotonic() - self._acted_at > _QUIET_SECONDS:
                    await self._list_if_changed()
            except (OrganizerError, OSError) as error:
                log.warning("%s", error)
            if self._is_over():
                self._stop()
            await asyncio.sleep(_WATCH_SECONDS)

    def _is_over(self) -> bool:
        if self._models.is_training:
            return False
        now = time.monotonic()
        if self._idle_seconds is not None and now - self._used_at > self._idle_seconds:
            return True
        is_closed = self._closed_at is not None and now - self._closed_at > _CLOSED_SECONDS
        return self._ends_when_closed and is_closed and self.windows.count == 0

    async def _list_first(self) -> None:
        async with self._listing_first:
            if not self._has_first:
                await self._reads.ask(self.photos.waiting.list_first)
                self._has_first = True

    async def _list_if_changed(self) -> None:
        async with self._listing:
            state = await run_in_threadpool(self.photos.waiting.state)
            if state == self._listed_state:
                return
            await self._reads.ask(self.photos.waiting.list_all)
            self._listed_state = state
            self.windows.tell("waiting", self.photos.waiting.count)
            if not self.photos.waiting.is_grouped and (self._grouping is None or self._grouping.done()):
                self._grouping = asyncio.create_task(self._group())

    async def _group(self) -> None:
        await run_in_threadpool(self.photos.waiting.group)
        self.windows.tell("grouped", time.time(), again=False)

    def _open_questions(self) -> list[dict[str, Any]]:
        return self._questions.labels(self._confirmations.all())

    def _status(self) -> dict[str, Any]:
        try:
            return read_status(self.configuration)
        except OrganizerError as error:
            return {"running": False, "state": "unknown", "reason": str(error)}

    def close(self) -> None:
        """Release everything; called once, after the server has stopped."""
        self.windows.close()
        self._models.close()
        self.thumbnails.close()
        self.pictures.close()
        self._moves.close()
        self._reads.close()
