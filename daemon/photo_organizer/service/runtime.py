"""The rooms of one configuration, joined to a pipeline, and their exchange while they are in use."""

from __future__ import annotations

import logging
import select
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from photo_organizer.config import Configuration
from photo_organizer.crash_log import CrashLog
from photo_organizer.errors import OrganizerError
from photo_organizer.formats import available_extras
from photo_organizer.inbox import Inbox, WatchedFolder
from photo_organizer.learning.labels.category_folders import accepted_folders
from photo_organizer.library import Library, LibrarySettings
from photo_organizer.models.categories import predicted_categories, serving_categories
from photo_organizer.models.manifest import read_manifest
from photo_organizer.models.serving_model import ModelDescription, read_model
from photo_organizer.models.store import Registry
from photo_organizer.service.interfaces import Reporter, watch_vision
from photo_organizer.service.pipeline import Pipeline
from photo_organizer.service.placement import Placement
from photo_organizer.vision.client.client import VisionClient

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StandbyWorker:
    """A vision process that is loading `model`, while another still serves."""

    vision: VisionClient
    model: ModelDescription


class Runtime:
    """Inbox, vision and library of a configuration, at work.

    Args:
        configuration: what they are made of.
        library: open, owned and recovered.
        reporter: who hears what becomes of each photo.
        wake: makes the loop turn; called from other threads.

    Raises:
        ModelError: there is no model that can serve.
    """

    def __init__(
        self, configuration: Configuration, library: Library, reporter: Reporter, wake: Callable[[], None]
    ) -> None:
        self._configuration = configuration
        self._wake = wake
        self.library = library
        self._model = read_model(Registry(configuration.model_directory).current())
        self._standby: StandbyWorker | None = None
        self._copied_on = date.today()
        self.inbox = self._new_inbox()
        self.vision = new_vision(configuration, self._model)
        self.pipeline = Pipeline(
            self.inbox,
            self.vision,
            library,
            new_placement(configuration, self._model),
            reporter,
            crash_log=CrashLog(configuration.state_directory),
            linger=configuration.batch.max_wait_seconds,
        )

    @property
    def model_id(self) -> str:
        """The model that new photos are classified by."""
        return self._model.id

    @property
    def model_made(self) -> datetime | None:
        """When it was made; None where its description cannot be read any more."""
        try:
            return datetime.fromisoformat(read_manifest(self._model.directory).made).astimezone()
        except (OrganizerError, ValueError):
            return None

    def start(self) -> None:
        """Begins to watch the inboxes."""
        self.inbox.start(self._wake)

    def close(self) -> None:
        """Stops watching, ends the vision process and gives the library up; photos under way stay in the
        inbox.
        """
        self.inbox.stop()
        self.vision.close()
        if self._standby is not None:
            self._standby.vision.close()
        self.library.close()

    def switch_model(self) -> None:
        """Serves the model that is in use now, if it is another. No photo waits for it to load.

        Raises:
            ModelError: it cannot serve; the one before goes on.
        """
        model = read_model(Registry(self._configuration.model_directory).current())
        if model != (self._standby.model if self._standby else self._model):
            self._replace_vision(model)

    def reload(self, configuration: Configuration) -> None:
        """Goes on by another configuration; what did not change is not disturbed.

        Raises:
            OrganizerError: it cannot be done; the configuration before goes on.
        """
        before = self._configuration
        model = read_model(Registry(configuration.model_directory).current())
        if _library_settings(configuration) != _library_settings(before):
            self._replace_library(before, configuration)
        self._configuration = configuration
        self.pipeline.placement = new_placement(configuration, self._model)
        self.pipeline.linger = configuration.batch.max_wait_seconds
        self.pipeline.destination = self.library
        if _inbox_settings(configuration) != _inbox_settings(before):
            self._replace_inbox()
        if _vision_settings(configuration) != _vision_settings(before):
            self._replace_vision(model)

    def step(self) -> None:
        """Everything that may have become due on the way of the photos."""
        if (today := date.today()) != self._copied_on:
            self._copied_on = today
            keep_daily_copy(self.library)
        if self._standby is not None:
            self._await_standby(self._standby)
        self.pipeline.step()

    def register(self, poll: select.poll) -> None:
        """Has `poll` return when a vision process has something to say, or a disk was mounted."""
        self.inbox.register(poll)
        watch_vision(self.vision, poll)
        if self._standby is not None:
            watch_vision(self._standby.vision, poll)

    def next_due(self) -> float | None:
        """When the pipeline has something to do even if nothing happens, in `time.monotonic()`."""
        moments = [self.pipeline.next_due()]
        if self._standby is not None:
            moments.append(self._standby.vision.next_due())
        if self.pipeline.is_hungry:
            moments.append(self.inbox.next_due())
        return min((moment for moment in moments if moment is not None), default=None)

    def _replace_library(self, before: Configuration, configuration: Configuration) -> None:
        """Another library, or the same by other rules. Both cannot be owned at once when they share a
        state.
        """
        self.library.close()
        try:
            self.library = open_library(configuration)
        except OrganizerError:
            self.library = open_library(before)
            raise
        finally:
            self.pipeline.destination = self.library

    def _replace_inbox(self) -> None:
        self.pipeline.give_back()
        self.inbox.stop()
        self.inbox = self._new_inbox()
        self.pipeline.source = self.inbox
        self.inbox.start(self._wake)

    def _replace_vision(self, model: ModelDescription) -> None:
        """Another vision process for this one, which goes on until the other has loaded its model."""
        if self._standby is not None:
            self._standby.vision.close()
        self._standby = StandbyWorker(new_vision(self._configuration, model), model)
        if self.vision.ready or self.vision.in_flight:
            self._standby.vision.warm_up()
        else:
            self._swap_worker(self._standby)  # nobody waits: it is loaded when the next photo comes

    def _await_standby(self, standby: StandbyWorker) -> None:
        try:
            standby.vision.poll()
        except OrganizerError as error:
            log.error("the new model is not taken over: %s", error)  # noqa: TRY400  for people
            standby.vision.close()
            self._standby = None
            return
        if standby.vision.ready:
            self._swap_worker(standby)

    def _swap_worker(self, standby: StandbyWorker) -> None:
        self.pipeline.give_back()
        self.vision.close()
        standby.vision.timings = self.vision.timings
        self.vision = self.pipeline.vision = standby.vision
        if standby.model != self._model:
            log.info("photos are classified by model %s now", standby.model.id)
        self._model = standby.model
        self.pipeline.placement = new_placement(self._configuration, standby.model)
        self._standby = None

    def _new_inbox(self) -> Inbox:
        configuration = self._configuration
        return Inbox(
            watched_folders(configuration),
            configuration.watch,
            libraries=configuration.libraries,
            # asked anew each time, because the library may be exchanged
            is_held=lambda photo: self.library.is_held(photo),  # noqa: PLW0108
            is_kept_original=lambda photo: self.library.is_kept_original(photo),  # noqa: PLW0108
            videos=configuration.videos is not None,
            available_extras=available_extras(),
            crash_log=CrashLog(configuration.state_directory),
        )


def watched_folders(configuration: Configuration) -> tuple[WatchedFolder, ...]:
    """Return the inboxes as they are to be watched."""
    watch = configuration.watch
    return tuple(
        WatchedFolder(
            inbox.path,
            (*watch.ignore, *inbox.ignore),
            watch.recursive if inbox.recursive is None else inbox.recursive,
            keeps_originals=inbox.action != "move",
        )
        for inbox in configuration.inboxes
    )


def new_vision(configuration: Configuration, model: ModelDescription) -> VisionClient:
    """A vision process for `model`, not started yet."""
    minutes = configuration.model.unload_after_minutes
    return VisionClient(
        model.directory,
        engine=configuration.model.engine,
        categories=predicted_categories(
            configuration, model.directory, model.categories, accepted_folders(configuration)
        ),
        limits=configuration.limits,
        features=configuration.feature_store_path,
        unload_after=None if minutes is None else 60 * minutes,
        batch=configuration.batch.size,
        crash_log=CrashLog(configuration.state_directory),
    )


def new_placement(configuration: Configuration, model: ModelDescription) -> Placement:
    """Where the photos go that `model` classifies."""
    serving = serving_categories(configuration, model.directory, accepted_folders(configuration))
    others = set(configuration.all_categories) - set(configuration.categories)  # of single inboxes
    categories = [name for name in serving if name not in others]
    return Placement.by(configuration, model.thresholds, categories)


def open_library(configuration: Configuration) -> Library:
    """The library, owned by this process, with all that a crash left open brought to its end.

    Raises:
        LibraryLocked: another process owns it.
        JournalError: the journal is damaged, or newer than this program.
        OrganizerError: a folder of ours cannot be made, or the state directory cannot be written.
    """
    library = Library.open(configuration, owner=True)
    if library.restored:
        log.warning("%s", library.restored)
    try:
        recovery = library.recover()
        keep_daily_copy(library)
    except OrganizerError:
        library.close()
        raise
    if recovery.completed or recovery.taken_back or recovery.ledger_rows:
        log.info(
            "after a crash: %d moves completed, %d taken back, %d rows added to the ledger",
            recovery.completed,
            recovery.taken_back,
            recovery.ledger_rows,
        )
    return library


def keep_daily_copy(library: Library) -> None:
    """Keep today's copy of the journal; where that fails, filing goes on without."""
    try:
        library.keep_daily_copy()
    except OrganizerError as error:
        log.warning("%s", error)


def _library_settings(configuration: Configuration) -> LibrarySettings:
    return LibrarySettings.of(configuration)


def _inbox_settings(configuration: Configuration) -> tuple[object, ...]:
    return (
        watched_folders(configuration),
        configuration.watch,
        configuration.libraries,
        configuration.videos is None,
    )


def _vision_settings(configuration: Configuration) -> tuple[object, ...]:
    model, batch = configuration.model, configuration.batch.size
    return configuration.all_categories, configuration.libraries, configuration.limits, batch, model
