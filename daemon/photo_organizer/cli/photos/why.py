"""`photo-organizer why PHOTO`: what the model saw, what was decided, and where the photo has been."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from photo_organizer.cli.frame import Invocation, command
from photo_organizer.errors import OrganizerError

if TYPE_CHECKING:
    from photo_organizer.config import Configuration


@command("why")
@click.argument("photo")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--heatmap",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a copy of the photo that shows what the model looked at (Grad-CAM).",
)
def why(invocation: Invocation, photo: str, *, as_json: bool, heatmap: Path | None) -> None:
    """Explain one photo, given by its path (now or before) or its SHA-256.

    A photo that was never filed is classified now, and stays where it is.
    """
    from photo_organizer.cli.console import print_json
    from photo_organizer.cli.photos.explanation import explain

    configuration = invocation.configuration()
    if heatmap is not None and os.path.lexists(heatmap):
        raise OrganizerError("is there already", where=heatmap, remedy="choose another name")
    explanation = explain(configuration, photo)
    if as_json:
        print_json(explanation.to_json())
    else:
        for line in explanation.lines():
            click.echo(line)
    if heatmap is not None:
        if explanation.place is None:
            raise OrganizerError("the photo no longer exists", where=photo)
        write_heatmap(configuration, explanation.place, explanation.category, heatmap)
        click.echo(f"heatmap: {heatmap}", err=as_json)


def write_heatmap(configuration: Configuration, photo: Path, category: str | None, target: Path) -> None:
    """Write a picture of what the model looked at."""
    from photo_organizer.models.store import Registry
    from photo_organizer.vision.backbone.heatmap import write_heatmap as write

    model = Registry(configuration.model_directory).current()
    write(photo, model, category, target, limits=configuration.limits)
