"""One worker process: a Dask worker with a vision process of its own, on one core.

Started by `machine.py`, with its settings as JSON on the command line. It loads the model first, and only
then tells the scheduler that it is there.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from distributed import Security, Worker, WorkerPlugin
from distributed.utils import get_ip

from photo_organizer.cluster.classifying import PLUGIN, WorkerVision
from photo_organizer.cluster.connection import (
    check_address,
    check_installed,
    innermost,
    probe,
    security,
)
from photo_organizer.cluster.description import Computation
from photo_organizer.errors import OrganizerError
from photo_organizer.models.serving_model import read_model
from photo_organizer.vision.decode.budget.limits import FixedLimits

FAILED = 1
LOOPBACK = "127.0.0.1"
_CONNECT_SECONDS = 30
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker process is told.

    Args:
        scheduler: its address.
        tls_directory: the folder of the certificates; empty for none.
        model: the model's folder.
        engine: `model.engine` of the configuration.
        limits: what one photo may cost, as fields of `FixedLimits`.
        batch: most photos that are classified together.
        core: the core that it runs on; None for any.
        parent: the process that started it: without it, it ends.
    """

    scheduler: str
    tls_directory: str
    model: str
    engine: str
    limits: dict[str, Any]
    batch: int
    core: int | None
    parent: int

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> WorkerSettings:
        """Return the settings of a JSON text."""
        return cls(**json.loads(text))


class VisionPlugin(WorkerPlugin):  # type: ignore[misc]  # Dask has no types
    """Holds the classifier where the tasks of the worker find it."""

    name = PLUGIN

    def __init__(self, classifier: WorkerVision) -> None:
        self.classifier = classifier


def main() -> int:
    """Run a worker until the scheduler or the parent is gone, or a signal ends it."""
    settings = WorkerSettings.from_json(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    check_installed()
    try:
        return asyncio.run(_run(settings))
    except OrganizerError as error:
        print(error, file=sys.stderr, flush=True)
        return FAILED


async def _run(settings: WorkerSettings) -> int:
    if settings.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {settings.core})
    tls_directory = Path(settings.tls_directory) if settings.tls_directory else None
    host = check_address(settings.scheduler, tls_directory, "worker")
    is_tls = settings.scheduler.startswith("tls:")
    own = security(tls_directory, is_tls=is_tls)
    model = read_model(Path(settings.model))
    computation = Computation.here(model, settings.engine)
    classifier = WorkerVision(
        model.directory,
        engine=settings.engine,
        categories=model.categories,
        limits=FixedLimits(**settings.limits),
        batch=settings.batch,
    )
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    try:
        classifier.warm_up()
        worker = Worker(
            settings.scheduler,
            nthreads=1,
            memory_limit=0,
            security=own,
            host=get_ip(host) if is_tls else LOOPBACK,
            dashboard=False,
            dashboard_address=f"{LOOPBACK}:0",  # it listens there even without a dashboard
            resources={computation.to_resource(): 1},
            plugins=(VisionPlugin(classifier),),
            death_timeout=_CONNECT_SECONDS,
        )
        try:
            await _await_scheduler(settings.scheduler, own, ended)
            await worker
        except Exception as error:
            raise OrganizerError(
                f"the scheduler cannot be reached ({innermost(error)})", where=settings.scheduler,
                remedy="check that it runs, and that its certificate is of the same authority",
            ) from error  # fmt: skip
        while not ended.is_set() and worker.status.name not in {"closed", "failed"}:
            if os.getppid() != settings.parent:
                break
            try:
                await asyncio.wait_for(ended.wait(), _LOOK_SECONDS)
            except TimeoutError:
                continue
        await worker.close(timeout=5)
    finally:
        classifier.close()
    return 0


async def _await_scheduler(address: str, own: Security | None, ended: asyncio.Event) -> None:
    """Wait for a scheduler that is only being started.

    Raises:
        OSError: it does not listen, or one side does not accept the other's certificate.
    """
    deadline = time.monotonic() + _CONNECT_SECONDS
    while not ended.is_set():
        try:
            await asyncio.to_thread(probe, address, own, "worker")
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
