"""What the vision process is bound to: its parent's life, limits, silence, and few rights.

Decoders written in C read what strangers sent. `confine` is called before any of them is loaded, while the
process has one thread: what takes over a decoder afterwards holds open descriptors of some photos, reads the
model and Python's own files, and writes the feature cache; the rest of the machine is closed to it.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import resource
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from photo_organizer.vision.worker import landlock, seccomp

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38  # linux/prctl.h
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h
_LARGE_BLOCK = 1 << 20
_MOST_ARENAS = 4
_MOST_DESCRIPTORS = 1024
_LARGEST_FILE = 1 << 36  # bytes; a feature cache of some ten million photos


@dataclass(frozen=True, slots=True)
class Confinement:
    """Which parts of the confinement the kernel allows.

    Args:
        landlock: the ABI of Landlock that closes the rest of the disk to the process; 0 for none.
        seccomp: whether system calls are filtered.
    """

    landlock: int
    seccomp: bool

    def __str__(self) -> str:
        files = f"files (Landlock {self.landlock})" if self.landlock else ""
        calls = "system calls (seccomp)" if self.seccomp else ""
        confined = " and ".join(part for part in (files, calls) if part)
        missing = " or ".join(
            part
            for part, is_there in (("Landlock", self.landlock), ("seccomp", self.seccomp))
            if not is_there
        )
        if not confined:
            return f"not confined: the kernel offers no {missing}"
        return f"confined: {confined}" + (f"; the kernel offers no {missing}" if missing else "")

    @property
    def is_complete(self) -> bool:
        """Whether neither part is missing."""
        return self.landlock > 0 and self.seccomp


def available_confinement() -> Confinement:
    """Return what this kernel allows; nothing is changed."""
    return Confinement(landlock.landlock_version(), seccomp.is_available())


def confine(readable: Iterable[Path], writable: Iterable[Path]) -> Confinement:
    """Give up, for good, every right that the process can do without; return what the kernel allowed.

    No program it starts could gain rights, and it can start none; it opens no file but those below `readable`
    and `writable` (which may be written as well), makes no connection and no process, signals only
    itself, and leaves no core. To be called before a second thread is started.

    Threads of this user are not counted (RLIMIT_NPROC): the limit is one for all processes of a user.
    """
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _MOST_DESCRIPTORS),
        (resource.RLIMIT_FSIZE, _LARGEST_FILE),
    ):
        _lower(limit, most)
    if sys.platform != "linux":
        return Confinement(0, seccomp=False)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return Confinement(0, seccomp=False)
    return Confinement(landlock.restrict_files(readable, writable), seccomp.refuse_system_calls())


def _lower(limit: int, most: int) -> None:
    """Lower both the soft and the hard limit to `most`, so that it cannot be raised again."""
    _, hard = resource.getrlimit(limit)
    lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(limit, (lowest, lowest))


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its parent `parent` dies, however that happens (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(0)


def limit_memory(more: int) -> None:
    """Let this process take at most `more` bytes of private memory in addition to what it has (Linux).

    RLIMIT_DATA counts what is really private and writable; RLIMIT_AS would count the gigabytes of address
    space that allocators and libraries reserve. A decoder that asks for more gets an error instead of the
    machine's last page.
    """
    status = Path("/proc/self/status")
    if sys.platform != "linux" or not status.exists():
        return
    lines = dict(
        line.split(":", 1) for line in status.read_text(encoding="ascii", errors="replace").splitlines()
    )
    taken = int(lines["VmData"].split()[0]) * 1024
    _lower(resource.RLIMIT_DATA, taken + more)


def return_freed_memory() -> None:
    """Have the C library give large blocks back to the kernel as soon as they are freed (glibc).

    Otherwise it keeps what each thread once needed, up to 64 MB a thread, and the limit counts it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
        mallopt(_M_ARENA_MAX, _MOST_ARENAS)


def quieten_libraries() -> None:
    """Send what C libraries print about bad photos nowhere; the trace of a crash still goes to the daemon."""
    kept = os.dup(2)
    os.set_inheritable(kept, False)  # noqa: FBT003 (the interface of os)
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, 2, inheritable=False)
    os.close(nowhere)
    faulthandler.enable(file=kept)
    sys.stderr = os.fdopen(kept, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
