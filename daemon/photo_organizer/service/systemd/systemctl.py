"""Run systemctl, journalctl, loginctl and systemd-run for the current user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from photo_organizer.service.systemd.units import DAEMON_UNIT, UnitError

_SECONDS = 300.0  # starting may include the recovery after a crash


@dataclass(frozen=True, slots=True)
class UnitState:
    """The state of a unit, as systemd reports it.

    Args:
        load: "loaded", "not-found", "bad-setting", ...
        active: "active", "reloading", "inactive", "activating", "failed", ...
        result: "success", or why it failed: "exit-code", "watchdog", "oom-kill", ...
        exit_status: the program's last exit code or signal number.
        status_text: the last STATUS= of the daemon.
        enabled: "enabled", "disabled", "linked", ...
        outdated: the file on disk has changed since the manager read it.
        main_pid: 0 when it is not running.
    """

    load: str
    active: str
    result: str
    exit_status: str
    status_text: str
    enabled: str
    outdated: bool
    main_pid: int

    @property
    def runs(self) -> bool:
        """Return whether the daemon is running; also while it reloads its configuration."""
        return self.active in {"active", "reloading", "refreshing"}


class UserManager:
    """The user's service manager."""

    def available(self) -> bool:
        """Return whether the manager responds."""
        if shutil.which("systemctl") is None:
            return False
        return self._run("systemctl", "--user", "show", "--property=Version").returncode == 0

    def ask(self, *arguments: str) -> str:
        """Run `systemctl --user ARGUMENTS` and return its output.

        Raises:
            UnitError: it failed; the error is the first line of its output.
        """
        done = self._run("systemctl", "--user", *arguments)
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
            raise UnitError(lines[0], where=f"systemctl --user {' '.join(arguments)}")
        return done.stdout

    def state(self, unit: str = DAEMON_UNIT) -> UnitState:
        """Return the state of `unit`.

        Raises:
            UnitError: the manager does not respond.
        """
        wanted = (
            "LoadState,ActiveState,Result,ExecMainStatus,StatusText,UnitFileState,NeedDaemonReload,MainPID"
        )
        values = dict(
            line.partition("=")[::2] for line in self.ask("show", unit, f"--property={wanted}").splitlines()
        )
        return UnitState(
            load=values.get("LoadState", ""),
            active=values.get("ActiveState", ""),
            result=values.get("Result", ""),
            exit_status=values.get("ExecMainStatus", ""),
            status_text=values.get("StatusText", ""),
            enabled=values.get("UnitFileState", ""),
            outdated=values.get("NeedDaemonReload") == "yes",
            main_pid=int(values.get("MainPID") or 0),
        )

    def last_lines(self, unit: str = DAEMON_UNIT, count: int = 5) -> list[str]:
        """Return the last lines of the unit's journal; none if it cannot be read."""
        done = self._run(
            "journalctl",
            "--user",
            "--unit",
            unit,
            "--lines",
            str(count),
            "--output=cat",
            "--no-pager",
            "--quiet",
        )
        return done.stdout.strip().splitlines() if done.returncode == 0 else []

    def lingers(self) -> bool | None:
        """Return whether the user's services run without a login; None if unknown."""
        done = self._run("loginctl", "show-user", user_name(), "--property=Linger", "--value")
        return done.stdout.strip() == "yes" if done.returncode == 0 else None

    def can_run_with(self, properties: Sequence[tuple[str, str]]) -> bool:
        """Return whether a service with these directives starts, by running one that does nothing."""
        wanted = [f"--property={name}={value}" for name, value in properties]
        return (
            self._run("systemd-run", "--user", "--wait", "--collect", "--quiet", *wanted, "true").returncode
            == 0
        )

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        try:
            return subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                timeout=_SECONDS,
                env=environment,
                errors="replace",
            )
        except FileNotFoundError:
            return subprocess.CompletedProcess(command, 127, "", f"{command[0]} is not installed")
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", f"no response in {_SECONDS:.0f} seconds")


def user_name() -> str:
    """Return the name of the user, from the user database."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
