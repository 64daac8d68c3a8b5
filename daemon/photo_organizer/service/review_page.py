"""The review page beside the daemon (`review_page: {enabled: true}`): its process, kept running."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from photo_organizer.config import Configuration
from photo_organizer.files import private_file
from photo_organizer.typed_command import typed

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 30.0  # after it ended by itself, and how often it is looked after
_PATIENCE_AT_STOP_SECONDS = 3.0
_LOG_FILE = "review-page.log"


class ReviewPageProcess:
    """Starts the page, starts it anew when it ended or the configuration changed, and ends it.

    Args:
        configuration: whether there is a page, and whose photos it shows.
        clock: monotonic.
        command: the program to run; the real one by default.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        clock: Callable[[], float] = time.monotonic,
        command: Sequence[str] = (sys.executable, "-P", "-m", "photo_organizer.web"),
    ) -> None:
        self._configuration = configuration
        self._clock = clock
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._look_at = clock()

    @property
    def pid(self) -> int | None:
        """The process, when there is one."""
        return self._process.pid if self._process is not None else None

    def configure(self, configuration: Configuration) -> None:
        """Goes on by another configuration, with another process."""
        if configuration != self._configuration:
            self.stop()
            self._configuration = configuration
            self._look_at = self._clock()

    def next_due(self) -> float | None:
        """When `step` has something to do, in the clock's time; None without a page."""
        return self._look_at if self._configuration.review_page.enabled else None

    def step(self) -> None:
        """Starts the page where it should run and does not."""
        if not self._configuration.review_page.enabled or self._clock() < self._look_at:
            return
        self._look_at = self._clock() + _AGAIN_SECONDS
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            self._process = None
            where = self._configuration.state_directory / _LOG_FILE
            log.warning("the review page ended (%s) and is started again; see %s", code, where)
        try:
            with private_file(self._configuration.state_directory / _LOG_FILE) as errors:
                self._process = subprocess.Popen(
                    [*self._command, str(self._configuration.path)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=True,  # Ctrl-C is for the daemon, which then ends it
                )
        except OSError as error:
            log.warning("the review page cannot be started: %s", error.strerror)
            return
        log.info("the review page is at port %d; open it with %s", self._port, typed("review"))

    @property
    def _port(self) -> int:
        return self._configuration.review_page.port

    def stop(self) -> None:
        """Ends the page."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_PATIENCE_AT_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
