"""What is wrong with this machine for the daemon, in plain words, each with what to do about it."""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.errors import printable
from photo_organizer.service.systemd.installation import planned_units, unit_directory
from photo_organizer.service.systemd.systemctl import UserManager, user_name
from photo_organizer.service.systemd.units import DAEMON_UNIT, SANDBOX

_WATCH_LIMIT = Path("/proc/sys/fs/inotify/max_user_watches")
_INSTANCE_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_INSTANCES_NEEDED = 8
_MOST_FOLDERS_COUNTED = 1_000_000
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RESULTS = {
    "exit-code": "it ended with exit code {status}",
    "signal": "it was killed by signal {status}",
    "core-dump": "it crashed (signal {status})",
    "watchdog": "it hung, and the watchdog ended it",
    "timeout": "it did not get ready in time",
    "oom-kill": "the machine ran out of memory",
    "start-limit-hit": "it failed five times in ten minutes",
    "resources": "systemd could not set it up",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, and what to do about it. `optional` when all works without."""

    problem: str
    remedy: str
    optional: bool = False


def findings(configuration: Configuration, manager: UserManager | None = None) -> list[Finding]:
    """All that is wrong with the service, the folders and the machine; empty when nothing is."""
    manager = manager or UserManager()
    found = [*service_findings(configuration, manager), *folder_findings(configuration)]
    found += [*inotify_findings(configuration), *package_findings()]
    return found


def service_findings(configuration: Configuration, manager: UserManager) -> Iterator[Finding]:
    """The unit: missing, outdated, failing, or ending at logout."""
    install = "run `photo-organizer service install`"
    if not manager.available():
        yield Finding(
            "no systemd user manager answers here",
            "start `photo-organizer run` by other means",
            optional=True,
        )
        return
    state = manager.state()
    if state.load == "not-found":
        yield Finding("the systemd service is not installed", install, optional=True)
        return
    if state.load != "loaded":
        yield Finding(f"systemd cannot read {DAEMON_UNIT} ({state.load})", install)
    installed = unit_directory() / DAEMON_UNIT
    if installed.is_file() and not installed.is_symlink() and _is_outdated(configuration, installed.parent):
        yield Finding(f"{printable(installed)} does not fit this program and configuration any more", install)
    if state.outdated:
        yield Finding(
            "the unit file was changed since systemd read it", "run `systemctl --user daemon-reload`"
        )
    if state.enabled not in {"enabled", "enabled-runtime"}:
        yield Finding("the service does not start by itself", f"run `systemctl --user enable {DAEMON_UNIT}`")
    if state.active == "failed" or state.result not in {"", "success"}:
        reason = _RESULTS.get(state.result, state.result).format(status=state.exit_status)
        lines = manager.last_lines(count=3)
        said = f"; it said last: {printable(' | '.join(lines))}" if lines else ""
        yield Finding(f"the service failed: {reason}{said}", f"see `journalctl --user -u {DAEMON_UNIT}`")
    elif not state.runs:
        yield Finding(
            f"the service does not run ({state.active})", f"run `systemctl --user start {DAEMON_UNIT}`"
        )
    if manager.lingers() is False:
        yield Finding(
            "the service stops when you log out", f"run `loginctl enable-linger {user_name()}`", optional=True
        )


def folder_findings(configuration: Configuration) -> Iterator[Finding]:
    """Folders that are missing or not writable, and a library where a move could replace a file."""
    state = configuration.state_directory
    for name, folder in [
        *(("inbox", inbox) for inbox in configuration.inboxes),
        ("library", configuration.library),
        ("state folder", state),
        ("folder of the ledger", configuration.ledger_path.parent),
    ]:
        where = printable(folder)
        if not folder.is_dir():
            if folder != state:
                yield Finding(f"the {name} {where} is missing", "mount it, or run `photo-organizer init`")
        elif not os.access(folder, os.W_OK | os.X_OK):
            yield Finding(
                f"the {name} {where} cannot be written", f"run `chmod u+rwx '{where}'` or choose another"
            )
        elif name == "library" and not _moves_without_replacing(folder):
            yield Finding(
                f"the file system of {where} has no atomic move that never replaces a file",
                "photos are linked and then unlinked there, or copied; ext4, btrfs or xfs do better",
                optional=True,
            )


def inotify_findings(configuration: Configuration) -> Iterator[Finding]:
    """Too few inotify watches for the folders of the inboxes: some are then seen at the next rescan only."""
    if configuration.watch.mode == "polling":
        return
    allowed = _number(_WATCH_LIMIT)
    needed = sum(
        _count_folders(inbox, recursive=configuration.watch.recursive) for inbox in configuration.inboxes
    )
    if allowed is not None and needed > allowed // 2:
        wanted = max(524_288, 4 * needed)
        yield Finding(
            f"the inboxes have {needed:,} folders; the kernel lets all your programs watch {allowed:,}",
            _sysctl("fs.inotify.max_user_watches", wanted),
        )
    instances = _number(_INSTANCE_LIMIT)
    if instances is not None and instances < _INSTANCES_NEEDED:
        yield Finding(
            f"the kernel lets all your programs together watch by {instances} instances of inotify only",
            _sysctl("fs.inotify.max_user_instances", 128),
        )


def package_findings() -> Iterator[Finding]:
    """Packages that are not there; everything works without them, a little plainer."""
    # the module in it, for a checkout's own folder `systemd` passes for a package of that name
    has_package = importlib.util.find_spec("systemd") and importlib.util.find_spec("systemd.journal")
    if Path("/run/systemd/journal/socket").exists() and not has_package:
        yield Finding(
            "systemd-python is not installed; journal fields are sent by the program itself",
            "nothing needs it; to have it all the same, install python3-systemd (Debian, Ubuntu, Fedora) or "
            "python-systemd (Arch), or build the extra [systemd] with pkg-config, a C compiler and "
            "libsystemd-dev (Debian, Ubuntu), systemd-devel (Fedora) or systemd-libs (Arch)",
            optional=True,
        )


def _sysctl(name: str, value: int) -> str:
    """The line that raises a limit of the kernel, now and after the next start."""
    file = f"/etc/sysctl.d/60-photo-organizer-{name.rpartition('.')[2]}.conf"
    return f"run `echo {name}={value} | sudo tee {file} && sudo sysctl --system`"


def _is_outdated(configuration: Configuration, directory: Path) -> bool:
    has_sandbox = (directory / SANDBOX).is_file()
    units = planned_units(configuration, timer=False, sandbox=has_sandbox)
    return any(
        (directory / unit.name).read_text(encoding="utf-8", errors="replace") != unit.text for unit in units
    )


def _moves_without_replacing(folder: Path) -> bool:
    """Whether the file system of `folder` knows renameat2(2) with RENAME_NOREPLACE, tried with a hidden file
    of ours.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".photo-organizer-check-", suffix=".tmp") as probe:
        name = os.fsencode(probe.name)
        # Onto itself: a file system that knows the flag says "exists", one that does not says "invalid".
        failed = rename(_AT_FDCWD, name, _AT_FDCWD, name, _RENAME_NOREPLACE) != 0
        return failed and ctypes.get_errno() == errno.EEXIST


def _count_folders(folder: Path, *, recursive: bool) -> int:
    if not folder.is_dir():
        return 0
    if not recursive:
        return 1
    count = 0
    for _ in os.walk(folder):
        count += 1
        if count >= _MOST_FOLDERS_COUNTED:
            break
    return count


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
