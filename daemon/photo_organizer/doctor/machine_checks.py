"""Checks of the machine: watching, engines, decoders, packages."""

from __future__ import annotations

import importlib.util
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from photo_organizer.config import Configuration
from photo_organizer.doctor.check import Check, fix, hint, ok
from photo_organizer.formats import EXTRAS, available_extras
from photo_organizer.learning.finetune.requirements import INSTALL_TRAIN, missing_packages
from photo_organizer.service.runtime import watched_folders
from photo_organizer.vision.backbone.cores import available_cores
from photo_organizer.vision.worker.confinement import available_confinement

FAST_CPU_FLAGS = ("avx512_vnni", "avx_vnni", "amx_int8", "avx512_bf16", "asimddp")
_WATCH_LIMIT = Path("/proc/sys/fs/inotify/max_user_watches")
_INSTANCE_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_INSTANCES_NEEDED = 8
_MOST_FOLDERS_COUNTED = 1_000_000


def watching(configuration: Configuration) -> Iterator[Check]:
    """Check for too few inotify watches: some folders are then seen at the next rescan only."""
    if configuration.watch.mode == "polling":
        yield ok("watching", "by polling, as configured")
        return
    allowed = _number(_WATCH_LIMIT)
    needed = sum(
        _count_folders(inbox.path, recursive=inbox.recursive) for inbox in watched_folders(configuration)
    )
    if allowed is not None and needed > allowed // 2:
        wanted = max(524_288, 4 * needed)
        yield fix(
            "watching",
            f"the inboxes have {needed:,} folders; the kernel lets all your programs watch {allowed:,}",
            _sysctl("fs.inotify.max_user_watches", wanted),
        )
    instances = _number(_INSTANCE_LIMIT)
    if instances is not None and instances < _INSTANCES_NEEDED:
        yield fix(
            "watching",
            f"the kernel lets all your programs together watch by {instances} instances of inotify only",
            _sysctl("fs.inotify.max_user_instances", 128),
        )


def _sysctl(name: str, value: int) -> str:
    """The line that raises a limit of the kernel, now and after the next start."""
    file = f"/etc/sysctl.d/60-photo-organizer-{name.rpartition('.')[2]}.conf"
    return f"run `echo {name}={value} | sudo tee {file} && sudo sysctl --system`"


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


def engine(configuration: Configuration) -> Iterator[Check]:
    """Say which engine can serve, and what the processor has for it."""
    wanted = configuration.model.engine
    has_openvino = importlib.util.find_spec("openvino") is not None
    flags = [flag for flag in cpu_flags() if flag in FAST_CPU_FLAGS]
    processor = f"{platform.machine()}, {available_cores()} cores" + (f", {' '.join(flags)}" if flags else "")
    if wanted == "openvino" and not has_openvino:
        yield fix("engine", "openvino is not installed", "install it, or set `model: {engine: auto}`")
    elif wanted == "tensorflow" or not has_openvino:
        yield hint("engine", f"tensorflow ({processor})", "openvino classifies several times as fast")
    else:
        yield ok("engine", f"openvino ({processor})")


def cpu_flags() -> tuple[str, ...]:
    """The processor's features as Linux names them; none where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    line = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return tuple(line.partition(":")[2].split())


def extras(_configuration: Configuration) -> Iterator[Check]:
    """Check for the decoders of formats that not everybody has."""
    missing = EXTRAS.keys() - available_extras()
    if not missing:
        yield ok("formats", "all, with " + ", ".join(extra.title for extra in EXTRAS.values()))
    for name in sorted(missing):
        remedy = f"pip install 'smart-photo-organizer[{name}]'"
        yield hint(
            "formats",
            f"{EXTRAS[name].title} photos wait in the inbox: their decoder is not installed",
            remedy,
        )


def packages(configuration: Configuration) -> Iterator[Check]:
    """Check for packages that are not there; everything works without them, a little plainer."""
    missing = missing_packages()
    if missing and configuration.retraining.mode == "fine-tune":
        yield fix("packages", f"`mode: fine-tune` needs {' and '.join(missing)}", INSTALL_TRAIN)
    elif missing:
        yield ok("packages", f"{' and '.join(missing)} not installed; only fine-tuning needs them")
    # the module in it, for a checkout's own folder `systemd` passes for a package of that name
    has_package = importlib.util.find_spec("systemd") and importlib.util.find_spec("systemd.journal")
    if Path("/run/systemd/journal/socket").exists() and not has_package:
        yield hint(
            "packages",
            "systemd-python is not installed; journal fields are sent by the program itself",
            "nothing needs it; to have it all the same, install python3-systemd (Debian, Ubuntu, Fedora) or "
            "python-systemd (Arch), or build the extra [systemd] with pkg-config, a C compiler and "
            "libsystemd-dev (Debian, Ubuntu), systemd-devel (Fedora) or systemd-libs (Arch)",
        )


def confinement(_: Configuration) -> Iterator[Check]:
    """Check whether the kernel lets the vision process give up the rights that it can do without."""
    available = available_confinement()
    if available.is_complete:
        yield ok("decoders", str(available))
    else:
        remedy = "photos are decoded with your own rights; Linux 5.13 or later has Landlock"
        yield hint("decoders", str(available), remedy)
