"""A real scheduler and real workers on loopback, for tests and benchmarks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS = 60.0


@contextmanager
def scheduler(folder: Path, *, certificates: Path | None = None) -> Iterator[str]:
    """Run a scheduler; gives its address."""
    file = folder / "scheduler.json"
    words = [
        sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
        "--no-dashboard", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file),
    ]  # fmt: skip
    if certificates is not None:
        words += [
            "--protocol", "tls", "--tls-ca-file", str(certificates / "ca.pem"),
            "--tls-cert", str(certificates / "scheduler.pem"),
            "--tls-key", str(certificates / "scheduler-key.pem"),
        ]  # fmt: skip
    with running(words) as process:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError, ValueError):
                yield json.loads(file.read_text())["address"]
                return
            time.sleep(0.05)
        raise TimeoutError("the scheduler did not start")


@contextmanager
def workers(
    address: str,
    config: Path,
    *,
    processes: int = 2,
    tls: Path | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run `cluster-worker`; gives its process."""
    words = [
        sys.executable, "-m", "photo_organizer", "cluster-worker", address, "--config", str(config),
        "--processes", str(processes), *(["--tls-dir", str(tls)] if tls else []),
    ]  # fmt: skip
    with running(words, environment) as process:
        yield process


@contextmanager
def running(words: list[str], environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run a program, and end it."""
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def worker_pids(parent: int) -> list[int]:
    """The worker processes of a `cluster-worker`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and b"cluster.dask_worker" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def kill(pid: int) -> None:
    """As the kernel does when memory runs out."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
