"""`photo-organizer cluster-worker`: this machine classifies for `sort --cluster`."""

from __future__ import annotations

from pathlib import Path

import click

from photo_organizer.cli.frame import Invocation, command


@command("cluster-worker")
@click.argument("address", metavar="ADDRESS")
@click.option(
    "--tls-dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder of the certificates (see `cluster-certificates`).",
)
@click.option("--processes", type=click.IntRange(min=1), help="Number of workers (default: one per core).")
def cluster_worker(
    invocation: Invocation, *, address: str, tls_dir: Path | None, processes: int | None
) -> None:
    """Classify photos for the Dask scheduler at ADDRESS (tls://HOST:8786), until Ctrl-C.

    Only reads photos; nothing is moved. It uses model, engine and limits of this machine's configuration,
    which must be those of the machine that makes the plan.
    """
    from dataclasses import asdict

    from photo_organizer.cluster.connection import check_address, check_installed

    check_installed()
    check_address(address, tls_dir, role="worker")
    from photo_organizer.cluster.dask_worker import WorkerSettings
    from photo_organizer.cluster.machine import run_workers
    from photo_organizer.models.store import Registry
    from photo_organizer.vision.decode.budget.limits import FixedLimits

    configuration = invocation.configuration()
    settings = WorkerSettings(
        scheduler=address,
        tls_directory=str(tls_dir.absolute()) if tls_dir else "",
        model=str(Registry(configuration.model_directory).current()),
        engine=configuration.model.engine,
        limits=asdict(FixedLimits.of(configuration.limits)),
        batch=configuration.batch.size,
        core=None,
        parent=0,
    )
    run_workers(settings, processes, lambda line: click.echo(line, err=True))
