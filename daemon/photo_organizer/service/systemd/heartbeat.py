"""Watchdog pings for the service manager, sent only while the loop is running."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from photo_organizer.service.systemd.sd_notify import Notifier

_EXTENSION_SECONDS = 30.0
_EXTENSIONS_AT_MOST = 120


class Heartbeat(threading.Thread):
    """Pings the watchdog, each time after the loop has turned.

    A ping by timer would only prove that this thread is running. So each round wakes the loop, waits until it
    has called `turned()`, and only then pings. If the loop hangs, the pings stop and the manager restarts the
    daemon.

    Args:
        notifier: sends the pings.
        interval: seconds between rounds; a quarter of the manager's timeout, so that one late round does no
            harm.
        wake: wakes the loop.
    """

    def __init__(self, notifier: Notifier, interval: float, wake: Callable[[], None]) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._notifier = notifier
        self._interval = interval
        self._wake = wake
        self._stopped = threading.Event()
        self._answered = threading.Event()

    def turned(self) -> None:
        """Report a turn; called by the loop."""
        self._answered.set()

    def run(self) -> None:
        while not self._stopped.is_set():
            self._answered.clear()
            self._wake()
            if self._answered.wait(self._interval):
                self._notifier.watchdog()
            self._stopped.wait(self._interval)

    def stop(self) -> None:
        self._stopped.set()
        self._answered.set()
        self.join()


@contextlib.contextmanager
def extended_timeout(notifier: Notifier) -> Iterator[None]:
    """Extend the manager's start timeout repeatedly while the block runs, for an hour at most.

    Recovery after a crash and the first scan of a large inbox may take longer than the manager waits.
    """
    finished = threading.Event()

    def keep_asking() -> None:
        for _ in range(_EXTENSIONS_AT_MOST):
            notifier.extend_timeout(2 * _EXTENSION_SECONDS)
            if finished.wait(_EXTENSION_SECONDS):
                return

    thread = threading.Thread(target=keep_asking, name="extended-timeout", daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
