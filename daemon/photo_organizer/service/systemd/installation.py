"""Install and uninstall the daemon as a systemd user service, without additional rights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.files import replace_file
from photo_organizer.service.systemd.systemctl import UserManager, user_name
from photo_organizer.service.systemd.units import (
    DAEMON_UNIT,
    SANDBOX,
    TRAIN_TIMER,
    TRAIN_UNIT,
    RenderedUnit,
    UnitError,
    properties,
    render_daemon,
    render_sandbox,
    render_training,
)
from photo_organizer.typed_command import typed

_OURS = (DAEMON_UNIT, SANDBOX, TRAIN_UNIT, TRAIN_TIMER)


def unit_directory() -> Path:
    """Return the folder of the user's own units."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.fspath(Path.home() / ".config")
    return Path(home) / "systemd" / "user"


def planned_units(configuration: Configuration, *, timer: bool, sandbox: bool) -> list[RenderedUnit]:
    """Return the unit files for this machine and configuration.

    Args:
        configuration: its file and folders are written into the units.
        timer: include the training service and its timer.
        sandbox: include the drop-in with the stricter sandbox.
    """
    units = [render_daemon(configuration)]
    if sandbox:
        units.append(render_sandbox())
    if timer:
        units += render_training(configuration)
    return units


def install(
    configuration: Configuration, manager: UserManager, directory: Path, *, timer: bool
) -> Iterator[str]:
    """Write, enable and start the units, and wait until the daemon is ready.

    If the units are already installed, update them and restart the daemon only if they have changed.

    Args:
        configuration: its file and folders are written into the units.
        manager: the user's service manager.
        directory: the folder for unit files.
        timer: retrain with systemd's timer instead of the daemon's own schedule.

    Yields:
        A line for each step, when it is done.

    Raises:
        UnitError: there is no service manager, or the daemon does not start; the error includes the last
            line of its journal.
    """
    if not manager.available():
        raise UnitError(
            "there is no systemd user manager",
            remedy=f"start `{typed('run')}` with the service manager of this system",
        )
    if timer and configuration.retraining.enabled:
        raise UnitError(
            "the daemon already retrains on its own schedule",
            where=configuration.path,
            remedy="set `retraining: {enabled: false}` to use the timer",
        )
    sandbox = manager.can_run_with(properties(render_sandbox().text))
    changed = []
    for unit in planned_units(configuration, timer=timer, sandbox=sandbox):
        if _write(directory / unit.name, unit.text):
            changed.append(unit.name)
            yield f"wrote {directory / unit.name}"
    if not sandbox:
        if _remove(directory / SANDBOX):
            changed.append(SANDBOX)
        yield "sandbox drop-in not installed: this system does not allow unprivileged user namespaces"
    manager.ask("daemon-reload")
    yield from _start(manager, restart=bool(changed), timer=timer)
    if manager.lingers() is False:
        yield (
            "the service stops when you log out; to keep it running, run: "
            f"loginctl enable-linger {user_name()}"
        )


def uninstall(manager: UserManager, directory: Path) -> Iterator[str]:
    """Stop the service and remove its unit files; keep photos, ledger, models and configuration.

    Yields:
        A line for each step, when it is done.
    """
    present = [name for name in _OURS if (directory / name).is_file() or (directory / name).is_symlink()]
    is_available = manager.available()
    if is_available:
        for unit in (TRAIN_TIMER, TRAIN_UNIT, DAEMON_UNIT):
            if unit in present:
                manager.ask("disable", "--now", unit)
                yield f"stopped and disabled {unit}"
    for name in present:
        if _remove(directory / name):
            yield f"removed {directory / name}"
    if is_available:
        manager.ask("daemon-reload")
        for unit in (DAEMON_UNIT, TRAIN_UNIT):
            if manager.state(unit).active == "failed":
                manager.ask("reset-failed", unit)
    if not present:
        yield "the service is not installed"


def _start(manager: UserManager, *, restart: bool, timer: bool) -> Iterator[str]:
    manager.ask("enable", DAEMON_UNIT)
    yield f"enabled {DAEMON_UNIT}"
    if manager.state().active == "failed":
        manager.ask("reset-failed", DAEMON_UNIT)
    try:
        manager.ask("restart" if restart else "start", DAEMON_UNIT)
    except UnitError as error:
        lines = manager.last_lines()
        raise UnitError(
            "the service failed to start" + (f": {lines[-1]}" if lines else ""),
            remedy=f"see journalctl --user -u {DAEMON_UNIT}",
        ) from error
    yield f"started {DAEMON_UNIT}: {manager.state().status_text or 'ready'}"
    if timer:
        manager.ask("enable", "--now", TRAIN_TIMER)
        yield f"enabled {TRAIN_TIMER}"


def _write(path: Path, text: str) -> bool:
    """Write the file if it differs, and return whether it did. A link (`systemctl link`) is replaced."""
    if path.is_file() and not path.is_symlink() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text)
    return True


def _remove(path: Path) -> bool:
    """Remove a file, and its drop-in folder if that is then empty; return whether there was one."""
    if not path.is_symlink() and not path.exists():
        return False
    path.unlink()
    if path.parent.name.endswith(".service.d") and not any(path.parent.iterdir()):
        path.parent.rmdir()
    return True
