"""The scripts of docs/hooks.md do what is said of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs/hooks.md").read_text(encoding="utf-8")


def block(language: str, words: str) -> str:
    """The code block in that language with these words."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if words in text]
    return str(found)


def test_the_mail_script_sends_the_error(tmp_path: Path) -> None:
    sendmail = tmp_path / "sendmail"
    sendmail.write_text(f'#!/bin/sh\necho "$*" >"{tmp_path}/words"\ncat >"{tmp_path}/mail"\n')
    sendmail.chmod(0o755)
    script = tmp_path / "mail-error"
    script.write_text(block("python", "sendmail"))
    event = {"event": "error", "time": "2026-11-25T12:00:00+01:00", "kind": "paused", "error": "full: ü"}
    subprocess.run(
        [sys.executable, str(script)], input=json.dumps(event), text=True, check=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )  # fmt: skip
    mail = (tmp_path / "mail").read_text()
    assert (tmp_path / "words").read_text() == "-t\n"
    assert "To: me@example.org\n" in mail
    assert "Subject: Photo organizer: paused\n" in mail


def test_the_shell_script_is_one(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(block("sh", "jq"))
    subprocess.run(["sh", "-n", str(script)], check=True)


def test_the_example_event_is_json() -> None:
    event = json.loads(block("json", '"batch"'))
    assert event["photos"] == sum(event["actions"].values())
