"""The service in a real systemd, as a real person without rights: from its installation to its removal."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.small_models import draw_photo
from support.systemd.testbed import HOME, UID, Testbed

UNIT = "photo-organizer.service"
UNITS = HOME / ".config" / "systemd" / "user"
STATE = HOME / ".local" / "state" / "photo-organizer"
INBOX = HOME / "Pictures" / "Inbox"
LIBRARY = HOME / "Pictures" / "Library"
CONFIG = HOME / ".config" / "photo-organizer" / "organizer.yaml"
PATIENCE_SECONDS = 60.0


class Service:
    """What the tests do as the person, and see from outside."""

    def __init__(self, machine: Testbed, photos: Path) -> None:
        self.machine = machine
        self._photos = photos
        self._drawn = 0

    def organizer(self, *arguments: str, check: bool = True) -> str:
        return self.machine.run(sys.executable, "-P", "-m", "photo_organizer", *arguments, check=check)

    def outside(self, path: Path) -> Path:
        return self.machine.outside(path)

    def configure(self, **changes: object) -> None:
        """Saves the configuration, as the person's editor does."""
        settings = {
            "inboxes": [str(INBOX)],
            "library": str(LIBRARY),
            "watch": {"settle_seconds": 0.1},
            "thresholds": {"default": 0.95},
            "model": {"directory": str(HOME / "models")},
            "retraining": {"enabled": False},
        } | changes
        self.write(CONFIG, json.dumps(settings))

    def write(self, path: Path, text: str | bytes) -> None:
        """Puts a file of the person into the machine, whole."""
        for folder in reversed(path.parents[: len(path.parents) - len(HOME.parts)]):
            if not self.outside(folder).exists():
                self.outside(folder).mkdir()
                os.chown(self.outside(folder), UID, UID)
        draft = self.outside(path.with_name(f".{path.name}.draft"))
        draft.write_bytes(text.encode() if isinstance(text, str) else text)
        os.chown(draft, UID, UID)
        draft.rename(self.outside(path))

    def drop(self, count: int = 1) -> list[Path]:
        """Drops photos of food in the inbox."""
        names = []
        for _ in range(count):
            self._drawn += 1
            drawn = draw_photo(self._photos / f"{self._drawn}.jpg", "Food", seed=self._drawn)
            self.write(INBOX / drawn.name, drawn.read_bytes())
            names.append(INBOX / drawn.name)
        return names

    def status(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.outside(STATE / "status.json").read_text()))
        except FileNotFoundError:
            return {}

    def show(self, name: str) -> str:
        return self.machine.shows(UNIT, name)[name]

    def pid(self) -> int:
        return int(self.show("MainPID"))

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, (
                f"{what} never came; {self.machine.journal('-u', UNIT, '-n', '30')}"
            )
            time.sleep(0.05)

    def until_filed(self, photos: list[Path]) -> None:
        for photo in photos:
            target = self.outside(LIBRARY / "Food" / photo.name)
            self.until(lambda target=target: target.exists(), f"{photo.name} in its folder")
        self.until(lambda: self.status().get("state") == "idle", "idle")


@pytest.fixture(scope="module")
def service(
    machine: Testbed, trained_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Installed by `photo-organizer service install`, and running."""
    made = Service(machine, tmp_path_factory.mktemp("photos"))
    machine.run("mkdir", "-p", str(HOME / "models"))
    machine.run("ln", "-s", str(trained_model), str(HOME / "models" / "small"))
    machine.run("ln", "-s", "small", str(HOME / "models" / "current"))
    made.configure()
    said = made.organizer("service", "install")
    assert f"started {UNIT}" in said
    yield made


@pytest.fixture(autouse=True)
def running(service: Service) -> None:
    """Each test begins with the service ready and a good configuration."""
    service.configure()
    service.machine.systemctl("reset-failed", UNIT, check=False)
    service.machine.systemctl("start", UNIT)


def test_ready_means_that_it_watches_and_a_dropped_photo_is_filed(service: Service) -> None:
    service.until(lambda: service.show("ActiveState") == "active", "the ready state")
    before = service.status()["filed_total"]
    photos = service.drop(3)
    service.until_filed(photos)
    service.until(
        lambda: service.show("StatusText") == f"idle, {before + 3:,} photos filed", "the status text"
    )
    service.until(lambda: service.status()["filed_total"] == before + 3, "the status file")
    assert f"{before + 3} filed" in service.organizer("status")


def test_the_journal_is_searched_by_category(service: Service) -> None:
    (photo,) = service.drop()
    service.until_filed([photo])
    lines = service.machine.journal("-u", UNIT, "CATEGORY=Food", "PRIORITY=6")
    assert photo.name in lines
    entry = json.loads(
        service.machine.run(
            "journalctl", "--user", "-u", UNIT, "CATEGORY=Food", "-n", "1", "--output=json", "--no-pager"
        )
    )
    assert entry["PHOTO"] == str(photo)
    assert entry["MODEL"] == "small"
    assert float(entry["CONFIDENCE"]) > 0.95
    assert photo.name not in service.machine.journal("-u", UNIT, "CATEGORY=Pets", "--quiet")


def test_reload_takes_a_good_configuration_and_refuses_a_bad_one(service: Service) -> None:
    pid = service.pid()
    service.configure(thresholds={"default": 0.9})
    service.machine.systemctl("reload", UNIT)
    service.until(lambda: service.show("ActiveState") == "active", "the end of the reload")
    service.until(lambda: service.status()["config_error"] is None, "the good configuration")
    service.configure(categories=["Food", "../Pets"])
    service.machine.systemctl("reload", UNIT)
    service.until(lambda: "categories" in (service.status()["config_error"] or ""), "the refusal")
    service.until_filed(service.drop())
    assert service.pid() == pid
    assert "configuration not reloaded" in service.machine.journal("-u", UNIT, "PRIORITY=3")


def test_a_killed_daemon_is_started_again_and_nothing_is_lost(service: Service) -> None:
    photos = service.drop(30)
    killed = service.pid()
    service.machine.kill(killed, signal.SIGKILL)
    service.until(lambda: service.pid() not in (0, killed), "another process")
    service.until_filed(photos)
    assert int(service.show("NRestarts")) >= 1


def test_a_daemon_that_hangs_is_ended_by_the_watchdog(service: Service) -> None:
    override = UNITS / f"{UNIT}.d" / "short-patience.conf"
    service.write(override, "[Service]\nWatchdogSec=2s\n")
    service.machine.systemctl("daemon-reload")
    service.machine.systemctl("restart", UNIT)
    hanging = service.pid()
    service.machine.kill(hanging, signal.SIGSTOP)
    service.until(lambda: service.pid() not in (0, hanging), "another process")
    service.until_filed(service.drop())
    assert "watchdog" in service.machine.journal("-u", UNIT).lower()
    service.machine.run("rm", str(override))
    service.machine.systemctl("daemon-reload")
    service.machine.systemctl("restart", UNIT)


def test_an_idle_daemon_keeps_the_watchdog_content(service: Service) -> None:
    override = UNITS / f"{UNIT}.d" / "short-patience.conf"
    service.write(override, "[Service]\nWatchdogSec=1s\n")
    service.machine.systemctl("daemon-reload")
    service.machine.systemctl("restart", UNIT)
    pid = service.pid()
    time.sleep(3)  # three times its patience, in which nothing must happen
    assert service.pid() == pid
    service.machine.run("rm", str(override))
    service.machine.systemctl("daemon-reload")
    service.machine.systemctl("restart", UNIT)


def test_a_stop_amid_a_backlog_is_clean_and_the_next_start_goes_on(service: Service) -> None:
    service.machine.systemctl("stop", UNIT)
    photos = service.drop(40)
    service.machine.systemctl("start", UNIT)
    service.until(lambda: service.outside(LIBRARY / "Food" / photos[0].name).exists(), "the first photo")
    service.machine.systemctl("stop", UNIT)
    assert service.show("Result") == "success"
    assert service.show("ActiveState") == "inactive"
    service.machine.systemctl("start", UNIT)
    service.until_filed(photos)


def test_a_wrong_configuration_at_the_start_is_not_tried_again_and_again(service: Service) -> None:
    service.machine.systemctl("stop", UNIT)
    service.configure(thresholds={"default": 7})
    service.machine.systemctl("start", UNIT, check=False)
    service.until(lambda: service.show("ActiveState") == "failed", "the failure")
    assert service.show("ExecMainStatus") == "2"
    said = service.organizer("service", "status", check=False)
    assert "exit code 2" in said or "thresholds" in said


def test_installing_again_changes_nothing_or_brings_up_to_date(service: Service) -> None:
    pid = service.pid()
    assert "wrote" not in service.organizer("service", "install")
    assert service.pid() == pid
    elsewhere = HOME / "Elsewhere"
    service.configure(inboxes=[str(INBOX), str(elsewhere)])
    assert "does not match" in service.organizer("service", "status", check=False)
    assert "wrote" in service.organizer("service", "install")
    assert "-/home/person" in service.outside(UNITS / UNIT).read_text()
    assert service.pid() != pid
    service.configure()
    service.organizer("service", "install")


def test_status_says_in_plain_words_that_lingering_is_off(service: Service) -> None:
    marker = service.outside(Path("/var/lib/systemd/linger/person"))
    assert "enable-linger" not in service.organizer("service", "status")
    marker.unlink()
    try:
        assert "loginctl enable-linger person" in service.organizer("service", "status")
        assert "loginctl enable-linger person" in service.organizer("service", "install")
    finally:
        marker.write_text("")


def test_the_timer_retrains(service: Service) -> None:
    said = service.organizer("service", "install", "--timer")
    assert "enabled photo-organizer-train.timer" in said
    override = UNITS / "photo-organizer-train.timer.d" / "soon.conf"
    service.write(override, "[Timer]\nOnCalendar=\nOnActiveSec=1s\nRandomizedDelaySec=0\nAccuracySec=1ms\n")
    service.machine.systemctl("daemon-reload")
    service.machine.systemctl("restart", "photo-organizer-train.timer")

    def has_run() -> bool:
        return service.machine.shows("photo-organizer-train.service", "ExecMainExitTimestamp") != {
            "ExecMainExitTimestamp": ""
        }

    service.until(has_run, "the retraining")
    shown = service.machine.shows("photo-organizer-train.service", "Nice", "CPUSchedulingPolicy")
    assert shown == {"Nice": "19", "CPUSchedulingPolicy": "5"}
    service.machine.run("rm", "-r", str(override.parent))


def test_the_checkouts_own_unit_files_work_as_they_stand(service: Service) -> None:
    """The documented commands, in a checkout whose environment is this one."""
    service.organizer("service", "uninstall")
    checkout = HOME / "checkout"
    for unit in (UNIT, "photo-organizer-train.service", "photo-organizer-train.timer"):
        service.write(checkout / "systemd" / unit, (Path(__file__).parents[2] / "systemd" / unit).read_text())
    start = f"#!/bin/sh\nPHOTO_ORGANIZER_CONFIG={CONFIG} exec {sys.executable} -P -m photo_organizer "
    service.write(checkout / "organizer", start + '"$@"\n')
    service.outside(checkout / "organizer").chmod(0o755)
    service.machine.systemctl("link", str(checkout / "systemd" / UNIT))
    service.machine.systemctl("enable", "--now", UNIT)
    service.until(lambda: service.show("StatusText").startswith("idle"), "the status text")
    service.until_filed(service.drop())
    service.machine.systemctl("disable", "--now", UNIT)
    assert service.show("Result") == "success"
    service.organizer("service", "install")


def test_uninstall_leaves_nothing_but_the_owners_files(service: Service) -> None:
    service.until_filed(service.drop())
    service.organizer("service", "uninstall")
    left = [path for path in service.outside(UNITS).rglob("*") if not path.is_dir()]
    assert left == []
    assert service.show("LoadState") == "not-found"
    assert service.outside(CONFIG).exists()
    assert service.outside(STATE / "predictions.csv").exists()
    assert list(service.outside(LIBRARY / "Food").iterdir())
    assert "not installed" in service.organizer("service", "status", check=False)
    service.organizer("service", "install")


def test_it_does_not_run_as_anybody_else(service: Service) -> None:
    assert Path(f"/proc/{service.machine.init}/root/proc/{service.pid()}").stat().st_uid == UID
