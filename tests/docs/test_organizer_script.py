"""`./organizer`: the environment is made once, renewed when needed, and never left half-made.

A pretended Python stands for the real one, so that nothing is fetched; `.ci/run` in a fresh clone does it
for real.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., subprocess.CompletedProcess[str]]

CHECKOUT = Path(__file__).parents[2]
TOOLS = (
    "sh",
    "env",
    "dirname",
    "readlink",
    "cat",
    "cksum",
    "rm",
    "mkdir",
    "cp",
    "grep",
    "tail",
    "flock",
    "echo",
    "sleep",
    "chmod",
)
PYTHON = """\
#!/bin/sh
# a Python that makes environments of itself, and writes down what pip is asked for
case "$*" in
    "-c import venv, ensurepip") [ ! -e "$WORLD/no-venv" ] ;;
    -c*) [ ! -e "$WORLD/too-old" ] ;;
    "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"
        printf '#!/bin/sh\\necho "organizer $PHOTO_ORGANIZER_CONFIG: $*"\\n' > "$3/bin/photo-organizer"
        chmod +x "$3/bin/photo-organizer" ;;
    "-m pip --version") : ;;
    "-m pip "*) echo "$*" >> "$WORLD/pip.log"; sleep "${PIP_SECONDS:-0}"
        case "$*" in *"$PIP_FAILS"*) [ -z "$PIP_FAILS" ] || { cat "$WORLD/complaint" >&2; exit 1; } ;; esac ;;
    "-m pytest"*) echo "pytest: $*" ;;
esac
"""


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A checkout with nothing but what the script reads, and a PATH with nothing but what it calls."""
    checkout, tools = tmp_path / "checkout", tmp_path / "bin"
    checkout.mkdir()
    tools.mkdir()
    for name in ("organizer", "pyproject.toml", "requirements.lock", "requirements-test.lock"):
        shutil.copy(CHECKOUT / name, checkout)
    for name in TOOLS:
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    python = tools / "python3"
    python.write_text(PYTHON)
    python.chmod(0o755)
    (tmp_path / "complaint").write_text("ERROR: No matching distribution found for numpy\n")
    return tmp_path


@pytest.fixture
def organizer(world: Path) -> Run:
    """Runs the script in that world."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(world / "checkout/organizer"), *words],
            capture_output=True,
            check=False,
            text=True,
            env={"PATH": str(world / "bin"), "WORLD": str(world), "PIP_FAILS": "", **environment},
        )

    return run


def installs(world: Path) -> list[str]:
    """What pip was asked for."""
    log = world / "pip.log"
    return log.read_text().splitlines() if log.exists() else []


def test_the_first_call_installs_with_hashes_and_the_next_does_not(world: Path, organizer: Run) -> None:
    checkout = world / "checkout"
    first = organizer("run", "--x", "a b")
    assert first.returncode == 0, first.stderr
    assert first.stdout == f"organizer {checkout}/config/organizer.yaml: run --x a b\n"
    assert first.stderr.startswith("organizer: making .venv with python3 and installing")
    assert installs(world) == [
        f"-m pip install --no-user --quiet --require-hashes -r {checkout}/requirements.lock",
        f"-m pip install --no-user --quiet --no-deps -e {checkout}",
    ]
    second = organizer("status")
    assert (second.stdout, second.stderr) == (f"organizer {checkout}/config/organizer.yaml: status\n", "")
    assert len(installs(world)) == 2


def test_the_owners_own_config_goes_before_the_checkouts(organizer: Run) -> None:
    assert organizer("status", PHOTO_ORGANIZER_CONFIG="/mine").stdout == "organizer /mine: status\n"


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.lock"])
def test_a_changed_project_is_installed_again(world: Path, organizer: Run, name: str) -> None:
    organizer("status")
    with (world / "checkout" / name).open("a") as file:
        file.write("\n# changed\n")
    assert organizer("status").returncode == 0
    assert len(installs(world)) == 4


def test_an_install_that_failed_is_done_again(world: Path, organizer: Run) -> None:
    failed = organizer("status", PIP_FAILS="--no-deps")
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr.splitlines()[1:] == [
        "organizer: could not install: ERROR: No matching distribution found for numpy (all of it: "
        f"{world}/checkout/.venv/install.log); run the same again to go on"
    ]
    assert organizer("status").returncode == 0
    assert len(installs(world)) == 4


def test_no_network_is_told_as_such(world: Path, organizer: Run) -> None:
    (world / "complaint").write_text("WARNING: ... NewConnectionError ...\nERROR: No matching distribution\n")
    assert (
        "the package index cannot be reached; is this machine online?"
        in organizer("run", PIP_FAILS="-r").stderr
    )


def test_a_broken_environment_is_made_anew(world: Path, organizer: Run) -> None:
    organizer("status")
    (world / "checkout/.venv/bin/python").unlink()
    (world / "checkout/.venv/.made-for-run").unlink()
    assert organizer("status").returncode == 0


def test_no_python_is_one_line_that_says_which_packages(world: Path, organizer: Run) -> None:
    (world / "too-old").touch()
    said = organizer("run")
    assert said.returncode == 1
    assert said.stderr.startswith(
        "organizer: needs Python 3.11, 3.12 or 3.13 and found none; install one (Debian"
    )
    assert said.stderr.count("\n") == 1


def test_a_python_without_venv_is_one_line_that_says_which_package(world: Path, organizer: Run) -> None:
    (world / "no-venv").touch()
    said = organizer("run")
    assert said.returncode == 1
    assert "install its venv module (Debian, Ubuntu: apt install python3-venv" in said.stderr
    assert said.stderr.count("\n") == 1


def test_two_at_once_install_once(world: Path, organizer: Run) -> None:
    environment = {"PATH": str(world / "bin"), "WORLD": str(world), "PIP_FAILS": "", "PIP_SECONDS": "0.3"}
    script = str(world / "checkout/organizer")
    both = [
        subprocess.Popen([script, "status"], env=environment, stderr=subprocess.DEVNULL) for _ in range(2)
    ]
    assert [process.wait() for process in both] == [0, 0]
    assert len(installs(world)) == 2


def test_test_installs_what_tests_need_and_passes_words_on(world: Path, organizer: Run) -> None:
    said = organizer("test", "-k", "two words", PHOTO_ORGANIZER_CONFIG="/mine")
    assert said.returncode == 0
    assert said.stdout == "pytest: -m pytest -k two words\n"
    assert [line.split()[-1] for line in installs(world)] == [
        f"{world}/checkout/requirements.lock",
        f"{world}/checkout/requirements-test.lock",
        "systemd-python",
        f"{world}/checkout",
    ]


def test_tests_go_on_without_systemd_python_and_say_why(organizer: Run) -> None:
    said = organizer("test", PIP_FAILS="systemd-python")
    assert said.returncode == 0
    assert (
        "organizer: going on without systemd-python: it needs a C compiler, pkg-config and libsystemd"
        in said.stderr
    )
    assert "could not install" not in said.stderr


def test_the_script_may_be_called_from_anywhere_and_by_a_link(world: Path, organizer: Run) -> None:
    (world / "link").symlink_to(world / "checkout/organizer")
    done = subprocess.run(
        [str(world / "link"), "status"],
        capture_output=True, check=False, text=True, cwd="/",
        env={"PATH": str(world / "bin"), "WORLD": str(world), "PIP_FAILS": ""},
    )  # fmt: skip
    assert done.stdout.startswith(f"organizer {world}/checkout/config")


def test_continuous_integration_calls_exactly_this() -> None:
    lines = (CHECKOUT / ".ci/run").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        'exec "$(dirname "$0")/../organizer" test'
    ]
    assert os.access(CHECKOUT / ".ci/run", os.X_OK)


def test_the_locks_are_of_the_project_as_it_is() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    locked = (CHECKOUT / "requirements.lock").read_text()
    versions = {
        canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([^ ]+)", locked, re.M)
    }
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *extras["heif"], *extras["raw"], *extras["jxl"]]
    for text in wanted:
        requirement = Requirement(text)
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{text}: make requirements.lock anew (its first lines say how)"
        assert version in requirement.specifier, f"{text}: locked is {version}; make requirements.lock anew"


def test_the_locks_have_a_hash_for_everything_and_name_no_index() -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (CHECKOUT / name).read_text()
        packages = [line for line in text.splitlines() if "==" in line and not line.startswith("#")]
        assert packages
        assert all(line.endswith("\\") for line in packages)
        assert "://" not in text
        assert "index-url" not in text.replace("--no-emit-index-url", "")
