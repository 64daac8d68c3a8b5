"""`photo-organizer cluster-certificates`: certificates for a scheduler, its workers, and `sort --cluster`."""

from __future__ import annotations

from pathlib import Path

import click

from photo_organizer.cli.frame import Invocation, command


@command("cluster-certificates")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
def cluster_certificates(_invocation: Invocation, *, directory: Path) -> None:
    """Create a certificate authority and a cluster's certificates in DIR, readable only by you.

    Copy ca.pem and the two files of its role to each machine; ca-key.pem stays where it is.
    """
    from photo_organizer.cluster.certificates import make_certificates

    for file in make_certificates(directory):
        click.echo(file)
