"""The unit files: what is filled in, how names are quoted, and that they stay as they were delivered
otherwise."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from photo_organizer.config import Configuration, load_configuration
from photo_organizer.service.systemd import units

UNITS = Path(__file__).parents[3] / "systemd"


def configuration(folder: Path, text: str) -> Configuration:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "organizer.yaml"
    path.write_text(text)
    return load_configuration(path)


@pytest.fixture
def usual(tmp_path: Path) -> Configuration:
    return configuration(tmp_path / "config", "inboxes: [../Pictures/Inbox]\nlibrary: ../Pictures/Library\n")


def directive(text: str, name: str) -> str:
    return next(line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}="))


def test_only_the_lines_of_this_machine_differ_from_the_delivered_file(usual: Configuration) -> None:
    delivered = (UNITS / units.DAEMON_UNIT).read_text().splitlines()
    rendered = units.render_daemon(usual).text.splitlines()
    different = {new.partition("=")[0] for old, new in zip(delivered, rendered, strict=True) if old != new}
    assert different == {"ExecStart", "ReadWritePaths"}


def test_it_starts_this_interpreter_with_this_configuration(usual: Configuration) -> None:
    start = directive(units.render_daemon(usual).text, "ExecStart")
    assert start == f"{sys.executable} -P -m photo_organizer run --config {usual.path}"


def test_inbox_and_library_are_one_writable_mount_so_that_photos_can_be_renamed(
    usual: Configuration, tmp_path: Path
) -> None:
    pictures = tmp_path / "Pictures"
    assert pictures in units.writable_folders(usual)
    words = directive(units.render_daemon(usual).text, "ReadWritePaths").split()
    assert f"-{pictures}" in words
    assert all(word.startswith("-/") for word in words)
    assert not any(word.startswith(f"-{pictures}/") for word in words)


def test_folders_on_different_drives_are_listed_one_by_one(tmp_path: Path) -> None:
    made = configuration(tmp_path, "inboxes: [/media/stick/in]\nlibrary: /srv/photos\n")
    folders = units.writable_folders(made)
    assert {Path("/media/stick/in"), Path("/srv/photos"), made.state_directory} <= set(folders)
    assert Path("/") not in folders


def test_odd_names_are_quoted_for_systemd(tmp_path: Path) -> None:
    made = configuration(tmp_path / 'My "100%" $photos', "inboxes: [in]\nlibrary: out\n")
    text = units.render_daemon(made).text
    assert f'"{tmp_path}/My \\"100%%\\" $$photos/organizer.yaml"' in directive(text, "ExecStart")
    assert f'"-{tmp_path}/My \\"100%%\\" $photos"' in directive(text, "ReadWritePaths")


def test_a_name_that_no_unit_file_can_hold_is_refused(tmp_path: Path) -> None:
    made = configuration(tmp_path / "two\nlines", "inboxes: [in]\nlibrary: out\n")
    with pytest.raises(units.UnitError, match="control character"):
        units.render_daemon(made)


def test_every_directive_says_why() -> None:
    """A comment above each directive, or above the group that it belongs to."""
    for name in (units.DAEMON_UNIT, units.TRAIN_UNIT, units.TRAIN_TIMER, units.SANDBOX):
        explained = False
        for line in (UNITS / name).read_text().splitlines():
            if not line:
                explained = False
            explained = explained or line.startswith(("#", "[", "Description="))
            assert explained or not line, f"{name}: {line}"


@pytest.fixture
def verify(tmp_path: Path) -> Callable[[Path], str]:
    """What systemd has to say against a unit file."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)

    def complaints(unit: Path) -> str:
        command = ["systemd-analyze", "--user", "--man=no", "verify", str(unit)]
        environment = os.environ | {"XDG_RUNTIME_DIR": str(runtime)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if "Failed to initialize manager" in done.stderr:
            pytest.skip(f"no user manager can be set up here: {done.stderr.strip()}")
        return done.stderr

    return complaints


@pytest.mark.parametrize("name", [units.DAEMON_UNIT, units.TRAIN_UNIT, units.TRAIN_TIMER])
def test_systemd_finds_no_fault_in_the_delivered_units(name: str, verify: Callable[[Path], str]) -> None:
    assert verify(UNITS / name) == ""


def test_systemd_finds_no_fault_in_the_rendered_units(
    usual: Configuration, tmp_path: Path, verify: Callable[[Path], str]
) -> None:
    rendered = (units.render_daemon(usual), *units.render_training(usual), units.render_sandbox())
    for unit in rendered:
        path = tmp_path / unit.name
        path.parent.mkdir(exist_ok=True)
        path.write_text(unit.text)
    for unit in rendered[:3]:
        assert verify(tmp_path / unit.name) == ""


@pytest.mark.parametrize(
    ("settings", "families"),
    [
        ("", "AF_UNIX"),
        ("hooks: {timeout_seconds: 5.0}\n", "AF_UNIX"),
        ("hooks: {on_ready: [curl, https://example.org]}\n", "AF_UNIX AF_INET AF_INET6"),
        ("review_page: {enabled: true}\n", "AF_UNIX AF_INET AF_INET6"),
    ],
)
def test_the_network_is_there_only_for_hooks_and_the_review_page(
    tmp_path: Path, settings: str, families: str
) -> None:
    made = configuration(tmp_path, f"inboxes: [in]\nlibrary: lib\n{settings}")
    assert directive(units.render_daemon(made).text, "RestrictAddressFamilies") == families


def test_the_metrics_can_be_written(tmp_path: Path) -> None:
    made = configuration(
        tmp_path, "inboxes: [in]\nlibrary: lib\nmetrics: {textfile: /var/lib/collector/photos.prom}\n"
    )
    assert Path("/var/lib/collector") in units.writable_folders(made)
