"""Hooks: the owner's own commands, run when something has happened, with the facts as JSON on standard input.

No shell is involved, nothing waits for a hook, and none runs for ever. Each hook runs once at a time; what
happens meanwhile waits for its turn.
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
MOST_WAITING = 100  # events of a hook that is slower than they come; the oldest go first
_LOOK_SECONDS = 0.2  # between looks at a hook that runs
_PATIENCE_AT_STOP_SECONDS = 1.0
_LONGEST_COMPLAINT = 200
# what the service manager tells the daemon is not for other programs
_OUR_OWN = frozenset({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "LISTEN_FDS"})


@dataclass(slots=True)
class _Run:
    """A command that is running."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    deadline: float


@dataclass(slots=True)
class _Hook:
    """One hook: what waits for it, what runs, and whether it failed the last time."""

    waiting: deque[bytes] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    run: _Run | None = None
    has_failed: bool = False


class Hooks:
    """Starts the configured commands and watches them. `step` is to be called when `next_due` has come.

    Args:
        settings: the commands and their time limit.
        environment: of the commands, less what is only for the daemon.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        settings: HookSettings,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._environment = {key: value for key, value in environment.items() if key not in _OUR_OWN}
        self._clock = clock
        self._hooks = {name: _Hook() for name in HOOKS}
        self._next_ready: float | None = None

    def configure(self, settings: HookSettings) -> None:
        """Take over changed commands; what is running goes on."""
        if settings.on_ready != self._settings.on_ready:
            self._next_ready = None
        self._settings = settings
        for hook in self._hooks.values():
            hook.has_failed = False

    def fire(self, name: str, **facts: Any) -> None:  # noqa: ANN401 (whatever JSON holds)
        """Have the hook `name` run with these facts, if there is one.

        Args:
            name: a key of `hooks`.
            facts: values for JSON; `event` and `time` are added.
        """
        if getattr(self._settings, name) is None:
            return
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        event = {"event": name.removeprefix("on_"), "time": now, **facts}
        text = json.dumps(event, ensure_ascii=True, default=str)
        self._hooks[name].waiting.append(text.encode() + b"\n")
        self.step()

    def say_ready(self, **facts: Any) -> None:  # noqa: ANN401 (whatever JSON holds)
        """Run `on_ready` now, if its time has come: at the start, and then regularly while all is well."""
        if self._settings.on_ready is None:
            return
        now = self._clock()
        if self._next_ready is None or now >= self._next_ready:
            self._next_ready = now + 60 * self._settings.ready_minutes
            self.fire("on_ready", **facts)

    def next_due(self) -> float | None:
        """When to call `step` or `say_ready` again, even if nothing happens; None when never."""
        moments = []
        # one that is overdue waits until all is well again, and that does not come by waiting
        if self._next_ready is not None and self._next_ready > self._clock():
            moments.append(self._next_ready)
        if any(hook.run for hook in self._hooks.values()):
            moments.append(self._clock() + _LOOK_SECONDS)
        return min(moments, default=None)

    def step(self) -> None:
        """Look after the commands that run, and start those whose turn it is."""
        for name, hook in self._hooks.items():
            if hook.run is not None and self._has_ended(name, hook, hook.run):
                hook.run = None
            if hook.run is None and hook.waiting:
                self._start(name, hook, hook.waiting.popleft())

    def close(self) -> None:
        """Give what runs a second to end, then end it; what waits is forgotten."""
        deadline = self._clock() + _PATIENCE_AT_STOP_SECONDS
        for hook in self._hooks.values():
            hook.waiting.clear()
            if hook.run is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    hook.run.process.wait(max(0.0, deadline - self._clock()))
                _kill(hook.run)
                hook.run = None

    def _start(self, name: str, hook: _Hook, event: bytes) -> None:
        command = getattr(self._settings, name)
        if command is None:  # taken out of the configuration meanwhile
            return
        # files, not pipes: a command that does not read, or writes without end, holds nobody up
        errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the command has ended)
        try:
            with tempfile.TemporaryFile() as given:
                given.write(event)
                given.seek(0)
                process = subprocess.Popen(
                    command,
                    stdin=given,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env=self._environment,
                    start_new_session=True,  # so that its children can be ended with it
                )
        except OSError as error:
            errors.close()
            self._complain(name, hook, f"{printable(command[0])}: {error.strerror}")
            return
        hook.run = _Run(process, errors, self._clock() + self._settings.timeout_seconds)

    def _has_ended(self, name: str, hook: _Hook, run: _Run) -> bool:
        code = run.process.poll()
        if code is None:
            if self._clock() < run.deadline:
                return False
            _kill(run)
            self._complain(name, hook, f"it took longer than {self._settings.timeout_seconds:g} s")
            return True
        if code == 0:
            hook.has_failed = False
        else:
            ended = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            last = _last_line(run.errors)
            self._complain(name, hook, f"{ended}: {last}" if last else ended)
        run.errors.close()
        return True

    def _complain(self, name: str, hook: _Hook, what: str) -> None:
        """Log a failure, once until the hook works again."""
        if not hook.has_failed:
            log.warning("the hook %s failed: %s", name, what)
        hook.has_failed = True


def _kill(run: _Run) -> None:
    """End the command and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.process.pid, signal.SIGKILL)
    run.process.wait()
    run.errors.close()


def _last_line(errors: IO[bytes]) -> str:
    """The last line that the command wrote to its standard error."""
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - 4 * _LONGEST_COMPLAINT))
    lines = errors.read().decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return printable(said[-1])[:_LONGEST_COMPLAINT] if said else ""
