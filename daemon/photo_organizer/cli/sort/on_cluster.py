"""`sort --dry-run --plan FILE --cluster ADDRESS`: the same plan, classified by the workers of a cluster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from photo_organizer.cli.sort.jobs import ClosableVision
    from photo_organizer.cli.sort.plan_files.plan_head import PlanHead
    from photo_organizer.cli.sort.planning import NewVision
    from photo_organizer.cluster.roster import PathMap
    from photo_organizer.config import Configuration
    from photo_organizer.models.serving_model import ModelDescription


def parse_map(text: str) -> PathMap:
    """Return the two paths of `FROM=TO`.

    Raises:
        click.UsageError: it is not two absolute paths.
    """
    from photo_organizer.cluster.roster import PathMap

    source, equals, target = text.partition("=")
    if not equals or not source.startswith("/") or not target.startswith("/"):
        raise click.UsageError(f"--map takes two absolute paths, FROM=TO, not {text!r}")
    return PathMap(Path(os.path.normpath(source)), Path(os.path.normpath(target)))


def cluster_vision(address: str, tls_directory: Path | None, maps: Sequence[PathMap]) -> NewVision:
    """Return a function that makes a cluster's vision for a plan.

    Raises:
        ClusterError: the extra is not installed, or the address cannot be used.
    """
    from photo_organizer.cluster.connection import check_address, check_installed, connect

    check_installed()
    check_address(address, tls_directory)

    def make(configuration: Configuration, model: ModelDescription, head: PlanHead) -> ClosableVision:
        from photo_organizer.cluster.description import Computation
        from photo_organizer.cluster.vision import ClusterVision

        return ClusterVision(
            connect(address, tls_directory),
            Computation.here(model, configuration.model.engine),
            categories=head.categories,
            limits=configuration.limits,
            batch=configuration.batch.size,
            roots=[Path(path) for path in head.paths],
            maps=maps,
            say=lambda line: click.echo(line, err=True),
        )

    return make
