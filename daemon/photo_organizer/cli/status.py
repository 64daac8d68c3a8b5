"""`photo-organizer status`: what the daemon is doing."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from photo_organizer.cli.frame import Invocation, command
from photo_organizer.service.waiting import waiting_lines

if TYPE_CHECKING:
    from collections.abc import Iterator


@command("status")
@click.option("--json", "as_json", is_flag=True, help="status.json, with `running`.")
def status(invocation: Invocation, *, as_json: bool) -> None:
    """What the daemon is doing, what waits, and what needs you."""
    from photo_organizer.cli.console import print_json
    from photo_organizer.errors import printable
    from photo_organizer.service.running_daemon import read_status

    configuration = invocation.configuration()
    values = read_status(configuration)
    if as_json:
        print_json(values)
        return
    for name, value in lines(values, configuration.retraining.min_new_labels):
        click.echo(f"{name:<11} {printable(value)}")
    if not values["running"]:
        click.echo(f"{'start':<11} photo-organizer run, or photo-organizer service install")


def lines(values: dict[str, Any], min_new_labels: int) -> Iterator[tuple[str, str]]:
    """Yield what is worth telling of status.json: a word and a line each.

    Args:
        values: of status.json, with `running`.
        min_new_labels: how many corrections a retraining by schedule wants.
    """
    yield "state", _state(values)
    if "filed_total" not in values:
        return
    counts = [
        f"{values['filed_total']:,} filed",
        f"{values['review_total']:,} to review",
        f"{values['quarantined_total']:,} in quarantine",
    ]
    if values.get("duplicate_total"):
        counts.append(f"{values['duplicate_total']:,} duplicates")
    yield "photos", ", ".join(counts)
    if values["last_photo_time"]:
        yield "last photo", _moment(values["last_photo_time"])
    waiting = list(waiting_lines(values))
    yield "inbox", ", ".join(waiting) or "nothing waits"
    yield "model", f"{values['model']}" + (f", {values['engine']}" if values["engine"] else "")
    if values.get("training"):
        yield "training", values["training"]
    yield from _learning(values, min_new_labels)
    if asked := values.get("label_questions"):
        yield (
            "questions",
            (
                f"{_photos(asked)} that you sorted may be in the wrong category: see the report of the last "
                "training, then move or confirm them"
            ),
        )
    if values.get("last_retraining"):
        yield "last time", values["last_retraining"]
    if values.get("config_error"):
        yield "config", f"refused, the one before goes on: {values['config_error']}"
    if values["last_error"]:
        yield "last error", values["last_error"]


def _learning(values: dict[str, Any], min_new_labels: int) -> Iterator[tuple[str, str]]:
    """Yield what was corrected and is not learned yet, when it will be, and the folders to be asked about."""
    when = _moment(values["next_retraining"]) if values["next_retraining"] else ""
    new = values.get("new_labels") or {}
    if total := sum(new.values()):
        enough = total >= min_new_labels
        wanted = when if when and enough else f"from {min_new_labels} on"
        yield "learning", f"{', '.join(_new(new))}; retraining {wanted}, or now: photo-organizer train"
    elif when:
        yield "retraining", when
    for name, photos in (values.get("found_folders") or {}).items():
        choices = f"photo-organizer categories accept {shlex.quote(name)}, or decline {shlex.quote(name)}"
        yield "new folder", f"{name} ({_photos(photos)} of yours): a category? {choices}"


def _new(new: dict[str, int]) -> Iterator[str]:
    """Yield the labels that no training has seen, as people call them."""
    corrections = new.get("corrected", 0) + new.get("reviewed", 0)
    if corrections:
        yield f"{corrections:,} new correction{'' if corrections == 1 else 's'}"
    if new.get("confirmed"):
        yield f"{_photos(new['confirmed'])} confirmed"
    if new.get("placed"):
        yield f"{_photos(new['placed'])} placed by hand"


def _photos(count: int) -> str:
    return f"{count:,} photo{'' if count == 1 else 's'}"


def _state(values: dict[str, Any]) -> str:
    if not values["running"]:
        return "stopped: no daemon is running"
    state = f"{values['state']} (process {values['pid']}, running since {_moment(values['since'])})"
    return f"{state}: {values['reason']}" if values.get("reason") else state


def _moment(text: str) -> str:
    """An ISO time as people write it, in local time."""
    return datetime.fromisoformat(text).astimezone().strftime("%a %d %b %Y, %H:%M")
