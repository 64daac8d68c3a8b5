"""Help without a network: the man page, completion by the Tab key, and the documents."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from photo_organizer.cli.frame import COMMANDS, build_application
from photo_organizer.cli.setup.completion import SHELLS
from photo_organizer.cli.setup.generate import generated
from photo_organizer.cli.setup.help import find_documents, section
from photo_organizer.cli.setup.manual import manual

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.command_line import Said

    Organizer = Callable[..., Said]


def test_what_is_made_from_the_commands_is_up_to_date() -> None:
    """Otherwise: python -m photo_organizer.cli.setup.generate"""
    stale = [path.name for path, text in generated().items() if path.read_text(encoding="utf-8") != text]
    assert stale == []


def test_the_man_page_has_every_command_and_option() -> None:
    text = manual().replace("\\-", "-")
    application = build_application()
    context = click.Context(application)
    for name in COMMANDS:
        assert f".SS {name}\n" in text
        command = application.get_command(context, name)
        assert command is not None
        inner = list(command.commands.values()) if isinstance(command, click.Group) else [command]
        for each in inner:
            if each is not command:
                assert f".SS {name} {each.name}\n" in text
            for option in each.params:
                if isinstance(option, click.Option):
                    assert option.opts[0] in text


@pytest.mark.skipif(not shutil.which("man"), reason="no man here")
def test_man_takes_the_page_without_a_warning(tmp_path: Path) -> None:
    page = tmp_path / "photo-organizer.1"
    page.write_text(manual())
    done = subprocess.run(
        ["man", "--warnings", "-l", str(page)], capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.stderr == ""
    assert "photo-organizer [--config FILE] COMMAND" in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_installed_with_the_man_page(organizer: Organizer, own_home: Path, shell: str) -> None:
    said = organizer("completion", shell, "--install")
    assert said.code == 0
    wrote = [Path(line.removeprefix("wrote ")) for line in said.out.splitlines() if line.startswith("wrote ")]
    assert len(wrote) == 2
    assert all(own_home in path.parents for path in wrote)
    assert wrote[0].read_text().rstrip("\n") == organizer("completion", shell).out.rstrip("\n")
    assert wrote[1].read_text() == manual()


def test_completion_takes_the_owners_shell(organizer: Organizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert "complete --no-files --command photo-organizer" in organizer("completion").out
    monkeypatch.setenv("SHELL", "/bin/dash")
    assert organizer("completion").code == 2


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    program = tmp_path / "photo-organizer"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m photo_organizer "$@"\n')
    program.chmod(0o755)
    script = (
        'eval "$(photo-organizer completion bash)"; COMP_WORDS=(photo-organizer undo --s); COMP_CWORD=2;'
        ' _photo_organizer_completion photo-organizer; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.stdout == "--since\n"


def test_help_lists_topics_and_shows_documents_and_commands(organizer: Organizer) -> None:
    listed = organizer("help").out
    for topic in find_documents():
        assert f"  {topic} " in listed
    assert organizer("help", "backup").out.startswith("# Backup, and moving house\n")
    assert organizer("help", "README").out.startswith("# Smart Photo Organizer\n")
    assert organizer("help", "undo").out.startswith("## undo\n")
    wrong = organizer("help", "bakcup")
    assert (wrong.code, "did you mean 'backup'?" in wrong.err) == (2, True)


def test_every_command_has_a_section() -> None:
    text = find_documents()["commands"].read_text()
    for name in COMMANDS:
        assert "$ photo-organizer " in section(text, name)


def test_help_on_a_terminal_goes_through_the_pager(tmp_path: Path) -> None:
    main, end = pty.openpty()
    environment = {**os.environ, "PAGER": "cat", "COLUMNS": "60", "TERM": "xterm"}
    command = [sys.executable, "-m", "photo_organizer", "help", "backup"]
    process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env=environment, cwd=tmp_path)
    os.close(end)
    shown = b""
    try:
        while piece := os.read(main, 65536):
            shown += piece
    except OSError:  # the other end is closed
        pass
    assert process.wait(20) == 0
    os.close(main)
    assert b"Backup, and moving house" in shown
    assert b"# Backup" not in shown  # rendered
