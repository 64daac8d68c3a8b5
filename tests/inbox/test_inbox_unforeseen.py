"""An error that nobody foresaw while one photo is looked at has that photo wait, and no other."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from photo_organizer.crash_log import CrashLog
from photo_organizer.inbox import Inbox, Skipped, WatchedFolder, find_groups, path_scan, scanner
from photo_organizer.inbox.readiness.readiness_check import ReadinessCheck
from support.inbox_driver import Watch, write_many


def failing(real: Any, what: str) -> Any:
    def call(*arguments: Any, **keywords: Any) -> Any:
        if what in repr(arguments):
            raise OverflowError("a number nobody thought of")
        return real(*arguments, **keywords)

    return call


@pytest.mark.parametrize("name", ["_look_at", "_group"])
def test_sort_skips_that_photo(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "in"
    write_many(folder, ["1.jpg", "2.jpg", "3.jpg"])
    monkeypatch.setattr(path_scan, name, failing(getattr(path_scan, name), "2.jpg"))
    skipped: list[Skipped] = []
    groups = find_groups(
        [folder], settle_seconds=0.0, on_skipped=skipped.append, crash_log=CrashLog(tmp_path / "state")
    )
    assert sorted(group.photo.path.name for group in groups) == ["1.jpg", "3.jpg"]
    assert [one.path.name for one in skipped] == ["2.jpg"]
    assert "OverflowError" in (tmp_path / "state" / "crash.log").read_text()


@pytest.mark.parametrize("where", ["a photo", "a folder"])
def test_the_daemon_has_that_photo_wait(tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "in"
    write_many(folder, ["1.jpg", "bad/2.jpg", "good/3.jpg"])
    if where == "a photo":
        real = ReadinessCheck.consider

        def consider(self: ReadinessCheck, waiting: Any, now: Any) -> Any:
            return failing(lambda _: real(self, waiting, now), "2.jpg")(waiting.names)

        monkeypatch.setattr(ReadinessCheck, "consider", consider)
    else:
        monkeypatch.setattr(scanner, "look", failing(scanner.look, "in/bad"))
    inbox = Inbox(
        [WatchedFolder(folder)],
        Watch(mode="polling", settle_seconds=0.0),
        libraries=[],
        is_held=lambda _: False,
        is_kept_original=lambda _: False,
        crash_log=CrashLog(tmp_path / "state"),
    )
    inbox.start(lambda: None)
    found: set[str] = set()
    for _ in range(200):
        found |= {group.photo.path.name for group in inbox.collect(10).groups}
        if {"1.jpg", "3.jpg"} <= found:
            break
        time.sleep(0.01)
    inbox.stop()
    assert found == {"1.jpg", "3.jpg"}
    assert "OverflowError" in (tmp_path / "state" / "crash.log").read_text()
