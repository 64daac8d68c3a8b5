"""Installing the daemon as a user service, and taking it back. Never with more rights than the person has."""

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
    """Where systemd looks for the person's own units."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.fspath(Path.home() / ".config")
    return Path(home) / "systemd" / "user"


def planned_units(configuration: Configuration, *, timer: bool, sandbox: bool) -> list[RenderedUnit]:
    """The unit files of this machine and configuration, in full.

    Args:
        configuration: whose file and folders they name.
        timer: also the training service and its timer.
        sandbox: also the tighter sandbox.
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
    """Writes, enables and starts the units, and waits until the daemon says that it is ready.

    Running it again after a change updates the units and restarts the daemon only if they differ.

    Args:
        configuration: the folders that the service may write in are its.
        manager: the person's service manager.
        directory: where unit files go.
        timer: retraining by systemd's timer instead of the daemon's own schedule.

    Yields:
        A line for each thing that was done, right after it was.

    Raises:
        UnitError: no manager answers, or the daemon does not start; the journal's last lines are in the
            error.
    """
    if not manager.available():
        raise UnitError(
            "no systemd user manager answers here",
            remedy=f"start `{typed('run')}` by what this system has instead",
        )
    if timer and configuration.retraining.enabled:
        raise UnitError(
            "the daemon retrains by itself already",
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
        yield "left the sandbox drop-in away: this system lets no unprivileged user make a user namespace"
    manager.ask("daemon-reload")
    yield from _start(manager, restart=bool(changed), timer=timer)
    if manager.lingers() is False:
        yield (
            "it stops when you log out; to let it run always, type once: "
            f"loginctl enable-linger {user_name()}"
        )


def uninstall(manager: UserManager, directory: Path) -> Iterator[str]:
    """Stops the service and removes its unit files; photos, ledger, models and configuration stay.

    Yields:
        A line for each thing that was done.
    """
    present = [name for name in _OURS if (directory / name).is_file() or (directory / name).is_symlink()]
    answers = manager.available()
    if answers:
        for unit in (TRAIN_TIMER, TRAIN_UNIT, DAEMON_UNIT):
            if unit in present:
                manager.ask("disable", "--now", unit)
                yield f"stopped and disabled {unit}"
    for name in present:
        if _remove(directory / name):
            yield f"removed {directory / name}"
    if answers:
        manager.ask("daemon-reload")
        for unit in (DAEMON_UNIT, TRAIN_UNIT):
            if manager.state(unit).active == "failed":
                manager.ask("reset-failed", unit)
    if not present:
        yield "nothing was installed"


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
            "the service does not start" + (f": {lines[-1]}" if lines else ""),
            remedy=f"see journalctl --user -u {DAEMON_UNIT}",
        ) from error
    yield f"started {DAEMON_UNIT}: {manager.state().status_text or 'ready'}"
    if timer:
        manager.ask("enable", "--now", TRAIN_TIMER)
        yield f"enabled {TRAIN_TIMER}"


def _write(path: Path, text: str) -> bool:
    """Whether the file had to be written. A link (`systemctl link`) is replaced, not written through."""
    if path.is_file() and not path.is_symlink() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text)
    return True


def _remove(path: Path) -> bool:
    """Whether there was such a file; its drop-in folder goes with it when the owner has nothing else in
    it.
    """
    if not path.is_symlink() and not path.exists():
        return False
    path.unlink()
    if path.parent.name.endswith(".service.d") and not any(path.parent.iterdir()):
        path.parent.rmdir()
    return True
