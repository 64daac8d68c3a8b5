"""`photo-organizer doctor`: looks at all that photos depend on, and says how to mend what is not well."""

from __future__ import annotations

import click

from photo_organizer.cli.frame import Invocation, command


@command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each check, one a line.")
def doctor(invocation: Invocation, *, as_json: bool) -> int:
    """Check the machine and print how to fix each problem. Exit code 1 when something must be fixed."""
    from photo_organizer.cli.console import print_json, wrapped
    from photo_organizer.doctor.check import Mark
    from photo_organizer.doctor.checks import run_checks

    heads = {Mark.OK: "ok  ", Mark.HINT: "hint", Mark.FIX: "FIX "}
    verdict = 0
    for check in run_checks(*invocation.last_good_configuration()):
        if check.mark is Mark.FIX:
            verdict = 1
        if as_json:
            print_json({"check": check.name, "state": check.mark, "found": check.found, "fix": check.remedy})
            continue
        click.echo(wrapped(f"{heads[check.mark]}  {check.name}: {check.found}", indent=6))
        if check.remedy:
            click.echo(wrapped(f"      -> {check.remedy}", indent=9))
    return verdict
