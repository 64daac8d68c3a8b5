"""`status.json`: whole or not at all, private, and written only when there is something new."""

from __future__ import annotations

import dataclasses
import errno
import json
import stat
from pathlib import Path

import pytest

from photo_organizer.service.status import status_file
from photo_organizer.service.status.status_file import (
    OLD,
    STATUS_FILE,
    DaemonState,
    Status,
    StatusFile,
    describe,
)

IDLE = Status(
    pid=1,
    version="1",
    state=DaemonState.IDLE,
    since="2026-11-22T10:00:00+00:00",
    model="starter",
    engine=None,
    queued=0,
    filed_total=12431,
    review_total=3,
    quarantined_total=0,
    last_photo_time=None,
    last_error=None,
    next_retraining=None,
)
CONTRACT = {
    "pid", "version", "state", "since", "model", "engine", "queued", "filed_total", "review_total",
    "quarantined_total", "last_photo_time", "last_error", "next_retraining",
}  # fmt: skip


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_file_has_the_fields_of_the_contract_and_is_private(tmp_path: Path) -> None:
    StatusFile(tmp_path).offer(IDLE)
    written = json.loads((tmp_path / STATUS_FILE).read_text())
    assert written.keys() >= CONTRACT
    assert (written["state"], written["filed_total"]) == ("idle", 12431)
    assert stat.S_IMODE((tmp_path / STATUS_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [STATUS_FILE]


def test_it_is_written_at_most_once_a_second_and_the_last_word_is_not_lost(tmp_path: Path) -> None:
    clock = Clock()
    file = StatusFile(tmp_path, clock)
    file.offer(IDLE)
    for filed in range(5):
        file.offer(dataclasses.replace(IDLE, filed_total=filed))
    assert json.loads((tmp_path / STATUS_FILE).read_text())["filed_total"] == 12431
    assert file.next_due() == 101.0
    clock.now = 101.0
    file.offer(dataclasses.replace(IDLE, filed_total=4))
    assert json.loads((tmp_path / STATUS_FILE).read_text())["filed_total"] == 4
    assert file.next_due() is None


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    clock = Clock()
    file = StatusFile(tmp_path, clock)
    file.offer(IDLE)
    before = (tmp_path / STATUS_FILE).stat()
    clock.now += 1000
    file.offer(IDLE)
    assert (tmp_path / STATUS_FILE).stat() == before
    assert file.next_due() is None


def test_the_line_for_systemctl_reads_like_a_sentence() -> None:
    assert describe(IDLE, filed=0, batch_size=0) == "idle, 12,431 photos filed"
    working = dataclasses.replace(IDLE, state=DaemonState.WORKING)
    assert describe(working, filed=218, batch_size=1900) == "filing 218 of 1,900"
    refused = dataclasses.replace(IDLE, config_error="o.yaml:3: batch.size: no\no.yaml:4: other")
    assert describe(refused, filed=0, batch_size=0) == (
        "idle, 12,431 photos filed; the changed configuration is invalid: o.yaml:3: batch.size: no"
    )
    blind = dataclasses.replace(IDLE, troubled=({"kind": "folder", "path": "/in/x", "reason": "closed"},))
    assert describe(blind, filed=0, batch_size=0).endswith(", photos or folders cannot be read")
    paused = dataclasses.replace(IDLE, state=DaemonState.PAUSED, reason="/lib: no space left on device")
    assert describe(paused, filed=0, batch_size=0) == "paused: /lib: no space left on device"


def test_a_status_that_cannot_be_written_is_seen_to_be_old_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    file = StatusFile(tmp_path, clock)
    file.offer(IDLE)
    assert (tmp_path / STATUS_FILE).stat().st_mtime != OLD

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(status_file, "replace_file", full)
        clock.now += 2
        with pytest.raises(OSError, match="No space"):
            file.offer(dataclasses.replace(IDLE, queued=5))
        assert (tmp_path / STATUS_FILE).stat().st_mtime == OLD
    due = file.next_due()
    assert due is not None
    clock.now = due
    file.offer(dataclasses.replace(IDLE, queued=5))
    assert json.loads((tmp_path / STATUS_FILE).read_text())["queued"] == 5
    assert (tmp_path / STATUS_FILE).stat().st_mtime != OLD
    assert file.next_due() is None
