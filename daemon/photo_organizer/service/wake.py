"""Wake the loop from another thread or a signal handler, through a pipe."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

_PIECE = 4096


class WakePipe:
    """A pipe that the loop polls. Several wakes before the next turn count as one."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        return self._read

    def wake(self) -> None:
        """Wake the loop; safe in any thread and in a signal handler."""
        with contextlib.suppress(BlockingIOError):  # full: a wake is already pending
            os.write(self._write, b"\0")

    def drain(self) -> bool:
        """Return whether there was a wake since the last call."""
        woken = False
        with contextlib.suppress(BlockingIOError):
            full = True
            while full:
                full = len(os.read(self._read, _PIECE)) == _PIECE
                woken = True
        return woken

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


class Signals:
    """Requests by signal: stop (SIGTERM, SIGINT) and reload (SIGHUP).

    The handlers only set a flag and wake the loop. After the first request to stop, Python's handler of
    SIGINT is restored, so that a second Ctrl-C ends a hanging process.
    """

    def __init__(self, wake: WakePipe) -> None:
        self._wake = wake
        self._stop = False
        self._interrupted = False
        self._reload = False

    @property
    def stop_requested(self) -> bool:
        return self._stop

    @property
    def exit_code(self) -> int:
        """Return the exit code that a shell expects after the request to stop: 130 for Ctrl-C, else 0."""
        return 128 + signal.SIGINT if self._interrupted else 0

    def take_reload_request(self) -> bool:
        """Return whether SIGHUP was received since the last call."""
        requested, self._reload = self._reload, False
        return requested

    @contextlib.contextmanager
    def installed(self) -> Iterator[Signals]:
        """Install the handlers for a `with` block, and restore the previous ones after it."""
        before = {
            number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_stop(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            self._interrupted = True
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self._stop = True
        self._wake.wake()

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._reload = True
        self._wake.wake()
