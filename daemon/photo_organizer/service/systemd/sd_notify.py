"""Send notifications to the service manager, as sd_notify(3) does.

The protocol is implemented here because systemd-python is distributed only as source and needs a compiler and
libsystemd's headers. The protocol is simple, documented and stable (sd_notify(3), "Notes").
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping

from photo_organizer.errors import printable


class Notifier:
    """Sends messages to the service manager; does nothing without one.

    Args:
        address: the manager's socket; a leading `@` means an abstract one; None without a manager.
        watchdog_seconds: timeout of the manager's watchdog; None without a watchdog.
    """

    def __init__(self, address: str | None, watchdog_seconds: float | None = None) -> None:
        self._address = address
        self.watchdog_seconds = watchdog_seconds if address else None
        self._last_status = ""

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str]) -> Notifier:
        """Read and remove the manager's variables, so that child processes do not inherit them."""
        address = environment.pop("NOTIFY_SOCKET", None)
        microseconds = environment.pop("WATCHDOG_USEC", "")
        target_pid = environment.pop("WATCHDOG_PID", "")
        is_ours = target_pid in ("", str(os.getpid()))
        return cls(address, int(microseconds) / 1e6 if microseconds.isdigit() and is_ours else None)

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={printable(status)}")

    def reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1\nSTATUS=stopping")

    def status(self, text: str) -> None:
        """Send a line for people, if it differs from the last one."""
        if text != self._last_status:
            self._last_status = text
            self._send(f"STATUS={printable(text)}")

    def extend_timeout(self, seconds: float) -> None:
        """Ask for more time to start or stop: at least `seconds` from now."""
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
            # photos are filed even if the manager is gone
            self._address = None
