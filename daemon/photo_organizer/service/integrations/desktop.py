"""Desktop notifications, one per batch: "34 photos filed, 5 to review".

They are sent with `notify-send`, which every desktop distribution includes, rather than with a D-Bus library,
which would stay in the daemon's memory.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger(__name__)


class DesktopNotifier:
    """Shows notifications; does nothing without a desktop session or `notify-send`.

    Args:
        environment: environment variables with the search path and the session bus.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        command = shutil.which("notify-send", path=environment.get("PATH"))
        self._command = command if _has_session_bus(environment) else None
        self._running: subprocess.Popen[bytes] | None = None

    def batch_finished(self, *, filed: int, review: int, quarantined: int) -> None:
        """Show how many photos were filed; nothing when there were none.

        Nothing is shown while the last `notify-send` is still running, because the desktop does not respond.
        """
        text = _sentence(filed=filed, review=review, quarantined=quarantined)
        if not text or self._command is None or (self._running and self._running.poll() is None):
            return
        arguments = [
            self._command,
            "--app-name=Smart Photo Organizer",
            "--icon=image-x-generic",
            "Photos",
            text,
        ]
        try:
            self._running = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            log.warning("could not show a desktop notification: %s", error.strerror)

    def close(self) -> None:
        """Wait up to a second for a running `notify-send`, then kill it."""
        if self._running is not None:
            try:
                self._running.wait(1.0)
            except subprocess.TimeoutExpired:
                self._running.kill()
                self._running.wait()


def _has_session_bus(environment: Mapping[str, str]) -> bool:
    if environment.get("DBUS_SESSION_BUS_ADDRESS"):
        return True
    runtime = environment.get("XDG_RUNTIME_DIR")
    return runtime is not None and Path(os.path.join(runtime, "bus")).is_socket()


def _sentence(*, filed: int, review: int, quarantined: int) -> str:
    parts = []
    if filed:
        parts.append(f"{filed:,} {'photo' if filed == 1 else 'photos'} filed")
    if review:
        parts.append(f"{review:,} to review")
    if quarantined:
        parts.append(f"{quarantined:,} in quarantine")
    return ", ".join(parts)
