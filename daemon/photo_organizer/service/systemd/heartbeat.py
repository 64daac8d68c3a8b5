"""Signs of life for the service manager, sent only while there is life."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from photo_organizer.service.systemd.sd_notify import Notifier

_EXTENSION_SECONDS = 30.0
_EXTENSIONS_AT_MOST = 120


class Heartbeat(threading.Thread):
    """Pings the watchdog, each time after it has seen the loop turn.

    A ping by timer alone would prove only that this thread lives. So each round wakes the loop, waits until
    the loop has answered by `turned()`, and only then pings: a loop that hangs gets no more pings, and the
    manager restarts us.

    Args:
        notifier: where the pings go.
        interval: seconds between two rounds; a quarter of the manager's patience, so that one late answer is
            no death.
        wake: makes the loop turn soon.
    """

    def __init__(self, notifier: Notifier, interval: float, wake: Callable[[], None]) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._notifier = notifier
        self._interval = interval
        self._wake = wake
        self._stopped = threading.Event()
        self._answered = threading.Event()

    def turned(self) -> None:
        """Called by the loop once a turn."""
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
def patience(notifier: Notifier) -> Iterator[None]:
    """Asks the manager for more time, again and again, while a long step of the start goes on.

    Recovery after a crash and the first scan of a large inbox may take longer than the manager waits for
    READY. An hour is the most: what takes longer hangs.
    """
    finished = threading.Event()

    def keep_asking() -> None:
        for _ in range(_EXTENSIONS_AT_MOST):
            notifier.extend_timeout(2 * _EXTENSION_SECONDS)
            if finished.wait(_EXTENSION_SECONDS):
                return

    thread = threading.Thread(target=keep_asking, name="patience", daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
