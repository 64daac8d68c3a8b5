"""What the processor offers: how many cores, and which arithmetic."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path

CPU_INFORMATION = Path("/proc/cpuinfo")
MEMBERSHIP = Path("/proc/self/cgroup")
CONTROL_GROUPS = Path("/sys/fs/cgroup")
INT8_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def available_cores() -> int:
    """Return how many cores this process may keep busy: those that it may run on, within its quota."""
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(1, min([cores, *(math.ceil(quota) for quota in cpu_quotas())]))


def cpu_quotas(membership: Path = MEMBERSHIP, groups: Path = CONTROL_GROUPS) -> Iterator[float]:
    """Yield the limits, in cores, that control groups set to this process: its own and those above it.

    A container has so many cores of time, and sees all cores of the machine.

    Args:
        membership: /proc/self/cgroup, which says in which groups it is.
        groups: where the groups are mounted, version 2, or `cpu` of version 1 below it.
    """
    try:
        lines = membership.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = groups / "cpu" if controllers else groups
        group = top / path.lstrip("/")
        while group == top or top in group.parents:
            quota = _quota_1(group) if controllers else _quota_2(group)
            if quota is not None:
                yield quota
            group = group.parent


def _quota_2(group: Path) -> float | None:
    """The limit in `cpu.max`: "200000 100000", or "max 100000" for none."""
    try:
        quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_1(group: Path) -> float | None:
    """The limit of a group of version 1; a quota of -1 is none."""
    try:
        quota = int((group / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period = int((group / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def cpu_flags(information: Path = CPU_INFORMATION) -> frozenset[str]:
    """What the CPU can do, by Linux' names; empty where that is not told: nothing special is assumed."""
    if platform.machine() not in {"x86_64", "AMD64"}:
        return frozenset()
    try:
        lines = information.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())
