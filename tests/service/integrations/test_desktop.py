"""One desktop notification a batch, where there is a desktop, and silence elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from photo_organizer.service.integrations.desktop import DesktopNotifier


@pytest.fixture
def desktop(tmp_path: Path) -> dict[str, str]:
    """An environment with a session bus and a `notify-send` that writes down what it is told."""
    told = tmp_path / "told"
    command = tmp_path / "bin" / "notify-send"
    command.parent.mkdir()
    command.write_text(
        f'#!/bin/sh\nfor word; do last=$word; done\necho "$last" >"{told}.new"\nmv "{told}.new" "{told}"\n'
    )
    command.chmod(0o755)
    path = f"{command.parent}:{os.environ['PATH']}"
    return {"PATH": path, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere", "TOLD": str(told)}


def heard(environment: dict[str, str]) -> str:
    return Path(environment["TOLD"]).read_text().strip()


def test_a_batch_is_one_sentence(desktop: dict[str, str]) -> None:
    notifier = DesktopNotifier(desktop)
    notifier.batch_finished(filed=34, review=5, quarantined=0)
    notifier.close()
    assert heard(desktop) == "34 photos filed, 5 to review"


def test_one_photo_is_no_photos(desktop: dict[str, str]) -> None:
    notifier = DesktopNotifier(desktop)
    notifier.batch_finished(filed=1, review=0, quarantined=2)
    notifier.close()
    assert heard(desktop) == "1 photo filed, 2 in quarantine"


@pytest.mark.parametrize("missing", ["DBUS_SESSION_BUS_ADDRESS", "PATH"])
def test_without_a_desktop_nothing_is_started(desktop: dict[str, str], missing: str) -> None:
    notifier = DesktopNotifier(desktop | {missing: ""})
    notifier.batch_finished(filed=1, review=0, quarantined=0)
    notifier.close()
    assert not Path(desktop["TOLD"]).exists()


def test_nothing_filed_is_no_news(desktop: dict[str, str]) -> None:
    notifier = DesktopNotifier(desktop)
    notifier.batch_finished(filed=0, review=0, quarantined=0)
    notifier.close()
    assert not Path(desktop["TOLD"]).exists()
