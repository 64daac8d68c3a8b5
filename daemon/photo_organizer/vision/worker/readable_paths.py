"""What the vision process has to read besides photos: Python, its packages, the system's libraries."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import photo_organizer

# the system's libraries, what the dynamic loader and the C library look up, and where NixOS and Guix keep all
_SYSTEM = (
    "/usr", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store", "/etc/ld.so.cache", "/etc/ld.so.conf",
    "/etc/ld.so.conf.d", "/etc/localtime", "/etc/timezone", "/dev/urandom", "/dev/random", "/dev/zero",
)  # fmt: skip
# how many cores there are, which caches they share, and how much memory
_MACHINE = (
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm", "/proc/sys/kernel",
    "/proc/filesystems", "/sys/devices/system", "/sys/fs/cgroup", "/sys/kernel/mm",
)  # fmt: skip


def needed_by_python() -> Iterator[Path]:
    """Yield the folders and files that the interpreter, its packages and the engines read.

    A folder on the search path that the owner's home folder lies in is left out: it holds more than Python.
    """
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  Path.home() fails for a user without an entry
    places = {
        Path(photo_organizer.__file__).parent,
        *(Path(path) for path in sysconfig.get_paths().values()),
        *(Path(path) for path in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)),
        *(Path(path) for path in sys.path if path),
        *(Path(path) for path in os.environ.get("LD_LIBRARY_PATH", "").split(":") if path),
    }
    for place in sorted(places):
        if place != home and place not in home.parents:
            yield place
            if place.name in {"site-packages", "dist-packages"}:
                yield from linked_packages(place)
    yield from map(Path, (*_SYSTEM, *_MACHINE))


def linked_packages(folder: Path) -> Iterator[Path]:
    """Yield where the packages in `folder` really lie, for those that are links, or whose files are.

    `uv --link-mode symlink` links each file to its cache; distributions link whole packages.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield Path(entry.path).resolve()
            elif entry.is_dir():
                linked = next((file for file in Path(entry.path).iterdir() if file.is_symlink()), None)
                if linked is not None:
                    yield linked.resolve().parent
