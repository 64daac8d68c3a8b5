"""What is wrong, in plain words, and what to do about it."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from photo_organizer.config import Configuration, load_configuration
from photo_organizer.doctor import folder_checks, machine_checks, record_checks, service_checks
from photo_organizer.doctor.check import Check, Mark
from photo_organizer.doctor.checks import CHECKS, run_checks
from photo_organizer.library import Library
from photo_organizer.library.record.journal_schema import VERSION
from photo_organizer.library.record.ledger_text import COLUMNS
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
    return [finding.found for finding in service_checks.service(configuration, manager)]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("active", ["active", "reloading"])
def test_a_service_that_runs_has_no_findings(configuration: Configuration, active: str) -> None:
    state = dataclasses.replace(RUNNING, active=active)
    assert state.runs
    assert problems(configuration, Manager(state)) == []
    assert list(folder_checks.folders(configuration)) == []


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
    (finding,) = service_checks.service(configuration, Manager(lingers=False))
    assert finding.mark is Mark.HINT
    assert "loginctl enable-linger" in finding.remedy


def test_no_manager_is_no_error(configuration: Configuration) -> None:
    (finding,) = service_checks.service(configuration, Manager(None))
    assert finding.mark is Mark.HINT


def test_a_missing_folder_is_named(configuration: Configuration) -> None:
    configuration.inbox_paths[0].rmdir()
    (finding,) = folder_checks.folders(configuration)
    assert str(configuration.inbox_paths[0]) in finding.found
    assert "missing" in finding.found


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(configuration: Configuration) -> None:
    configuration.library.chmod(0o500)
    (finding,) = folder_checks.folders(configuration)
    assert "cannot be written" in finding.found
    assert "chmod" in finding.remedy


def test_too_few_watches_come_with_the_line_that_raises_them(
    configuration: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = tmp_path / "max_user_watches"
    limit.write_text("8\n")
    monkeypatch.setattr(machine_checks, "_WATCH_LIMIT", limit)
    for number in range(10):
        (configuration.inbox_paths[0] / str(number)).mkdir()
    finding = next(iter(machine_checks.watching(configuration)))
    assert "11 folders" in finding.found
    assert "fs.inotify.max_user_watches=524288" in finding.remedy


def test_the_check_of_the_file_system_leaves_nothing_behind(configuration: Configuration) -> None:
    assert [check.mark for check in folder_checks.file_system(configuration)] == [Mark.OK]
    assert list(configuration.library.iterdir()) == []


def test_a_file_system_with_limits_is_told(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(folder_checks, "_moves_without_replacing", lambda _: False)
    monkeypatch.setattr(folder_checks, "_can_hold", lambda _, name: b":" not in name)
    monkeypatch.setattr(Path, "hardlink_to", no_links)
    found = [check.found for check in folder_checks.file_system(configuration)]
    assert [words in line for words, line in zip(("atomic", ': ? "', "hard links"), found, strict=True)]
    assert list(configuration.library.iterdir()) == []


def test_a_category_folder_that_is_a_link_is_told(configuration: Configuration, tmp_path: Path) -> None:
    assert list(folder_checks.category_folders(configuration)) == []
    (tmp_path / "elsewhere").mkdir()
    (configuration.library / "Pets").symlink_to(tmp_path / "elsewhere")
    (configuration.library / "Review").touch()
    link, file = folder_checks.category_folders(configuration)
    assert (link.mark, file.mark) == (Mark.FIX, Mark.FIX)
    assert f"Pets is a symbolic link to {tmp_path}/elsewhere" in link.found
    assert "Review is a file" in file.found


@pytest.mark.parametrize("at", [0, 100, 5000])
def test_a_damaged_journal_is_told(configuration: Configuration, at: int) -> None:
    (check,) = record_checks.journal(configuration)
    assert check.found.startswith("none yet")
    with Library.open(configuration):
        pass
    (check,) = record_checks.journal(configuration)
    assert check.mark is Mark.OK
    path = configuration.state_directory / "journal.sqlite"
    content = bytearray(path.read_bytes())
    content[at : at + 4000] = b"\xff" * 4000
    path.write_bytes(content)
    (check,) = record_checks.journal(configuration)
    assert check.mark is Mark.FIX
    assert "is damaged (" in check.found
    assert path.read_bytes() == content


def test_an_empty_journal_is_none_and_one_without_its_tables_is_damaged(configuration: Configuration) -> None:
    journal = configuration.state_directory / "journal.sqlite"
    journal.touch()
    (check,) = record_checks.journal(configuration)
    assert check.mark is Mark.OK
    assert check.found.startswith("none yet")
    configuration.ledger_path.write_text(",".join(COLUMNS) + "\nIMG_1.jpg,a row\n")
    (check,) = record_checks.journal(configuration)
    assert check.mark is Mark.FIX
    assert "the journal is gone" in check.found
    with closing(sqlite3.connect(journal)) as database:
        database.execute(f"PRAGMA user_version = {VERSION}")
    (check,) = record_checks.journal(configuration)
    assert check.mark is Mark.FIX
    assert "it has no table" in check.found


def test_review_and_quarantine_are_named(configuration: Configuration) -> None:
    review, quarantine = folder_checks.waiting_photos(configuration)
    assert review.found == f"0 photos in {configuration.library}/Review"
    assert quarantine.found == f"0 files in {configuration.quarantine_directory}"


def test_a_check_that_fails_does_not_end_the_others(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Configuration) -> Iterator[Check]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("photo_organizer.doctor.checks.CHECKS", (("disk", fails, ""), *CHECKS[:2]))
    checks = list(run_checks(configuration, "o.yaml:3: batch: wrong"))
    assert [check.name for check in checks] == ["settings", "disk", "folders", "categories"]
    assert checks[1].found == "cannot be checked: Input/output error"
