"""What is wrong, in plain words, and what to do about it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from photo_organizer.config import Configuration, load_configuration
from photo_organizer.doctor import machine as health
from photo_organizer.service.systemd.installation import planned_units, unit_directory
from photo_organizer.service.systemd.systemctl import UnitState, UserManager
from photo_organizer.service.systemd.units import DAEMON_UNIT

RUNNING = UnitState(
    load="loaded",
    active="active",
    result="success",
    exit_status="0",
    status_text="idle",
    enabled="enabled",
    outdated=False,
    main_pid=7,
)


class Manager(UserManager):
    """A service manager that says what the test wants to hear."""

    def __init__(self, state: UnitState | None = RUNNING, *, lingers: bool = True) -> None:
        self._state = state
        self._lingers = lingers

    def available(self) -> bool:
        return self._state is not None

    def state(self, unit: str = DAEMON_UNIT) -> UnitState:
        assert self._state is not None
        return self._state

    def last_lines(self, unit: str = DAEMON_UNIT, count: int = 5) -> list[str]:
        return ["organizer.yaml:4: thresholds.default must be at most 1"]

    def lingers(self) -> bool | None:
        return self._lingers


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    for name in ("Inbox", "Library", "state"):
        (tmp_path / name).mkdir()
    path = tmp_path / "organizer.yaml"
    path.write_text("inboxes: [Inbox]\nlibrary: Library\nstate: {directory: state}\n")
    return load_configuration(path)


@pytest.fixture
def installed(configuration: Configuration) -> Path:
    """The unit file, as `service install` writes it."""
    path = unit_directory() / DAEMON_UNIT
    path.parent.mkdir(parents=True)
    path.write_text(planned_units(configuration, timer=False, sandbox=False)[0].text)
    return path


def problems(configuration: Configuration, manager: UserManager) -> list[str]:
    return [finding.problem for finding in health.service_findings(configuration, manager)]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("active", ["active", "reloading"])
def test_a_service_that_runs_has_no_findings(configuration: Configuration, active: str) -> None:
    state = dataclasses.replace(RUNNING, active=active)
    assert state.runs
    assert problems(configuration, Manager(state)) == []
    assert list(health.folder_findings(configuration)) == []


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"load": "not-found"}, "not installed"),
        ({"load": "bad-setting"}, "cannot read"),
        ({"outdated": True}, "changed since"),
        ({"enabled": "disabled"}, "does not start by itself"),
        ({"active": "inactive"}, "does not run"),
        (
            {"active": "failed", "result": "exit-code", "exit_status": "2"},
            "exit code 2; it said last: organizer.yaml:4",
        ),
        ({"active": "failed", "result": "watchdog"}, "the watchdog"),
        ({"active": "failed", "result": "oom-kill"}, "out of memory"),
    ],
)
def test_each_trouble_has_its_words(
    configuration: Configuration, change: dict[str, object], words: str
) -> None:
    state = dataclasses.replace(RUNNING, **change)  # type: ignore[arg-type]  # as the case says
    (problem,) = problems(configuration, Manager(state))
    assert words in problem


def test_a_unit_that_does_not_fit_the_configuration_any_more_is_told(
    configuration: Configuration, installed: Path
) -> None:
    installed.write_text(installed.read_text().replace("ReadWritePaths=", "ReadWritePaths=-/elsewhere "))
    (problem,) = problems(configuration, Manager())
    assert "does not fit" in problem


@pytest.mark.usefixtures("installed")
def test_lingering_is_a_hint_with_the_command(configuration: Configuration) -> None:
    (finding,) = health.service_findings(configuration, Manager(lingers=False))
    assert finding.optional
    assert "loginctl enable-linger" in finding.remedy


def test_no_manager_is_no_error(configuration: Configuration) -> None:
    (finding,) = health.service_findings(configuration, Manager(None))
    assert finding.optional


def test_a_missing_folder_is_named(configuration: Configuration) -> None:
    configuration.inboxes[0].rmdir()
    (finding,) = health.folder_findings(configuration)
    assert str(configuration.inboxes[0]) in finding.problem
    assert "missing" in finding.problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(configuration: Configuration) -> None:
    configuration.library.chmod(0o500)
    (finding,) = health.folder_findings(configuration)
    assert "cannot be written" in finding.problem
    assert "chmod" in finding.remedy


def test_too_few_watches_come_with_the_line_that_raises_them(
    configuration: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = tmp_path / "max_user_watches"
    limit.write_text("8\n")
    monkeypatch.setattr(health, "_WATCH_LIMIT", limit)
    for number in range(10):
        (configuration.inboxes[0] / str(number)).mkdir()
    finding = next(iter(health.inotify_findings(configuration)))
    assert "11 folders" in finding.problem
    assert "fs.inotify.max_user_watches=524288" in finding.remedy


def test_the_check_of_the_file_system_leaves_nothing_behind(configuration: Configuration) -> None:
    list(health.folder_findings(configuration))
    assert list(configuration.library.iterdir()) == []
