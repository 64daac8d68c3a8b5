"""Log lines: one line each whatever a name holds, repetition counted, fields for journald."""

from __future__ import annotations

import io
import logging
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from photo_organizer.errors import OrganizerError
from photo_organizer.service.status.logs import configure_logging, is_connected_to_journald
from photo_organizer.service.systemd.journald import JournalDatagramHandler

log = logging.getLogger("photo_organizer.tests")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger("photo_organizer")
    before = (list(root.handlers), root.level, root.propagate)
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level, root.propagate = before


def lines(stream: io.StringIO) -> list[str]:
    return [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()]


def test_a_name_cannot_forge_a_line() -> None:
    stream = io.StringIO()
    configure_logging("info", None, stream=stream)
    log.info("%s -> Pets", "a\n12:00:00 everything deleted\x1b[2J")
    assert lines(stream) == [r"a\n12:00:00 everything deleted\x1b[2J -> Pets"]


def test_the_same_error_again_is_counted_and_not_repeated() -> None:
    stream = io.StringIO()
    configure_logging("info", None, stream=stream)
    for _ in range(105):
        log.error("paused: %s", "disk full")
    log.error("paused: %s", "read-only")
    assert lines(stream) == [
        "paused: disk full",
        "paused: disk full (happened 10 times)",
        "paused: disk full (happened 100 times)",
        "paused: read-only",
    ]


def test_ordinary_lines_may_repeat_themselves_and_the_level_is_kept() -> None:
    stream = io.StringIO()
    configure_logging("info", None, stream=stream)
    log.info("filing again")
    log.info("filing again")
    log.debug("detail")
    assert lines(stream) == ["filing again", "filing again"]


def test_the_log_file_is_private_and_is_in_the_folder_that_was_named(tmp_path: Path) -> None:
    configure_logging("info", tmp_path / "logs", stream=io.StringIO())
    log.info("IMG_1.jpg -> Pets")
    file = tmp_path / "logs" / "photo-organizer.log"
    assert file.read_text().endswith("INFO    IMG_1.jpg -> Pets\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_configuring_again_replaces_what_was_there(tmp_path: Path) -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logging("info", tmp_path, stream=first)
    configure_logging("error", None, stream=second)
    log.info("quiet")
    log.error("loud")
    assert first.getvalue() == ""
    assert lines(second) == ["loud"]


def test_journald_is_recognised_by_the_stream_that_systemd_named(tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as stream:
        status = os.fstat(stream.fileno())
        named = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        assert is_connected_to_journald(named, stream)
        assert not is_connected_to_journald({"JOURNAL_STREAM": "1:2"}, stream)
        assert not is_connected_to_journald({}, stream)
    assert not is_connected_to_journald(named, io.StringIO())


def test_journald_gets_priority_and_fields(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(str(tmp_path / "journal"))
        journald.settimeout(5)
        handler = JournalDatagramHandler("photo-organizer", tmp_path / "journal")
        record = logging.makeLogRecord(
            {
                "name": "x",
                "levelno": logging.WARNING,
                "msg": "a -> Pets",
                "CATEGORY": "Pets",
                "PHOTO": Path("/in/a\nb.jpg"),
            }
        )
        handler.handle(record)
        handler.close()
        received = journald.recv(4096)
    assert b"MESSAGE=a -> Pets\n" in received
    assert b"PRIORITY=4\n" in received
    assert b"CATEGORY=Pets\n" in received
    name = b"/in/a\nb.jpg"
    assert b"PHOTO\n" + struct.pack("<Q", len(name)) + name + b"\n" in received


def test_a_log_folder_that_cannot_be_written_is_said_and_the_handlers_before_stay(tmp_path: Path) -> None:
    stream = io.StringIO()
    configure_logging("info", None, stream=stream)
    (tmp_path / "file").write_text("")
    with pytest.raises(OrganizerError, match=r"logging\.directory"):
        configure_logging("info", tmp_path / "file" / "logs", stream=io.StringIO())
    log.info("still heard")
    assert lines(stream) == ["still heard"]
