"""What a figure was measured on: without it, a figure cannot be compared with any other."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

_TELLING = {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "asimddp"}
_LIBRARIES = (
    "smart-photo-organizer",
    "numpy",
    "opencv-python-headless",
    "openvino",
    "tensorflow",
    "keras",
    "watchdog",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine and the software at the moment of a measurement.

    Attributes:
        load: load average of the last minute before the run began, which tells a noisy run from a quiet one.
        command: the command line as one would type it again.
    """

    cpu: str
    cores: int
    memory_gb: float
    kernel: str
    python: str
    versions: dict[str, str]
    load: float
    date: str
    command: str
    instructions: tuple[str, ...] = field(default=())

    @classmethod
    def here(cls) -> Machine:
        """The one that runs it, now."""
        facts = _cpu_facts()
        flags = set(facts.get("flags", facts.get("Features", "")).split())
        return cls(
            cpu=facts.get("model name", platform.processor() or platform.machine()),
            cores=len(os.sched_getaffinity(0)),
            memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
            kernel=platform.release(),
            python=platform.python_version(),
            versions={name: version for name in _LIBRARIES if (version := _version(name))},
            load=round(os.getloadavg()[0], 2),
            date=datetime.now().astimezone().isoformat(timespec="seconds"),
            command=shlex.join(["python", *_relative(sys.argv)]),
            instructions=tuple(sorted(flags & _TELLING)),
        )

    def lines(self) -> list[str]:
        """The same for people."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return [
            f"{self.date}  {self.command}",
            f"{self.cpu}, {self.cores} cores ({', '.join(self.instructions)}), {self.memory_gb} GB, "
            f"Linux {self.kernel}, load before {self.load}",
            f"Python {self.python}, {versions}",
        ]


def _relative(arguments: list[str]) -> list[str]:
    script = Path(arguments[0]).resolve()
    if script.is_relative_to(Path.cwd()):
        script = script.relative_to(Path.cwd())
    return [str(script), *arguments[1:]]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_facts() -> dict[str, str]:
    """The first processor of /proc/cpuinfo; nothing where there is none."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n", 1)[0]
    except FileNotFoundError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
