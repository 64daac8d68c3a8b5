"""`photo-organizer models`: which models there are, what they scored, and which one is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from photo_organizer.cli.frame import Invocation, group, with_invocation
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from photo_organizer.models.manifest import Manifest
    from photo_organizer.models.store import ModelRecord, Registry

_TESTS = {
    "same_sources": "photos from the sources that it learned from",
    "other_sources": "photos from other sources",
}


@group("models")
def models() -> None:
    """List the models, show one, or switch to another."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each model, one a line.")
@with_invocation
def list_models(invocation: Invocation, *, as_json: bool) -> None:
    """List all models, oldest first; the one in use has a star."""
    from photo_organizer.cli.console import print_json

    records = _registry(invocation).list()
    if as_json:
        for record in records:
            print_json(_as_json(record))
        return
    if not records:
        click.echo("no model is installed yet; the starter is installed with the first photo")
        return
    for record in records:
        _print_summary(record)


def _print_summary(record: ModelRecord) -> None:
    """Print a model on a few lines: its name, its origin, and its results."""
    from photo_organizer.cli.console import wrapped

    click.echo(f"{'*' if record.current else ' '} {record.id}")
    if record.manifest:
        click.echo(wrapped(f"    made {_made(record.manifest)}", indent=4))
    for line in _estimate(record):
        click.echo(wrapped(f"    {line}", indent=4))
    if reason := record.problem or record.rejected:
        click.echo(wrapped(f"    not in use because {reason}", indent=4))


@models.command("show")
@click.argument("model_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The whole model.json.")
@with_invocation
def show_model(invocation: Invocation, model_id: str, *, as_json: bool) -> int:
    """Show what a model was trained on and how it scored; `current` is the one in use."""
    from photo_organizer.cli.console import field_lines, print_json

    record = _registry(invocation).show(model_id)
    if as_json:
        print_json(_as_json(record))
        return 0
    for line in field_lines(_description(record)):
        click.echo(line)
    return 0 if record.manifest else 1


def _description(record: ModelRecord) -> Iterator[tuple[str, str]]:
    """Yield the description of a model as pairs of a label and a line."""
    yield "model", f"{record.id}{', in use' if record.current else ''}"
    yield "folder", str(record.path)
    if record.manifest is None:
        yield "problem", str(record.problem)
        return
    manifest = record.manifest
    yield "made", _made(manifest)
    yield "looks with", f"{manifest.backbone}, at {manifest.input_size} x {manifest.input_size} pixels"
    counts = manifest.data.get("training_photos") or manifest.data.get("categories") or {}
    yield "categories", ", ".join(_with_count(name, counts) for name in manifest.categories)
    for number, line in enumerate(_estimate(record)):
        yield "" if number else "your photos", line
    for name, words in _TESTS.items():
        if line := _test(manifest.metrics.get(name)):
            yield "tested", f"on {words}: {line}"
    if manifest.thresholds:
        limits = (f"{name} {value:.2f}" for name, value in sorted(manifest.thresholds.items()))
        yield "thresholds", ", ".join(limits)
    if reason := record.rejected or record.problem:
        yield "not in use", f"because {reason}"
    report = record.path / "report" / "index.html"
    if report.exists():
        yield "report", str(report)
    yield "details", typed("models show", record.id, "--json")


@models.command("use")
@click.argument("model_id", metavar="ID")
@with_invocation
def use_model(invocation: Invocation, model_id: str) -> None:
    """Switch to a model: promote a new one, or go back to an earlier one.

    A running daemon switches to it after the current batch.
    """
    registry = _registry(invocation)
    before = registry.current_id()
    chosen = registry.use(model_id)
    if before == chosen.name:
        click.echo(f"{chosen.name} is in use already")
        return
    back = f"; to go back: {typed('models use', before)}" if before else ""
    click.echo(f"{chosen.name} is in use now{back}")


def _registry(invocation: Invocation) -> Registry:
    from photo_organizer.models.store import Registry

    return Registry(invocation.configuration().model_directory)


def _made(manifest: Manifest) -> str:
    from photo_organizer.cli.times import moment

    return f"{moment(manifest.made)}{f' from {manifest.parent}' if manifest.parent else ''}"


def _with_count(name: str, counts: object) -> str:
    count = counts.get(name) if isinstance(counts, dict) else None
    return f"{name} ({count:,} photos)" if isinstance(count, int) else name


def _estimate(record: ModelRecord) -> Iterator[str]:
    """Yield the estimated results on the owner's photos, of the previous model and of this one."""
    estimate = record.manifest.metrics.get("estimate") if record.manifest else None
    if not isinstance(estimate, dict):
        return
    before, after = estimate["before"], estimate["after"]
    yield f"of photos like yours it files {after['filed_share']:.0%} ({before['filed_share']:.0%} before)"
    yield f"of the filed {after['filed_precision']:.0%} are right ({before['filed_precision']:.0%} before)"


def _test(metrics: object) -> str:
    """Return the figures of a test in words; "" where there are none."""
    if not isinstance(metrics, dict) or not isinstance(metrics.get("accuracy"), float):
        return ""
    line = f"{metrics['accuracy']:.0%} of {metrics.get('photos', 0):,} photos right"
    if isinstance(metrics.get("coverage"), float) and isinstance(metrics.get("filed_precision"), float):
        line += f"; files {metrics['coverage']:.0%}, {metrics['filed_precision']:.0%} of these right"
    return line


def _as_json(record: ModelRecord) -> dict[str, Any]:
    manifest = record.manifest.model_dump(mode="json") if record.manifest else {"id": record.id}
    return {
        **manifest,
        "path": str(record.path),
        "current": record.current,
        "rejected": record.rejected,
        "problem": record.problem,
    }
