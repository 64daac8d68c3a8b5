"""Telling the service manager how we are: the datagrams of sd_notify(3).

The protocol is spoken here and not through systemd-python, because that package exists only as source and
wants a compiler and libsystemd's headers, while the protocol is a few lines, documented, and promised to stay
(sd_notify(3), "Notes": programs are free to speak it themselves).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping

from photo_organizer.errors import printable


class Notifier:
    """Messages to the manager that started us; silent where there is none.

    Args:
        address: the manager's socket, `None` where nobody listens. A leading `@` is an abstract one.
        watchdog_seconds: the manager ends us when no ping comes for this long; `None` without a watchdog.
    """

    def __init__(self, address: str | None, watchdog_seconds: float | None = None) -> None:
        self._address = address
        self.watchdog_seconds = watchdog_seconds if address else None
        self._last_status = ""

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str]) -> Notifier:
        """Reads and removes NOTIFY_SOCKET and the watchdog's variables, so that no child speaks in our
        name.
        """
        address = environment.pop("NOTIFY_SOCKET", None)
        microseconds = environment.pop("WATCHDOG_USEC", "")
        meant_for = environment.pop("WATCHDOG_PID", "")
        ours = meant_for in ("", str(os.getpid()))
        return cls(address, int(microseconds) / 1e6 if microseconds.isdigit() and ours else None)

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={printable(status)}")

    def reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1\nSTATUS=stopping")

    def status(self, text: str) -> None:
        """One line that a person can read; sent only when it differs from the last."""
        if text != self._last_status:
            self._last_status = text
            self._send(f"STATUS={printable(text)}")

    def extend_timeout(self, seconds: float) -> None:
        """Asks for more time to start or to stop: at least `seconds` from now."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def watchdog(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
                manager.sendto(message.encode("utf-8", "backslashreplace"), address)
        except OSError:
            # A manager that is gone or that has never been there must not stop the photos.
            self._address = None
