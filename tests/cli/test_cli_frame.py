"""The frame of the command line: options, help, errors, and how soon it answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click
import pytest

from photo_organizer.cli import main
from photo_organizer.cli.frame import COMMANDS
from photo_organizer.errors import OrganizerError
from support.heavy_packages import HEAVY

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.command_line import Said

    Organizer = Callable[..., Said]

PROGRAM = (sys.executable, "-m", "photo_organizer")


def test_help_names_every_command_and_its_purpose(organizer: Organizer) -> None:
    said = organizer("--help")
    assert said.code == 0
    listed = [
        line.split()[0] for line in said.out.partition("Commands:")[2].splitlines() if line.startswith("  ")
    ]
    assert [name for name in listed if name in COMMANDS] == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_and_takes_config(organizer: Organizer, command: str) -> None:
    said = organizer(command, "--help")
    assert said.code == 0
    assert "--config FILE" in said.out


def test_version(organizer: Organizer) -> None:
    from photo_organizer import __version__

    assert organizer("--version").out == f"photo-organizer {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--config", "FILE", "config", "check"),
        ("config", "--config", "FILE", "check"),
        ("config", "check", "--config", "FILE"),
        ("--config", "/none", "config", "check", "--config", "FILE"),
    ],
)
def test_config_stands_before_or_after_the_command(
    organizer: Organizer, tmp_path: Path, words: tuple[str, ...]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("inboxes: [in]\nlibrary: lib\n")
    said = organizer(*(path if word == "FILE" else word for word in words))
    assert (said.code, said.err) == (0, "")
    assert said.out == f"{path} is right: {tmp_path}/in -> {tmp_path}/lib\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("sotr",), "no such command 'sotr'; did you mean 'sort'?; see `photo-organizer --help`"),
        (("xyz",), "no such command 'xyz'; see `photo-organizer --help`"),
        (
            ("config", "chek"),
            "no such command 'chek'; did you mean 'check'?; see `photo-organizer config --help`",
        ),
        (
            ("status", "--jsn"),
            "No such option '--jsn'. Did you mean '--json'?; see `photo-organizer status --help`",
        ),
        (("undo", "--since", "soon"), "'soon' is not a time; write 14:30"),
        (("sort", ""), "an argument is empty; is a variable not set?; see `photo-organizer sort"),
        (("undo", "--batch", ""), "an argument is empty"),
        (("undo", "--photo="), "an argument is empty"),
        (
            ("config", "check", "--config", "/no/where.yaml"),
            "/no/where.yaml: no such configuration file; create one with "
            "`photo-organizer --config /no/where.yaml init`",
        ),
    ],
)
def test_wrong_use_is_one_line_and_code_2(organizer: Organizer, words: tuple[str, ...], line: str) -> None:
    said = organizer(*words)
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("photo-organizer: ")
    assert line in said.err
    assert said.err.count("\n") == 1


def test_each_fault_of_the_config_has_its_line(organizer: Organizer, config_file: Path) -> None:
    config_file.write_text("inboxes: [in]\nlibrary: in\nbatch: {size: 1000}\n")
    said = organizer("status")
    assert said.code == 2
    assert said.err == f"photo-organizer: {config_file}:3: batch.size: '1000' must be at most 256\n"


def fake(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets `config check` raise `error`."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("photo_organizer.cli.frame.Invocation.configuration", fail)


def test_what_cannot_be_done_is_one_line_and_code_1(
    organizer: Organizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(OrganizerError("is full", where="/a\nb", remedy="free some space"), monkeypatch)
    said = organizer("config", "check")
    assert (said.code, said.err) == (1, "photo-organizer: /a\\nb: is full; free some space\n")


def test_a_defect_is_one_line_and_its_traceback_is_written_down(
    organizer: Organizer, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    fake(ZeroDivisionError("division by zero"), monkeypatch)
    said = organizer("config", "check")
    log = own_home / ".local/state/photo-organizer/crash.log"
    assert said.code == 1
    assert (
        said.err
        == f"photo-organizer: division by zero; this should not happen, please report it with {log}\n"
    )
    assert "ZeroDivisionError" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_the_crash_log_is_in_the_state_directory_in_use(
    organizer: Organizer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text("inboxes: [in]\nlibrary: lib\nstate: {directory: my-state}\n")
    monkeypatch.setattr("photo_organizer.library.Library.open", lambda *_, **__: 1 // 0)
    said = organizer("--config", config, "ledger", "verify")
    log = tmp_path / "my-state" / "crash.log"
    assert f"please report it with {log}" in said.err
    assert "ZeroDivisionError" in log.read_text()


def test_a_crash_log_that_cannot_be_written_is_told(
    organizer: Organizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    fake(ZeroDivisionError("division by zero"), monkeypatch)
    said = organizer("config", "check")
    assert said.code == 1
    assert (
        said.err
        == "photo-organizer: division by zero (and the details could not be written down: Not a directory)\n"
    )


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_is_quiet(
    organizer: Organizer, monkeypatch: pytest.MonkeyPatch, interruption: BaseException
) -> None:
    fake(interruption, monkeypatch)
    said = organizer("config", "check")
    assert (said.code, said.out, said.err) == (130, "", "")


def test_a_reader_that_closes_its_pipe_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*PROGRAM, "config", "schema"], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert done.stderr == b""
    assert done.returncode in {128 + signal.SIGPIPE, -signal.SIGPIPE}


def test_output_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, "config", "schema"], stdout=full, stderr=subprocess.PIPE, check=False, text=True
        )
    assert done.returncode == 1
    assert done.stderr.startswith("photo-organizer: [Errno 28] No space left on device")
    assert "Traceback" not in done.stderr


def test_a_configs_name_that_is_not_utf8_is_printed_as_escapes(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.yaml"
    done = subprocess.run(
        [*PROGRAM, "config", "check", "--config", path], capture_output=True, check=False, text=True
    )
    assert done.returncode == 2
    assert "\\udcff.yaml: no such configuration file" in done.stderr


def test_the_schema_is_json(organizer: Organizer) -> None:
    assert json.loads(organizer("config", "schema").out)["type"] == "object"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--help",), 0),
        (("--version",), 0),
        (("status",), 1),  # no daemon is running
        (("config", "check"), 0),
        (("sort", "--help"), 0),
    ],
)
def test_the_light_path_imports_nothing_heavy(words: tuple[str, ...], code: int, config_file: Path) -> None:
    program = (
        "import sys; from photo_organizer.cli import main\n"
        f"code = main({list(words)!r})\n"
        f"print(sorted(name for name in {HEAVY!r} if name in sys.modules), code, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stderr.splitlines()[-1] == f"[] {code}"


def test_ctrl_c_while_the_program_is_being_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "photo_organizer.cli.boundary", Interrupted("boundary"))
    assert main(["status"]) == 130
