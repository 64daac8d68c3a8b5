"""`photo-organizer train`: a retraining now, in the foreground."""

from __future__ import annotations

from pathlib import Path

import click

from photo_organizer.cli.frame import Invocation, command


@command("train")
@click.option(
    "--mode", type=click.Choice(["head", "fine-tune"]), help="How much to retrain (default: as configured)."
)
@click.option(
    "--photos",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="Train on a folder with a subfolder for each category, instead of your library.",
)
def train(invocation: Invocation, mode: str | None, photos: Path | None) -> None:
    """Retrain now on your corrections; a better model replaces the one in use."""
    from photo_organizer.cli.learning.training_progress import run_training, words_for

    outcome = run_training(invocation.configuration(), mode=mode, photos=photos)
    for line in words_for(outcome):
        click.echo(line)
