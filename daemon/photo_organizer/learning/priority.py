"""Stepping back for everything else on the machine: priorities and a memory cap, inherited by child
processes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource

_LOWEST_PRIORITY = 19
_IOPRIO_WHO_PROCESS = 1
_IOPRIO_CLASS_IDLE = 3 << 13
_IOPRIO_SET = {"x86_64": 251, "AMD64": 251, "aarch64": 30, "arm64": 30}  # Linux' system call numbers
_SHARE_OF_MEMORY = 0.6
_LEAST_MEMORY = 3 << 30


def step_back() -> None:
    """Set the lowest CPU priority, idle disk priority where the kernel has it, and a cap on memory."""
    os.nice(_LOWEST_PRIORITY)
    _idle_disk_priority()
    cap_memory()


def cap_memory(cap: int | None = None) -> None:
    """Limit the memory that this process can write to (RLIMIT_DATA, which counts private mappings since
    Linux 4.7).

    Allocating more fails in this process, instead of driving the machine into swapping.

    Args:
        cap: bytes; None takes 60 % of the machine's memory, at least 3 GB.
    """
    if cap is None:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        cap = max(_LEAST_MEMORY, int(total * _SHARE_OF_MEMORY))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        cap = min(cap, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (cap, hard))


def _idle_disk_priority() -> None:
    number = _IOPRIO_SET.get(platform.machine())
    if platform.system() != "Linux" or number is None:
        return
    with contextlib.suppress(OSError, AttributeError):  # a kernel without it: CPU priority has to do
        ctypes.CDLL(None, use_errno=True).syscall(number, _IOPRIO_WHO_PROCESS, 0, _IOPRIO_CLASS_IDLE)
