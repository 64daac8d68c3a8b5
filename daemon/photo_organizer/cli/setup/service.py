"""`photo-organizer service`: the daemon as a systemd user service."""

from __future__ import annotations

import click

from photo_organizer.cli.frame import Invocation, group, with_invocation


@group("service")
def service() -> None:
    """Run the daemon in the background, as a systemd user service."""


@service.command("install")
@click.option("--print", "only_print", is_flag=True, help="Show the unit files and change nothing.")
@click.option(
    "--timer", is_flag=True, help="Also retrain by systemd's timer (with `retraining: {enabled: false}`)."
)
@with_invocation
def install(invocation: Invocation, *, only_print: bool, timer: bool) -> None:
    """Install or update the service, start it, and wait until it watches the inboxes."""
    from photo_organizer.config.first_folders import make_new_folders
    from photo_organizer.service.systemd import installation
    from photo_organizer.service.systemd.systemctl import UserManager

    configuration = invocation.configuration()
    if only_print:
        for unit in installation.planned_units(configuration, timer=timer, sandbox=True):
            click.echo(f"# {installation.unit_directory() / unit.name}\n{unit.text}")
        return
    for folder in make_new_folders(configuration):
        click.echo(f"made {folder}")
    for line in installation.install(
        configuration, UserManager(), installation.unit_directory(), timer=timer
    ):
        click.echo(line)


@service.command("uninstall")
def uninstall() -> None:
    """Stop the service and remove its unit files. Photos, ledger, models and settings are kept."""
    from photo_organizer.service.systemd import installation
    from photo_organizer.service.systemd.systemctl import UserManager

    for line in installation.uninstall(UserManager(), installation.unit_directory()):
        click.echo(line)


@service.command("status")
@with_invocation
def status(invocation: Invocation) -> int:
    """Show the state of the service, and its problems in plain words. Exit code 1 when it does not run."""
    from photo_organizer.cli.console import wrapped
    from photo_organizer.doctor.checks import findings
    from photo_organizer.service.systemd.systemctl import UserManager

    manager = UserManager()
    running = False
    if manager.available():
        state = manager.state()
        running = state.runs
        pid = f" (process {state.main_pid})" if running else ""
        click.echo(f"{state.active}{pid}{': ' + state.status_text if state.status_text else ''}")
    configuration, refusal = invocation.last_good_configuration()
    for finding in findings(configuration, refusal):
        click.echo(wrapped(f"- {finding.found}: {finding.remedy}", indent=2))
    return 0 if running else 1
