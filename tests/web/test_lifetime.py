"""When the page ends, and who serves it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from photo_organizer.cli import main
from photo_organizer.config import load_configuration
from photo_organizer.service.review_page import ReviewPageProcess
from photo_organizer.web.server import running_page
from support.heavy_packages import HEAVY
from support.web.review_home import Page, ReviewHome


def test_it_ends_when_nobody_does_anything(home: ReviewHome) -> None:
    page = Page(home, "--idle-minutes", "0.01")
    assert page.wait() == 0
    page.close()


def test_ctrl_c_ends_it_quietly(home: ReviewHome) -> None:
    page = Page(home)
    assert page.close() == 0
    assert (home.state / "review-page.log").read_text() == ""
    assert running_page(home.configuration) is None


def test_a_page_that_runs_is_shown_again(home: ReviewHome, capsys: pytest.CaptureFixture[str]) -> None:
    page = Page(home)
    try:
        assert main(["--config", str(home.config), "review", "--no-browser"]) == 0
        assert capsys.readouterr().out.strip() == page.address
    finally:
        page.close()


def test_a_port_that_is_taken_is_told(home: ReviewHome, capsys: pytest.CaptureFixture[str]) -> None:
    page = Page(home)
    try:
        assert main(["--config", str(home.config), "review", "--no-browser", "--port", str(page.port)]) == 1
        error = capsys.readouterr().err
        assert (error.count("\n"), "--port" in error) == (1, True)
    finally:
        page.close()


def test_the_daemons_page_is_kept_running(home: ReviewHome) -> None:
    port = 20_000 + hash(str(home.root)) % 20_000
    home.config.write_text(home.config.read_text() + f"review_page: {{enabled: true, port: {port}}}\n")
    configuration = load_configuration(home.config)
    home.state.mkdir(exist_ok=True)
    now = [0.0]
    process = ReviewPageProcess(configuration, clock=lambda: now[0])
    try:
        process.step()
        first = process.pid
        address = _await_page(home)
        assert f":{port}/" in address
        subprocess.run(["kill", "-9", str(first)], check=True)
        deadline = time.monotonic() + 10
        while running_page(configuration) is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.step()
        assert process.pid == first  # it is looked after now and then only
        now[0] += 60
        process.step()
        assert process.pid not in {None, first}
        _await_page(home)
    finally:
        process.stop()
    assert running_page(configuration) is None


def test_without_the_setting_the_daemon_serves_none(home: ReviewHome) -> None:
    process = ReviewPageProcess(home.configuration, command=("false",))
    process.step()
    assert (process.pid, process.next_due()) == (None, None)


def _await_page(home: ReviewHome) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if (address := running_page(home.configuration)) is not None:
            return address
        time.sleep(0.05)
    raise AssertionError(Path(home.state / "review-page.log").read_text())


def test_the_page_is_light() -> None:
    loaded = f"[name for name in {sorted(HEAVY)} if name in sys.modules]"
    code = f"import sys, photo_organizer.web.server; print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
