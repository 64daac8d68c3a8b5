"""What the service manager hears: only the truth, and only while there is life."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from photo_organizer.service.systemd.heartbeat import Heartbeat, extended_timeout
from photo_organizer.service.systemd.sd_notify import Notifier


class Manager:
    """The listening end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.settimeout(5)

    def hears(self) -> str:
        return self._socket.recv(4096).decode()

    def hears_nothing(self) -> bool:
        self._socket.settimeout(0)
        try:
            self._socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self._socket.settimeout(5)
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path / "notify")
    yield made
    made.close()


def test_each_message_is_one_datagram_in_systemds_words(manager: Manager) -> None:
    notifier = Notifier(manager.address)
    notifier.ready("idle, 12 photos filed")
    assert manager.hears() == "READY=1\nSTATUS=idle, 12 photos filed"
    notifier.reloading()
    assert manager.hears().startswith("RELOADING=1\nMONOTONIC_USEC=")
    notifier.extend_timeout(1.5)
    assert manager.hears() == "EXTEND_TIMEOUT_USEC=1500000"
    notifier.stopping()
    assert manager.hears().startswith("STOPPING=1")


def test_a_status_is_told_once_and_cannot_break_the_line(manager: Manager) -> None:
    notifier = Notifier(manager.address)
    notifier.status("filing 1 of 2")
    notifier.status("filing 1 of 2")
    notifier.status("paused: a\nREADY=1")
    assert manager.hears() == "STATUS=filing 1 of 2"
    assert manager.hears() == "STATUS=paused: a\\nREADY=1"
    assert manager.hears_nothing()


def test_children_do_not_inherit_the_managers_ear(manager: Manager) -> None:
    environment = {
        "NOTIFY_SOCKET": manager.address,
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
    }
    notifier = Notifier.from_environment(environment)
    assert environment == {}
    assert notifier.watchdog_seconds == 30


def test_a_watchdog_that_is_meant_for_another_process_is_not_ours() -> None:
    environment = {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}
    assert Notifier.from_environment(environment).watchdog_seconds is None


def test_a_manager_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    Notifier(str(tmp_path / "gone")).ready("idle")
    Notifier(None).ready("idle")


def test_pings_come_while_the_loop_turns_and_end_when_it_hangs(manager: Manager) -> None:
    woken = threading.Event()
    heartbeat = Heartbeat(Notifier(manager.address), 0.01, woken.set)
    heartbeat.start()
    for _ in range(3):  # a loop that turns whenever it is woken
        assert woken.wait(5)
        woken.clear()
        heartbeat.turned()
        assert manager.hears() == "WATCHDOG=1"
    assert woken.wait(5)  # and one that does not answer
    woken.clear()
    assert woken.wait(5), "the thread itself goes on asking"
    heartbeat.stop()
    pings = 0
    while not manager.hears_nothing():
        pings += 1
    assert pings <= 1


def test_a_long_start_asks_for_more_time(manager: Manager) -> None:
    with extended_timeout(Notifier(manager.address)):
        assert manager.hears().startswith("EXTEND_TIMEOUT_USEC=")
