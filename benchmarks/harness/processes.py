"""What processes cost, read from /proc: processor time and memory, theirs and the machine's."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_CPUCLOCK_SCHED = 2
_IDLE_COLUMNS = (3, 4)  # idle, iowait of /proc/stat


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes (10^6 bytes) of a process: resident, and with shared pages divided by their sharers."""

    rss: float
    pss: float


def memory(pid: int) -> Memory:
    """Of one process."""
    fields = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        key, value = line.split(":")
        fields[key] = int(value.split()[0]) * 1024 / 1e6
    return Memory(fields["Rss"], fields["Pss"])


def children(pid: int) -> list[int]:
    """Processes that `pid` started, directly."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
    return found


def processor_seconds(pid: int) -> float:
    """Processor time of a process so far, with all its threads, those that ended too, to the nanosecond.

    Its CPU-time clock is read; the number of that clock is made as clock_getcpuclockid(3) makes it on Linux.
    """
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


def waiting_seconds(pid: int) -> float:
    """Seconds that the process' threads were ready to run and had no core, in all: what noise costs it."""
    nanoseconds = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        nanoseconds += int((task / "schedstat").read_text(encoding="ascii").split()[1])
    return nanoseconds / 1e9


@dataclass(frozen=True, slots=True)
class Moment:
    """Counters at one moment; the difference of two says where the cores' time went.

    Attributes:
        clock: seconds.
        busy: processor seconds that all processes of the machine had.
        processes: processor seconds of each watched process.
        waiting: thread-seconds that the watched processes waited for a core.
    """

    clock: float
    busy: float
    processes: dict[str, float]
    waiting: float

    @classmethod
    def now(cls, pids: dict[str, int]) -> Moment:
        """Of the processes named in `pids`."""
        first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        columns = [int(column) for column in first.split()[1:9]]
        busy = sum(value for column, value in enumerate(columns) if column not in _IDLE_COLUMNS) / _TICKS
        processes = {name: processor_seconds(pid) for name, pid in pids.items()}
        return cls(time.perf_counter(), busy, processes, sum(map(waiting_seconds, pids.values())))
