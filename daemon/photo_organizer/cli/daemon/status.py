"""`photo-organizer status`: what needs its owner, and what the daemon is doing."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from photo_organizer.cli.frame import Invocation, command
from photo_organizer.cli.times import moment
from photo_organizer.typed_command import typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from photo_organizer.service.status.attention import Need

SECONDS_BETWEEN_LOOKS = 1.0
CLEAR = "\x1b[H\x1b[J"


@command("status")
@click.option("--json", "as_json", is_flag=True, help="status.json, with `running` and `needs_attention`.")
@click.option("--watch", is_flag=True, help="Show the status live, until Ctrl-C.")
def status(invocation: Invocation, *, as_json: bool, watch: bool) -> int:
    """Show what needs you, and what the daemon is doing.

    Exit code 0: all is well; 1: nothing is filed (no daemon, or a pause that you did not ask for); 2: the
    config is wrong; 3: some photos or folders cannot be read.
    """
    if watch:
        _watch(invocation, as_json=as_json)
    text, code = _look(invocation, as_json=as_json)
    click.echo(text)
    return code


def _watch(invocation: Invocation, *, as_json: bool) -> None:
    """Print the status again whenever it changes, until Ctrl-C."""
    on_screen = sys.stdout.isatty() and not as_json
    shown = ""
    while True:
        text, _ = _look(invocation, as_json=as_json)
        if text != shown:
            shown = text
            click.echo(f"{CLEAR}{text}" if on_screen else text if as_json else f"{text}\n")
            sys.stdout.flush()
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _look(invocation: Invocation, *, as_json: bool) -> tuple[str, int]:
    """Return what to print, and the exit code."""
    from photo_organizer.cli.console import field_lines, json_line
    from photo_organizer.service.status.attention import exit_code, needs_of
    from photo_organizer.service.status.running_daemon import read_status

    configuration, refusal = invocation.last_good_configuration()
    values = read_status(configuration)
    if refusal:
        values["config_error"] = refusal
    needs = needs_of(values, configuration)
    code = exit_code(needs)
    if as_json:
        folders = {
            "library": str(configuration.library),
            "libraries": [str(library) for library in configuration.libraries],
            "review": str(configuration.library / configuration.review),
            "quarantine": str(configuration.quarantine_directory),
        }
        attention = [need.fields() for need in needs]
        return json_line(values | {"exit_code": code, "folders": folders, "needs_attention": attention}), code
    return "\n".join(field_lines(lines(values, needs, configuration.retraining.min_new_labels))), code


def lines(values: dict[str, Any], needs: Sequence[Need], min_new_labels: int) -> Iterator[tuple[str, str]]:
    """Yield the status as pairs of a label and a line, starting with what needs the owner's attention.

    Args:
        values: of status.json, with `running`.
        needs: what needs the owner.
        min_new_labels: how many corrections a retraining by schedule wants.
    """
    from photo_organizer.service.status.waiting import waiting_lines

    for number, need in enumerate(needs):
        yield "" if number else "needs you", str(need)
    if not needs:
        yield "needs you", "nothing"
    yield "state", _state(values)
    if "filed_total" not in values:
        return
    yield "photos", _counts(values)
    if values["last_photo_time"]:
        yield "last photo", moment(values["last_photo_time"])
    yield "inbox", ", ".join(waiting_lines(values)) or "nothing waits"
    yield "model", f"{values['model']}" + (f", {values['engine']}" if values["engine"] else "")
    if values.get("vision_confinement"):
        yield "decoders", values["vision_confinement"]
    if values.get("training"):
        yield "training", values["training"]
    yield from _learning(values, min_new_labels)
    if asked := values.get("label_questions"):
        from photo_organizer.cli.console import counted

        yield (
            "questions",
            (
                f"{counted(asked, 'photo')} that you sorted may be in the wrong category: "
                "see the report of the last training, then move or confirm them"
            ),
        )
    if values.get("last_retraining"):
        yield "last time", values["last_retraining"]
    if values["last_error"]:
        yield "last error", values["last_error"]


def _learning(values: dict[str, Any], min_new_labels: int) -> Iterator[tuple[str, str]]:
    """Yield what was corrected but not yet learned, and when the next retraining runs."""
    when = moment(values["next_retraining"]) if values["next_retraining"] else ""
    new = values.get("new_labels") or {}
    if total := sum(new.values()):
        enough = total >= min_new_labels
        wanted = when if when and enough else f"once there are {min_new_labels}"
        yield "learning", f"{', '.join(_new(new))}; retraining {wanted}, or now: {typed('train')}"
    elif when:
        yield "retraining", when


def _new(new: dict[str, int]) -> Iterator[str]:
    """Yield the labels that no training has used yet, in words."""
    from photo_organizer.cli.console import counted

    if corrections := new.get("corrected", 0) + new.get("reviewed", 0):
        yield counted(corrections, "new correction")
    if new.get("confirmed"):
        yield f"{counted(new['confirmed'], 'photo')} confirmed"
    if new.get("placed"):
        yield f"{counted(new['placed'], 'photo')} moved by hand"


def _counts(values: dict[str, Any]) -> str:
    counts = [
        f"{values['filed_total']:,} filed",
        f"{values['review_total']:,} to review",
        f"{values['quarantined_total']:,} in quarantine",
    ]
    if values.get("duplicate_total"):
        counts.append(f"{values['duplicate_total']:,} duplicates")
    return ", ".join(counts)


def _state(values: dict[str, Any]) -> str:
    if not values["running"]:
        as_of = values.get("as_of")
        return f"stopped; the rest was last updated at {moment(as_of)}" if as_of else "stopped"
    return f"{values['state']} (process {values['pid']}, running since {moment(values['since'])})"
