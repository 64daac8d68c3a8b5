"""`photo-organizer models`: which models there are, what they scored, and which one is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from photo_organizer.cli.frame import Invocation, group, with_invocation

if TYPE_CHECKING:
    from photo_organizer.models.store import ModelRecord, Registry


@group("models")
def models() -> None:
    """List the models, look at one, or change to one."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line and model.")
@with_invocation
def list_models(invocation: Invocation, *, as_json: bool) -> None:
    """All models, oldest first; the one in use has a star."""
    from photo_organizer.cli.console import print_json, print_table

    records = _registry(invocation).list()
    if as_json:
        for record in records:
            print_json(_as_json(record))
        return
    if not records:
        click.echo("no model is installed yet; the starter is at the first photo")
        return
    rows = [
        (
            "*" if record.current else "",
            record.id,
            record.manifest.made[:16].replace("T", " ") if record.manifest else "",
            _before_and_after(record, "filed_share"),
            _before_and_after(record, "filed_precision"),
            record.manifest.parent or "" if record.manifest else "",
            record.problem or record.rejected or "",
        )
        for record in records
    ]
    columns = ("", "model", "made", "filed", "right of the filed", "made from", "not in use because")
    print_table(columns, rows, numbers=("filed", "right of the filed"))


@models.command("show")
@click.argument("model_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The whole model.json.")
@with_invocation
def show_model(invocation: Invocation, model_id: str, *, as_json: bool) -> int:
    """What one model was made of and what it scored; `current` is the one in use."""
    from photo_organizer.cli.console import print_json

    record = _registry(invocation).show(model_id)
    if as_json:
        print_json(_as_json(record))
        return 0
    click.echo(f"model       {record.id}{'  (in use)' if record.current else ''}")
    click.echo(f"folder      {record.path}")
    if record.manifest is None:
        click.echo(f"problem     {record.problem}")
        return 1
    manifest = record.manifest
    click.echo(f"made        {manifest.made}{f' from {manifest.parent}' if manifest.parent else ''}")
    click.echo(f"categories  {', '.join(manifest.categories)}")
    click.echo(f"backbone    {manifest.backbone}, {manifest.input_size} x {manifest.input_size} pixels")
    for title, values in (
        ("data", manifest.data),
        ("metrics", manifest.metrics),
        ("thresholds", manifest.thresholds),
    ):
        for name, value in _flat(values):
            click.echo(f"{title:<12}{name}: {value}")
            title = ""  # noqa: PLW2901 (the title stands before its first line only)
    if record.rejected:
        click.echo(f"not in use because {record.rejected}")
    report = record.path / "report" / "index.html"
    if report.exists():
        click.echo(f"report      {report}")
    return 0


@models.command("use")
@click.argument("model_id", metavar="ID")
@with_invocation
def use_model(invocation: Invocation, model_id: str) -> None:
    """Make a model the one in use: promote it, or go back to an earlier one.

    A running daemon takes it over by itself, between two batches.
    """
    registry = _registry(invocation)
    before = registry.current_id()
    chosen = registry.use(model_id)
    if before == chosen.name:
        click.echo(f"{chosen.name} is in use already")
        return
    click.echo(
        f"{chosen.name} is in use now{f'; back: photo-organizer models use {before}' if before else ''}"
    )


def _registry(invocation: Invocation) -> Registry:
    from photo_organizer.models.store import Registry

    return Registry(invocation.configuration().model_directory)


def _before_and_after(record: ModelRecord, figure: str) -> str:
    """Return what the model before did with the owner's photos and what this one does, as estimated."""
    estimate = record.manifest.metrics.get("estimate") if record.manifest else None
    if not isinstance(estimate, dict):
        return ""
    return f"{estimate['before'][figure]:.0%} to {estimate['after'][figure]:.0%}"


def _as_json(record: ModelRecord) -> dict[str, Any]:
    manifest = record.manifest.model_dump(mode="json") if record.manifest else {"id": record.id}
    return {
        **manifest,
        "path": str(record.path),
        "current": record.current,
        "rejected": record.rejected,
        "problem": record.problem,
    }


def _flat(values: dict[str, Any], before: str = "") -> list[tuple[str, object]]:
    """Nested values as `name.inner` with the value; lists on one line."""
    found: list[tuple[str, object]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            found += _flat(value, f"{before}{name}.")
        else:
            shown = f"{value:.4f}" if isinstance(value, float) else value
            found.append((f"{before}{name}", shown))
    return found
