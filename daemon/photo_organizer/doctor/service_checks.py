"""Checks of the systemd service and of the daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.doctor.check import Check, Mark, fix, hint, ok
from photo_organizer.errors import printable
from photo_organizer.service.status.attention import Severity, daemon_needs
from photo_organizer.service.status.running_daemon import read_status
from photo_organizer.service.systemd.installation import planned_units, unit_directory
from photo_organizer.service.systemd.systemctl import UserManager, user_name
from photo_organizer.service.systemd.units import DAEMON_UNIT, SANDBOX
from photo_organizer.typed_command import typed

_RESULTS = {
    "exit-code": "it ended with exit code {status}",
    "signal": "it was killed by signal {status}",
    "core-dump": "it crashed (signal {status})",
    "watchdog": "it hung and was killed by the watchdog",
    "timeout": "it was not ready in time",
    "oom-kill": "the machine ran out of memory",
    "start-limit-hit": "it failed five times in ten minutes",
    "resources": "systemd could not set it up",
}


def service(configuration: Configuration, manager: UserManager | None = None) -> Iterator[Check]:
    """Check the unit: missing, outdated, failing, or stopping at logout."""
    manager = manager or UserManager()
    install = f"run `{typed('service install')}`"
    if not manager.available():
        yield hint(
            "service",
            "there is no systemd user manager",
            f"start `{typed('run')}` with the service manager of this system",
        )
        return
    state = manager.state()
    if state.load == "not-found":
        yield hint("service", "the systemd service is not installed", install)
        return
    if state.load != "loaded":
        yield fix("service", f"systemd cannot read {DAEMON_UNIT} ({state.load})", install)
    installed = unit_directory() / DAEMON_UNIT
    if installed.is_file() and not installed.is_symlink() and _is_outdated(configuration, installed.parent):
        yield fix("service", f"{printable(installed)} does not match this program and configuration", install)
    if state.outdated:
        yield fix(
            "service",
            "the unit file has changed since systemd read it",
            "run `systemctl --user daemon-reload`",
        )
    if state.enabled not in {"enabled", "enabled-runtime"}:
        yield fix(
            "service",
            "the service does not start automatically",
            f"run `systemctl --user enable {DAEMON_UNIT}`",
        )
    if state.active == "failed" or state.result not in {"", "success"}:
        reason = _RESULTS.get(state.result, state.result).format(status=state.exit_status)
        lines = manager.last_lines(count=3)
        said = f"; its last messages: {printable(' | '.join(lines))}" if lines else ""
        yield fix(
            "service", f"the service failed: {reason}{said}", f"see `journalctl --user -u {DAEMON_UNIT}`"
        )
    elif not state.runs:
        yield fix(
            "service",
            f"the service is not running ({state.active})",
            f"run `systemctl --user start {DAEMON_UNIT}`",
        )
    if manager.lingers() is False:
        yield hint(
            "service", "the service stops when you log out", f"run `loginctl enable-linger {user_name()}`"
        )


def _is_outdated(configuration: Configuration, directory: Path) -> bool:
    has_sandbox = (directory / SANDBOX).is_file()
    units = planned_units(configuration, timer=False, sandbox=has_sandbox)
    return any(
        (directory / unit.name).read_text(encoding="utf-8", errors="replace") != unit.text for unit in units
    )


def daemon(configuration: Configuration) -> Iterator[Check]:
    """Check whether the daemon is running, and whether it reports problems."""
    status = read_status(configuration)
    needs = list(daemon_needs(status))
    for need in needs:
        is_normal = need.severity is Severity.WAITS or need.kind == "stopped"
        yield Check("daemon", Mark.HINT if is_normal else Mark.FIX, need.what, need.remedy)
    if not needs:
        yield ok("daemon", f"{status['state']} (process {status['pid']})")
