"""The daemon: one loop over what the inbox, the vision process, the training process and the outside have to
say.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from photo_organizer.config import Configuration, load_configuration, remember_accepted
from photo_organizer.config.first_folders import make_new_folders
from photo_organizer.errors import OrganizerError, printable
from photo_organizer.models.store import CURRENT
from photo_organizer.service.file_watch import FileWatch
from photo_organizer.service.integrations.desktop import DesktopNotifier
from photo_organizer.service.integrations.monitoring import Monitoring
from photo_organizer.service.persisted_state import PersistedState
from photo_organizer.service.requests.owner_pause import PAUSE_FILE, OwnerPause, read_pause, remove_pause
from photo_organizer.service.retraining import Training, TrainingResult
from photo_organizer.service.review_page import ReviewPageProcess
from photo_organizer.service.runtime import Runtime, open_library
from photo_organizer.service.search_upkeep import SearchUpkeep
from photo_organizer.service.status.logs import configure_logging
from photo_organizer.service.status.reporter import DaemonReporter
from photo_organizer.service.status.status_builder import StatusBuilder, now_text
from photo_organizer.service.status.status_file import DaemonState, Status, StatusFile, describe
from photo_organizer.service.systemd.heartbeat import Heartbeat, patience
from photo_organizer.service.systemd.sd_notify import Notifier
from photo_organizer.service.wake import Signals, WakePipe

log = logging.getLogger(__name__)

_ROUNDS_PER_PATIENCE = 4
_SHOWING_SECONDS = 0.25
_LOOK_AT_CLOCK_SECONDS = 60.0
_SAVED_SECONDS = 0.3  # editors write a file in steps


def run_daemon(path: Path) -> int:
    """Watches and files until it is asked to stop.

    Args:
        path: the configuration file.

    Returns:
        The exit code: 0 after SIGTERM, 130 after Ctrl-C; every other end is an error.

    Raises:
        ConfigurationError: the configuration cannot be used.
        LibraryLocked: another process owns the library.
        ModelError: there is no model that can serve.
    """
    configuration = load_configuration(path)
    configure_logging(configuration.logging.level, configuration.log_directory)
    with contextlib.closing(Daemon(configuration, Notifier.from_environment(os.environ))) as daemon:
        return daemon.run()


class Daemon:
    """Owns the rooms, the loop, and what is told to the outside.

    Args:
        configuration: to begin with; changes of its file are taken over.
        notifier: the service manager.
    """

    def __init__(self, configuration: Configuration, notifier: Notifier) -> None:
        self._configuration = configuration
        self._notifier = notifier
        self._wake = WakePipe()
        self._signals = Signals(self._wake)
        self._files = self._new_file_watch()
        self._training = Training(configuration, PersistedState(configuration.state_directory))
        self._review_page = ReviewPageProcess(configuration)
        self._monitoring = Monitoring(configuration, os.environ)
        self._reporter = DaemonReporter(_desktop(configuration), self._monitoring.news)
        self._search = SearchUpkeep()
        self._status_file = StatusFile(configuration.state_directory)
        self._since = now_text()
        self._phase: DaemonState | None = DaemonState.STARTING
        self._rooms: Runtime | None = None
        self._config_error: str | None = None
        self._owner_pause: OwnerPause | None = None
        self._reload_at: float | None = None
        self._show_at = 0.0
        self._is_shown = True

    def run(self) -> int:
        """Starts, loops until asked to stop, and stops cleanly; returns the exit code."""
        with self._signals.installed():
            try:
                with patience(self._notifier):
                    self._start()
                with self._heartbeat() as turned:
                    while not self._signals.stop_requested:
                        turned()
                        self._turn()
                        self._wait()
            finally:
                self._stop()
        return self._signals.exit_code

    def close(self) -> None:
        """Gives the last descriptors back."""
        self._wake.close()

    def _start(self) -> None:
        self._rooms = self._open_rooms()
        remember_accepted(self._configuration)
        self._obey_pause()
        self._rooms.start()
        for trouble in self._files.start():
            log.warning("%s", trouble)
        self._phase = None
        self._turn()
        self._notifier.ready(self._describe())
        inboxes = ", ".join(printable(inbox) for inbox in self._configuration.inbox_paths)
        log.info("watching %s", inboxes)

    def _stop(self) -> None:
        """Ends everything within a second or two; photos under way simply stay in the inbox."""
        self._phase = DaemonState.STOPPING
        self._notifier.stopping()
        self._training.stop()
        self._review_page.stop()
        self._files.stop()
        if self._rooms is not None:
            self._reporter.burst_is_over(self._rooms.pipeline.batch)
            self._show()
            self._status_file.finish()
            self._rooms.close()
        self._reporter.close()
        self._monitoring.close()
        log.info("stopped")

    def _turn(self) -> None:
        """Everything that may have become due, once."""
        if self._wake.drain() or time.monotonic() >= self._show_at:  # not at each word of the vision process
            self._notice_changes()
        if self._reload_at is not None and self._reload_at <= time.monotonic():
            self._reload_at = None
            self._reload()
        if self._owner_pause is not None and self._owner_pause.is_over(datetime.now().astimezone()):
            self._end_pause()
        if self._rooms is not None:
            self._rooms.step()
        self._review_page.step()
        result = self._training.step()
        if result is not None:
            self._end_training(result)
        self._monitoring.step()
        if time.monotonic() >= self._show_at:
            self._show()
        else:
            self._is_shown = False

    def _wait(self) -> None:
        """Until something happens or is due."""
        poll = select.poll()
        for descriptor in (self._wake.fileno(), self._training.fileno()):
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
        if self._rooms is not None:
            self._rooms.register(poll)
        moments = [self._training.next_due(), self._status_file.next_due(), self._reload_at]
        moments.append(self._review_page.next_due())
        moments.append(None if self._is_shown else self._show_at)
        moments.append(self._pause_ends_at())
        if (monitoring := self._monitoring.next_due()) is not None:
            moments.append(max(monitoring, self._show_at))
        if self._rooms is not None:
            moments.append(self._rooms.next_due())
        due = min((moment for moment in moments if moment is not None), default=None)
        poll.poll(None if due is None else max(0.0, due - time.monotonic()) * 1000)

    def _open_rooms(self) -> Runtime:
        """The library, recovered, and a pipeline from the inboxes to it."""
        library = open_library(self._configuration)
        self._reporter.totals = Counter(library.totals())
        try:
            return Runtime(self._configuration, library, self._reporter, self._wake.wake)
        except OrganizerError:
            library.close()
            raise

    def _notice_changes(self) -> None:
        """Takes over a saved configuration, once it is whole, and a model that was chosen."""
        changed = self._files.changed()
        if self._configuration.path in changed:
            self._reload_at = time.monotonic() + _SAVED_SECONDS
        if self._configuration.model_directory / CURRENT in changed:
            self._take_over_model()
        if self._configuration.state_directory / PAUSE_FILE in changed:
            self._obey_pause()
        if self._configuration.ledger_path in changed:
            self._notice_undo()
        if self._signals.take_reload_request():
            self._reload_at = time.monotonic()

    def _notice_undo(self) -> None:
        """Count anew when another process, `undo` say, has changed what is filed."""
        if self._rooms is not None and self._rooms.library.has_changed_elsewhere():
            self._reporter.totals = Counter(self._rooms.library.totals())

    def _obey_pause(self) -> None:
        """Pause or go on, as the owner asked."""
        before, self._owner_pause = self._owner_pause, read_pause(self._configuration.state_directory)
        if self._rooms is not None:
            self._rooms.pipeline.is_held = self._owner_pause is not None
        if self._owner_pause is not None and self._owner_pause != before:
            log.info("%s", self._owner_pause)
        elif before is not None and self._owner_pause is None:
            log.info("filing goes on")

    def _end_pause(self) -> None:
        """The time that the owner asked for is over."""
        try:
            remove_pause(self._configuration.state_directory)
        except OrganizerError as error:
            log.warning("%s", error)
            return
        self._obey_pause()

    def _pause_ends_at(self) -> float | None:
        """When to look at the clock again; at least once a minute, for clocks are set."""
        if self._owner_pause is None or self._owner_pause.until is None:
            return None
        left = (self._owner_pause.until - datetime.now().astimezone()).total_seconds()
        return time.monotonic() + min(max(left, 0.0), _LOOK_AT_CLOCK_SECONDS)

    def _reload(self) -> None:
        """Goes on by the configuration file as it is now; one that is wrong is refused, and all stays as it
        was.
        """
        self._notifier.reloading()
        try:
            configuration = load_configuration(self._configuration.path)
            self._take_over(configuration)
        except OrganizerError as error:
            problems = str(error).splitlines()
            self._config_error = "; ".join(problems)
            self._reporter.failed(self._config_error, kind="configuration")
            for problem in problems:
                log.error("the changed configuration is not taken over: %s", problem)  # noqa: TRY400  for people
        else:
            self._config_error = None
            remember_accepted(configuration)
            log.info("configuration taken over")
        self._take_over_model()
        self._notifier.ready(self._describe())

    def _take_over(self, configuration: Configuration) -> None:
        before = self._configuration
        if configuration.state_directory != before.state_directory:
            raise OrganizerError(
                "another state directory needs a restart",
                where=configuration.path,
                remedy="restart the daemon",
            )
        make_new_folders(configuration)
        if self._rooms is not None:
            self._rooms.reload(configuration)
        if configuration.logging != before.logging:
            configure_logging(configuration.logging.level, configuration.log_directory)
        self._configuration = configuration
        self._training.configure(configuration)
        self._review_page.configure(configuration)
        if configuration.notify != before.notify:
            self._reporter.close()
            self._reporter.desktop = _desktop(configuration)
        self._monitoring.configure(configuration)
        if _watched_files(configuration) != _watched_files(before):
            self._files.stop()
            self._files = self._new_file_watch()
            self._files.start()

    def _take_over_model(self) -> None:
        if self._rooms is None:
            return
        try:
            self._rooms.switch_model()
        except OrganizerError as error:
            log.error("the new model is not taken over: %s", error)  # noqa: TRY400  for people
            self._reporter.failed(str(error), kind="model")

    def _end_training(self, result: TrainingResult) -> None:
        self._reporter.news.training_is_over(result.text, promoted=result.promoted, failed=result.failed)
        if result.promoted:
            self._take_over_model()

    def _status(self) -> Status:
        overview = StatusBuilder(self._configuration, self._since, self._reporter, self._training)
        return overview.status(
            self._rooms, phase=self._phase, config_error=self._config_error, owner_pause=self._owner_pause
        )

    def _show(self) -> None:
        """Tells the status file and the service manager what changed, and ends a batch that is over.

        Not at every turn: to count what lies in a full inbox costs more than a turn does.
        """
        self._is_shown, self._show_at = True, time.monotonic() + _SHOWING_SECONDS
        status = self._status()
        if self._rooms is not None and status.state is DaemonState.IDLE and not status.settling:
            self._search.is_due |= self._reporter.filed_in_burst > 0
            self._reporter.burst_is_over(self._rooms.pipeline.batch)
            self._rooms.pipeline.end_batch()
            if self._search.is_due:
                self._search.step(self._rooms.library)
                self._is_shown = not self._search.is_due  # the rest when nothing else is to be done
        if self._rooms is not None and status.settling > status.unsettled:
            self._rooms.pipeline.expect_photos()  # the model is loaded by the time they are complete
        try:
            self._status_file.offer(status)
        except OSError as error:
            log.warning("the status cannot be written: %s", error.strerror)
        self._notifier.status(self._describe(status))
        self._monitoring.show(status, self._rooms, self._reporter.last_error_time)

    def _describe(self, status: Status | None = None) -> str:
        status = self._status() if status is None else status
        done = self._reporter.filed_in_burst
        return describe(status, filed_in_burst=done, burst=done + status.queued)

    @contextlib.contextmanager
    def _heartbeat(self) -> Iterator[Callable[[], None]]:
        """Pings for the manager's watchdog while the loop turns; gives what the loop calls once a turn."""
        patience_seconds = self._notifier.watchdog_seconds
        if patience_seconds is None:
            yield lambda: None
            return
        heartbeat = Heartbeat(self._notifier, patience_seconds / _ROUNDS_PER_PATIENCE, self._wake.wake)
        heartbeat.start()
        try:
            yield heartbeat.turned
        finally:
            heartbeat.stop()

    def _new_file_watch(self) -> FileWatch:
        return FileWatch(_watched_files(self._configuration), self._wake.wake)


def _watched_files(configuration: Configuration) -> tuple[Path, ...]:
    """Return the files whose change has to be noticed."""
    return (
        configuration.path,
        configuration.model_directory / CURRENT,
        configuration.state_directory / PAUSE_FILE,
        configuration.ledger_path,
    )


def _desktop(configuration: Configuration) -> DesktopNotifier | None:
    return DesktopNotifier(os.environ) if configuration.notify.desktop else None
