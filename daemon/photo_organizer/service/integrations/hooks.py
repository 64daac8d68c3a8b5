"""Hooks: run the owner's commands on events, with the event as JSON on standard input.

Commands are run without a shell, in the background, and with a time limit. Each hook runs once at a time;
further events are queued.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from photo_organizer.config.settings import HookSettings
from photo_organizer.errors import printable

log = logging.getLogger(__name__)

HOOKS = ("on_ready", "on_batch", "on_review", "on_error", "on_model")
MAX_QUEUED = 100  # queued events per hook; beyond that the oldest are dropped
_POLL_SECONDS = 0.2  # between checks of a running hook
_STOP_SECONDS = 1.0
_MAX_ERROR_LENGTH = 200
# variables of the service manager that are meant only for the daemon
_DAEMON_ONLY = frozenset({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "LISTEN_FDS"})


@dataclass(slots=True)
class _Run:
    """A running command."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    deadline: float


@dataclass(slots=True)
class _Hook:
    """The state of one hook: queued events, the running command, and whether the last run failed."""

    queue: deque[bytes] = field(default_factory=lambda: deque(maxlen=MAX_QUEUED))
    run: _Run | None = None
    has_failed: bool = False


class Hooks:
    """Runs the configured commands. Call `step` when `next_due` has been reached.

    Args:
        settings: the commands and their time limit.
        environment: environment of the commands; variables meant for the daemon are removed.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: HookSettings,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._environment = {key: value for key, value in environment.items() if key not in _DAEMON_ONLY}
        self._clock = clock
        self._hooks = {name: _Hook() for name in HOOKS}
        self._next_ready: float | None = None

    def configure(self, settings: HookSettings) -> None:
        """Apply changed settings; running commands continue."""
        if settings.on_ready != self._settings.on_ready:
            self._next_ready = None
        self._settings = settings
        for hook in self._hooks.values():
            hook.has_failed = False

    def fire(self, name: str, **facts: Any) -> None:  # noqa: ANN401 (whatever JSON holds)
        """Run the hook `name`, if it is configured.

        Args:
            name: a key of `hooks`.
            facts: the content of the event, serializable as JSON; `event` and `time` are added.
        """
        if getattr(self._settings, name) is None:
            return
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        event = {"event": name.removeprefix("on_"), "time": now, **facts}
        text = json.dumps(event, ensure_ascii=True, default=str)
        self._hooks[name].queue.append(text.encode() + b"\n")
        self.step()

    def ping_ready(self, **facts: Any) -> None:  # noqa: ANN401 (whatever JSON holds)
        """Run `on_ready` if it is due: at the start, then every `ready_minutes`."""
        if self._settings.on_ready is None:
            return
        now = self._clock()
        if self._next_ready is None or now >= self._next_ready:
            self._next_ready = now + 60 * self._settings.ready_minutes
            self.fire("on_ready", **facts)

    def next_due(self) -> float | None:
        """Return when to call `step` or `ping_ready` again, even if nothing happens; None when never."""
        moments = []
        # an overdue ping waits until photos can be filed again, so there is no time to wait for
        if self._next_ready is not None and self._next_ready > self._clock():
            moments.append(self._next_ready)
        if any(hook.run for hook in self._hooks.values()):
            moments.append(self._clock() + _POLL_SECONDS)
        return min(moments, default=None)

    def step(self) -> None:
        """Check running commands, and start queued ones."""
        for name, hook in self._hooks.items():
            if hook.run is not None and self._has_ended(name, hook, hook.run):
                hook.run = None
            if hook.run is None and hook.queue:
                self._start(name, hook, hook.queue.popleft())

    def close(self) -> None:
        """Give running commands a second to end, then kill them; drop queued events."""
        deadline = self._clock() + _STOP_SECONDS
        for hook in self._hooks.values():
            hook.queue.clear()
            if hook.run is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    hook.run.process.wait(max(0.0, deadline - self._clock()))
                _kill(hook.run)
                hook.run = None

    def _start(self, name: str, hook: _Hook, event: bytes) -> None:
        command = getattr(self._settings, name)
        if command is None:  # removed from the configuration since
            return
        # files, not pipes: a command that ignores its input or writes endlessly must not block the daemon
        errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the command has ended)
        try:
            with tempfile.TemporaryFile() as standard_input:
                standard_input.write(event)
                standard_input.seek(0)
                process = subprocess.Popen(
                    command,
                    stdin=standard_input,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env=self._environment,
                    start_new_session=True,  # so that its children can be killed with it
                )
        except OSError as error:
            errors.close()
            self._log_failure(name, hook, f"{printable(command[0])}: {error.strerror}")
            return
        hook.run = _Run(process, errors, self._clock() + self._settings.timeout_seconds)

    def _has_ended(self, name: str, hook: _Hook, run: _Run) -> bool:
        code = run.process.poll()
        if code is None:
            if self._clock() < run.deadline:
                return False
            _kill(run)
            self._log_failure(name, hook, f"timed out after {self._settings.timeout_seconds:g} s")
            return True
        if code == 0:
            hook.has_failed = False
        else:
            ended = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            last_line = _last_line(run.errors)
            self._log_failure(name, hook, f"{ended}: {last_line}" if last_line else ended)
        run.errors.close()
        return True

    def _log_failure(self, name: str, hook: _Hook, reason: str) -> None:
        """Log a failure; repeated ones only after the hook has succeeded again."""
        if not hook.has_failed:
            log.warning("hook %s failed: %s", name, reason)
        hook.has_failed = True


def _kill(run: _Run) -> None:
    """Kill the command and all processes that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.process.pid, signal.SIGKILL)
    run.process.wait()
    run.errors.close()


def _last_line(errors: IO[bytes]) -> str:
    """Return the last line that the command wrote to standard error."""
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - 4 * _MAX_ERROR_LENGTH))
    lines = errors.read().decode(errors="replace").split("\n")
    written = [line.strip() for line in lines if line.strip()]
    return printable(written[-1])[:_MAX_ERROR_LENGTH] if written else ""
