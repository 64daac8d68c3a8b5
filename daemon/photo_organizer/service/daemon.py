"""The daemon: one event loop over the inboxes, its child processes, its files and signals."""

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
from photo_organizer.service.systemd.heartbeat import Heartbeat, extended_timeout
from photo_organizer.service.systemd.sd_notify import Notifier
from photo_organizer.service.wake import Signals, WakePipe

log = logging.getLogger(__name__)

_PINGS_PER_TIMEOUT = 4
_PUBLISH_SECONDS = 0.25
_CHECK_CLOCK_SECONDS = 60.0
_SAVING_SECONDS = 0.3  # editors write a file in several steps


def run_daemon(path: Path) -> int:
    """Watch the inboxes and file photos until asked to stop.

    Args:
        path: the configuration file.

    Returns:
        The exit code: 0 after SIGTERM, 130 after Ctrl-C.

    Raises:
        ConfigurationError: the configuration is invalid.
        LibraryLocked: another process is using the library.
        ModelError: there is no usable model.
    """
    configuration = load_configuration(path)
    configure_logging(configuration.logging.level, configuration.log_directory)
    with contextlib.closing(Daemon(configuration, Notifier.from_environment(os.environ))) as daemon:
        return daemon.run()


class Daemon:
    """The event loop, and everything that it drives.

    Args:
        configuration: the configuration at the start; changes to its file are applied while running.
        notifier: reports to the service manager.
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
        self._reporter = DaemonReporter(_desktop(configuration), self._monitoring.hook_events)
        self._search = SearchUpkeep()
        self._status_file = StatusFile(configuration.state_directory)
        self._since = now_text()
        self._phase: DaemonState | None = DaemonState.STARTING
        self._runtime: Runtime | None = None
        self._config_error: str | None = None
        self._owner_pause: OwnerPause | None = None
        self._reload_at: float | None = None
        self._publish_at = 0.0
        self._is_published = True

    def run(self) -> int:
        """Run until asked to stop, stop cleanly, and return the exit code."""
        with self._signals.installed():
            try:
                with extended_timeout(self._notifier):
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
        """Close the remaining descriptors."""
        self._wake.close()

    def _start(self) -> None:
        self._runtime = self._open_runtime()
        remember_accepted(self._configuration)
        self._apply_pause()
        self._runtime.start()
        for problem in self._files.start():
            log.warning("%s", problem)
        self._phase = None
        self._turn()
        self._notifier.ready(self._describe())
        inboxes = ", ".join(printable(inbox) for inbox in self._configuration.inbox_paths)
        log.info("watching %s", inboxes)

    def _stop(self) -> None:
        """Stop everything within a second or two; photos in progress stay in the inbox."""
        self._phase = DaemonState.STOPPING
        self._notifier.stopping()
        self._training.stop()
        self._review_page.stop()
        self._files.stop()
        if self._runtime is not None:
            self._reporter.batch_finished(self._runtime.pipeline.batch)
            self._publish()
            self._status_file.finish()
            self._runtime.close()
        self._reporter.close()
        self._monitoring.close()
        log.info("stopped")

    def _turn(self) -> None:
        """Do everything that is due, once."""
        if (
            self._wake.drain() or time.monotonic() >= self._publish_at
        ):  # not on every message of the vision process
            self._notice_changes()
        if self._reload_at is not None and self._reload_at <= time.monotonic():
            self._reload_at = None
            self._reload()
        if self._owner_pause is not None and self._owner_pause.is_over(datetime.now().astimezone()):
            self._end_pause()
        if self._runtime is not None:
            self._runtime.step()
        self._review_page.step()
        result = self._training.step()
        if result is not None:
            self._end_training(result)
        self._monitoring.step()
        if time.monotonic() >= self._publish_at:
            self._publish()
        else:
            self._is_published = False

    def _wait(self) -> None:
        """Wait until something happens or is due."""
        poll = select.poll()
        for descriptor in (self._wake.fileno(), self._training.fileno()):
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
        if self._runtime is not None:
            self._runtime.register(poll)
        moments = [self._training.next_due(), self._status_file.next_due(), self._reload_at]
        moments.append(self._review_page.next_due())
        moments.append(None if self._is_published else self._publish_at)
        moments.append(self._pause_ends_at())
        if (monitoring := self._monitoring.next_due()) is not None:
            moments.append(max(monitoring, self._publish_at))
        if self._runtime is not None:
            moments.append(self._runtime.next_due())
        due = min((moment for moment in moments if moment is not None), default=None)
        poll.poll(None if due is None else max(0.0, due - time.monotonic()) * 1000)

    def _open_runtime(self) -> Runtime:
        """Open and recover the library, and connect it to the inboxes."""
        library = open_library(self._configuration)
        self._reporter.totals = Counter(library.totals())
        try:
            return Runtime(self._configuration, library, self._reporter, self._wake.wake)
        except OrganizerError:
            library.close()
            raise

    def _notice_changes(self) -> None:
        """React to changed files: the configuration, the model in use, the pause and the ledger."""
        changed = self._files.changed()
        if self._configuration.path in changed:
            self._reload_at = time.monotonic() + _SAVING_SECONDS
        if self._configuration.model_directory / CURRENT in changed:
            self._switch_model()
        if self._configuration.state_directory / PAUSE_FILE in changed:
            self._apply_pause()
        if self._configuration.ledger_path in changed:
            self._notice_undo()
        if self._signals.take_reload_request():
            self._reload_at = time.monotonic()

    def _notice_undo(self) -> None:
        """Refresh the counts if another process, such as `undo`, has changed the library."""
        if self._runtime is not None and self._runtime.library.has_changed_elsewhere():
            self._reporter.totals = Counter(self._runtime.library.totals())

    def _apply_pause(self) -> None:
        """Pause or resume filing, as the owner asked."""
        before, self._owner_pause = self._owner_pause, read_pause(self._configuration.state_directory)
        if self._runtime is not None:
            self._runtime.pipeline.is_held = self._owner_pause is not None
        if self._owner_pause is not None and self._owner_pause != before:
            log.info("%s", self._owner_pause)
        elif before is not None and self._owner_pause is None:
            log.info("filing resumed")

    def _end_pause(self) -> None:
        """End the owner's pause, whose time has expired."""
        try:
            remove_pause(self._configuration.state_directory)
        except OrganizerError as error:
            log.warning("%s", error)
            return
        self._apply_pause()

    def _pause_ends_at(self) -> float | None:
        """Return when to check the clock again: at least once a minute, because the clock may be set."""
        if self._owner_pause is None or self._owner_pause.until is None:
            return None
        left = (self._owner_pause.until - datetime.now().astimezone()).total_seconds()
        return time.monotonic() + min(max(left, 0.0), _CHECK_CLOCK_SECONDS)

    def _reload(self) -> None:
        """Apply the configuration file; if it is invalid, keep the current configuration."""
        self._notifier.reloading()
        try:
            configuration = load_configuration(self._configuration.path)
            self._apply(configuration)
        except OrganizerError as error:
            problems = str(error).splitlines()
            self._config_error = "; ".join(problems)
            self._reporter.failed(self._config_error, kind="configuration")
            for problem in problems:
                log.error("configuration not reloaded: %s", problem)  # noqa: TRY400  for people
        else:
            self._config_error = None
            remember_accepted(configuration)
            log.info("configuration reloaded")
        self._switch_model()
        self._notifier.ready(self._describe())

    def _apply(self, configuration: Configuration) -> None:
        before = self._configuration
        if configuration.state_directory != before.state_directory:
            raise OrganizerError(
                "a change of the state directory takes effect only after a restart",
                where=configuration.path,
                remedy="restart the daemon",
            )
        make_new_folders(configuration)
        if self._runtime is not None:
            self._runtime.reload(configuration)
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

    def _switch_model(self) -> None:
        if self._runtime is None:
            return
        try:
            self._runtime.switch_model()
        except OrganizerError as error:
            log.error("could not switch to the new model: %s", error)  # noqa: TRY400  for people
            self._reporter.failed(str(error), kind="model")

    def _end_training(self, result: TrainingResult) -> None:
        self._reporter.hook_events.training_finished(
            result.text, promoted=result.promoted, failed=result.failed
        )
        if result.promoted:
            self._switch_model()

    def _build_status(self) -> Status:
        builder = StatusBuilder(self._configuration, self._since, self._reporter, self._training)
        return builder.build(
            self._runtime, phase=self._phase, config_error=self._config_error, owner_pause=self._owner_pause
        )

    def _publish(self) -> None:
        """Publish the status, and end a batch when the inbox is empty.

        This is not done on every turn, because counting the photos in a full inbox takes longer than a turn.
        """
        self._is_published, self._publish_at = True, time.monotonic() + _PUBLISH_SECONDS
        status = self._build_status()
        if self._runtime is not None and status.state is DaemonState.IDLE and not status.settling:
            self._search.is_due |= self._reporter.filed_in_batch > 0
            self._reporter.batch_finished(self._runtime.pipeline.batch)
            self._runtime.pipeline.end_batch()
            if self._search.is_due:
                self._search.step(self._runtime.library)
                self._is_published = not self._search.is_due  # continue when there is nothing else to do
        if self._runtime is not None and status.settling > status.unsettled:
            self._runtime.pipeline.expect_photos()  # so that the model is loaded when they are complete
        try:
            self._status_file.offer(status)
        except OSError as error:
            log.warning("could not write the status: %s", error.strerror)
        self._notifier.status(self._describe(status))
        self._monitoring.update(status, self._runtime, self._reporter.last_error_time)

    def _describe(self, status: Status | None = None) -> str:
        status = self._build_status() if status is None else status
        done = self._reporter.filed_in_batch
        return describe(status, filed=done, batch_size=done + status.queued)

    @contextlib.contextmanager
    def _heartbeat(self) -> Iterator[Callable[[], None]]:
        """Run the watchdog heartbeat; yields the function to call once a turn."""
        timeout_seconds = self._notifier.watchdog_seconds
        if timeout_seconds is None:
            yield lambda: None
            return
        heartbeat = Heartbeat(self._notifier, timeout_seconds / _PINGS_PER_TIMEOUT, self._wake.wake)
        heartbeat.start()
        try:
            yield heartbeat.turned
        finally:
            heartbeat.stop()

    def _new_file_watch(self) -> FileWatch:
        return FileWatch(_watched_files(self._configuration), self._wake.wake)


def _watched_files(configuration: Configuration) -> tuple[Path, ...]:
    """Return the files whose changes the daemon reacts to."""
    return (
        configuration.path,
        configuration.model_directory / CURRENT,
        configuration.state_directory / PAUSE_FILE,
        configuration.ledger_path,
    )


def _desktop(configuration: Configuration) -> DesktopNotifier | None:
    return DesktopNotifier(os.environ) if configuration.notify.desktop else None
