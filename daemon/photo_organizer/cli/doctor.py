"""`photo-organizer doctor`: looks at all that photos depend on, and says how to put right what is not."""

from __future__ import annotations

import click

from photo_organizer.cli.frame import Invocation, command

MARKS = {"ok": "ok  ", "hint": "hint", "fix": "FIX "}


@command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line and check.")
def doctor(invocation: Invocation, *, as_json: bool) -> int:
    """Check the machine and print each fix. Exit code 1 when something must be fixed."""
    from photo_organizer.cli.console import print_json
    from photo_organizer.doctor.checks import checks

    verdict = 0
    for check in checks(invocation.configuration()):
        if check.mark == "fix":
            verdict = 1
        if as_json:
            print_json({"check": check.name, "state": check.mark, "found": check.found, "fix": check.remedy})
            continue
        click.echo(f"{MARKS[check.mark]}  {check.name}: {check.found}")
        if check.remedy:
            click.echo(f"      -> {check.remedy}")
    return verdict
