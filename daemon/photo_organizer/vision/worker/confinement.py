"""What the vision process is bound to: its parent's life, a limit of memory, and silence."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import resource
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h
_LARGE_BLOCK = 1 << 20
_MOST_ARENAS = 4


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
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = taken + more
    resource.setrlimit(
        resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
    )


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
