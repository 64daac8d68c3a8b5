"""The workers of one machine: as many processes as it has cores, each started again when it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from photo_organizer.cluster.connection import ClusterError
from photo_organizer.cluster.dask_worker import FAILED, WorkerSettings
from photo_organizer.vision.backbone.cores import available_cores

_RESTART_SECONDS = 0.5
_LOOK_SECONDS = 0.2
_END_SECONDS = 10.0


@dataclass(slots=True)
class _Slot:
    """A place for one worker process."""

    settings: WorkerSettings
    process: subprocess.Popen[bytes] | None = None


def run_workers(settings: WorkerSettings, processes: int | None, say: Callable[[str], None]) -> None:
    """Run the workers until SIGTERM or SIGINT.

    Args:
        settings: what they share.
        processes: how many; None for one on each core.
        say: told what the owner should know, a line each.

    Raises:
        ClusterError: a worker cannot be started, and has said why.
    """
    cores: list[int | None] = [None] * (processes or 0)
    if processes is None:
        allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        count = available_cores()
        cores = [*allowed[:count]] or [None] * count
    settings = replace(settings, parent=os.getpid())
    slots = [_Slot(replace(settings, core=core)) for core in cores]
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        for slot in slots:
            _start(slot)
        while not stop.wait(_LOOK_SECONDS):
            for slot in slots:
                _look_after(slot, stop, say)
    finally:
        _end(slots)
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(slot: _Slot) -> None:
    # -P: a folder `photo_organizer` in the working directory is not ours
    words = [sys.executable, "-P", "-m", "photo_organizer.cluster.dask_worker", slot.settings.to_json()]
    slot.process = subprocess.Popen(words, stdin=subprocess.DEVNULL)


def _look_after(slot: _Slot, stop: threading.Event, say: Callable[[str], None]) -> None:
    """Start a worker again that has died.

    Raises:
        ClusterError: it ended by itself, because it cannot work here.
    """
    code = None if slot.process is None else slot.process.poll()
    if code is None:
        return
    if code == FAILED:
        raise ClusterError("a worker cannot work here", remedy="see the line above")
    if code < 0:
        say(f"a worker was killed ({signal.Signals(-code).name}) and is started again")
    if not stop.wait(_RESTART_SECONDS):
        _start(slot)


def _end(slots: list[_Slot]) -> None:
    running = [slot.process for slot in slots if slot.process is not None]
    for process in running:
        with suppress(OSError):
            process.terminate()
    for process in running:
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
