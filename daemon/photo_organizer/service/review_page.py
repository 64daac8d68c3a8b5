"""The process of the review page, which the daemon keeps running with `review_page: {enabled: true}`."""

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

_CHECK_SECONDS = 30.0
_STOP_SECONDS = 3.0
_LOG_FILE = "review-page.log"


class ReviewPageProcess:
    """Starts the page, restarts it when it has ended or the configuration has changed, and stops it.

    Args:
        configuration: whether the page is enabled, and the library that it shows.
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
        self._check_at = clock()

    @property
    def pid(self) -> int | None:
        """Return the id of the process, if it is running."""
        return self._process.pid if self._process is not None else None

    def configure(self, configuration: Configuration) -> None:
        """Apply a changed configuration by restarting the process."""
        if configuration != self._configuration:
            self.stop()
            self._configuration = configuration
            self._check_at = self._clock()

    def next_due(self) -> float | None:
        """Return when `step` is due, in the clock's time; None when the page is disabled."""
        return self._check_at if self._configuration.review_page.enabled else None

    def step(self) -> None:
        """Start the page if it should be running and is not."""
        if not self._configuration.review_page.enabled or self._clock() < self._check_at:
            return
        self._check_at = self._clock() + _CHECK_SECONDS
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            self._process = None
            where = self._configuration.state_directory / _LOG_FILE
            log.warning("the review page ended with exit code %s, restarting it; see %s", code, where)
        try:
            with private_file(self._configuration.state_directory / _LOG_FILE) as errors:
                self._process = subprocess.Popen(
                    [*self._command, str(self._configuration.path)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=True,  # Ctrl-C is for the daemon, which then stops it
                )
        except OSError as error:
            log.warning("could not start the review page: %s", error.strerror)
            return
        log.info("review page running on port %d; open it with %s", self._port, typed("review"))

    @property
    def _port(self) -> int:
        return self._configuration.review_page.port

    def stop(self) -> None:
        """Stop the page."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
