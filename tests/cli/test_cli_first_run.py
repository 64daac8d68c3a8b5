"""The first `run`: on a terminal it offers a dry run of the photos that are there; else it asks nothing."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.command_line import Home

PATIENCE_SECONDS = 60.0


class Terminal:
    """`photo-organizer run` on a terminal of 60 columns."""

    def __init__(self, home: Home, **environment: str) -> None:
        self._main, end = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "photo_organizer", "run"],
            stdin=end, stdout=end, stderr=end, start_new_session=True,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "60", "PHOTO_ORGANIZER_CONFIG": str(home.config),
                 "DISPLAY": "", "WAYLAND_DISPLAY": "", **environment},
        )  # fmt: skip
        os.close(end)
        self.text = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._main)

    def until(self, words: str) -> str:
        """Waits until `words` are on the screen; returns all that was there."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while words not in " ".join(self.text.split()):
            assert time.monotonic() < deadline, self.text
            if select.select([self._main], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self._main, 65536).decode()
                except OSError:  # it ended
                    assert words in " ".join(self.text.split()), self.text
        return " ".join(self.text.split())

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0


@pytest.fixture
def pictures(home: Home, own_home: Path) -> Path:
    """A Pictures folder with photos, inside which the library and the inbox are."""
    folder = own_home / "Pictures"
    for name, category in (("a.png", "Food"), ("trip/b.png", "Travel")):
        photo = home.draw(name, category, seed=len(name))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        photo.rename(folder / name)
    (folder / "Library/Food").mkdir(parents=True)
    (folder / "Library/Food/old.png").write_bytes((folder / "a.png").read_bytes())
    config = home.config.read_text()
    home.config.write_text(
        config.replace("inboxes: [in]", f"inboxes: [{folder}/Inbox]").replace("lib\n", f"{folder}/Library\n")
    )
    return folder


def test_yes_shows_a_plan_and_moves_nothing(home: Home, pictures: Path, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    (tmp_path / "bin").mkdir()
    browser = tmp_path / "bin/xdg-open"
    browser.write_text(f'#!/bin/sh\necho "$1" >{opened}\n')
    browser.chmod(0o755)
    path = f"{browser.parent}:{os.environ['PATH']}"
    with Terminal(home, DISPLAY=":9", PATH=path, PHOTO_ORGANIZER_COMMAND="./organizer") as terminal:
        terminal.until("2 photos are in")
        terminal.type("\n")
        plan = home.state / "first-run.plan"
        text = terminal.until("watching")
        assert f"stop this with Ctrl-C and run: ./organizer sort --plan {plan}" in text
        assert "planned 2 photos" in text
        terminal.stop()
    assert plan.exists()
    assert Path(f"{plan}.html").exists()
    assert opened.read_text().strip() == f"{plan}.html"
    assert (pictures / "a.png").exists()
    assert (pictures / "trip/b.png").exists()
    with Terminal(home) as terminal:  # not the first run any more
        assert "photos are in" not in terminal.until("watching")
        terminal.stop()


def test_no_goes_on_at_once(home: Home, pictures: Path) -> None:
    assert pictures.is_dir()
    with Terminal(home) as terminal:
        terminal.until("[Y/n]")
        terminal.type("n\n")
        assert "planned" not in terminal.until("watching")
        terminal.stop()


def test_without_a_terminal_nothing_is_asked(home: Home, pictures: Path) -> None:
    assert pictures.is_dir()
    command = [sys.executable, "-m", "photo_organizer", "run", "--config", str(home.config)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line.decode()
        if "watching" in said:
            break
    process.terminate()
    process.communicate(timeout=20)
    assert "photos are in" not in said
