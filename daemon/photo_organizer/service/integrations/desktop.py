"""One desktop notification a batch ("34 photos filed, 5 to review"), where there is a desktop.

It goes through `notify-send`, the freedesktop tool that every desktop distribution carries and keeps; a D-Bus
library of our own would stay in the daemon's memory for one sentence a day.
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
    """Shows messages, or does nothing where nobody could see them.

    Args:
        environment: where the session bus and the search path are named.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        command = shutil.which("notify-send", path=environment.get("PATH"))
        self._command = command if _has_session_bus(environment) else None
        self._running: subprocess.Popen[bytes] | None = None

    def batch_finished(self, *, filed: int, review: int, quarantined: int) -> None:
        """Tells what became of the photos since the last message; silent when there were none.

        A message that is still on its way (a desktop that does not answer) is not followed by a second.
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
            log.warning("no desktop notification: %s", error.strerror)

    def close(self) -> None:
        """Lets a message that is on its way arrive, for a second at most."""
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
