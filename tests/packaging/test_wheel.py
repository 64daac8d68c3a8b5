"""The built wheel, installed as pipx and uv do it: an environment of its own, no checkout, an empty home.

The packages that it needs are links to those of the test environment, without TensorFlow and NNCF; nothing is
fetched. With `PHOTO_ORGANIZER_TEST_INSTALL=1` pipx and uv install it for real, from the package index.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.small_models import draw_photo

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parents[2]
LEFT_OUT = ("tensorflow", "keras", "nncf", "photo_organizer", "smart_photo_organizer", "_editable_impl_smart")
FETCH = "PHOTO_ORGANIZER_TEST_INSTALL"


@dataclass(frozen=True)
class Installed:
    """The program as it was installed, for an owner whose home is `home`."""

    program: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in {"LANG", "TMPDIR"}}
        return {**kept, "HOME": str(self.home), "PATH": f"{self.program.parent}:/usr/bin:/bin"}

    def __call__(self, *words: object) -> subprocess.CompletedProcess[str]:
        command = [str(self.program), *map(str, words)]
        return subprocess.run(
            command,
            capture_output=True,
            check=False,
            text=True,
            cwd=self.home,
            env=self.environment,
            timeout=100,
        )

    @property
    def inbox(self) -> Path:
        return self.home / "Pictures/Inbox"

    @property
    def library(self) -> Path:
        return self.home / "Pictures/Library"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script of an environment that has the wheel, and no package of the extra `train`."""
    root = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root)], check=True)
    (packages,) = root.glob("lib/python*/site-packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.lower().startswith(LEFT_OUT):
            (packages / entry.name).symlink_to(entry)
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(root / "bin/python"),
        "install",
        "--no-deps",
        "-q",
    ]
    subprocess.run([*command, "--no-index", str(wheel)], check=True, capture_output=True)
    return root / "bin/photo-organizer"


@pytest.fixture
def organizer(program: Path, own_home: Path) -> Installed:
    return Installed(program, own_home)


def filed(organizer: Installed) -> list[Path]:
    return [path for path in organizer.library.rglob("*.jpg") if not path.name.startswith(".")]


@pytest.fixture
def daemon(organizer: Installed) -> Iterator[subprocess.Popen[str]]:
    """The daemon in the foreground, watching."""
    assert organizer("init").returncode == 0
    with subprocess.Popen(
        [str(organizer.program), "run"],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=organizer.environment,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()


def test_it_does_its_job_without_a_checkout_and_without_tensorflow(
    organizer: Installed, daemon: subprocess.Popen[str]
) -> None:
    assert daemon.stderr is not None
    read = [daemon.stderr.readline()]
    while "watching" not in read[-1]:
        assert read[-1], read
        read.append(daemon.stderr.readline())
    photos = [draw_photo(organizer.inbox / f"{name}.jpg", name) for name in ("Food", "Travel")]
    while not all(any(photo.name in line and "->" in line for line in read) for photo in photos):
        read.append(daemon.stderr.readline())
        assert read[-1], read
    assert {path.name for path in filed(organizer)} == {"Food.jpg", "Travel.jpg"}
    assert "2" in organizer("status").stdout
    undone = organizer("undo", "--yes")
    assert undone.returncode == 0, undone.stderr
    assert {path.name for path in organizer.inbox.iterdir()} == {"Food.jpg", "Travel.jpg"}


def test_it_learns_without_tensorflow_and_says_what_fine_tuning_needs(organizer: Installed) -> None:
    assert organizer("init").returncode == 0
    data = organizer.home / "data"
    for category in ("Food", "Pets"):
        for number in range(6):
            draw_photo(data / category / f"{number}.jpg", category, seed=number)
    learned = organizer("train", "--photos", data)
    assert learned.returncode in (0, 1), learned.stderr
    assert "better" in learned.stdout + learned.stderr or "right" in learned.stdout + learned.stderr
    refused = organizer("train", "--photos", data, "--mode", "fine-tune")
    assert refused.returncode != 0
    assert "fine-tuning needs TensorFlow and NNCF, not installed here" in refused.stderr
    assert "smart-photo-organizer[train]" in refused.stderr
    assert "only fine-tuning needs them" in organizer("doctor").stdout


def test_documents_units_and_man_page_come_with_it(organizer: Installed) -> None:
    assert organizer("init").returncode == 0
    assert "backup" in organizer("help").stdout
    assert organizer("help", "backup").stdout.startswith("# ")
    man = organizer.program.parents[1] / "share/man/man1/photo-organizer.1"
    assert man.is_file()
    shown = organizer("service", "install", "--help")
    assert shown.returncode == 0


INSTALLERS = {
    "pipx": ["-m", "pipx", "install", "--python", sys.executable],
    "uv": ["-m", "uv", "tool", "install", "--python", sys.executable],
}


@pytest.mark.timeout(1200)
@pytest.mark.skipif(FETCH not in os.environ, reason=f"fetches 300 MB; {FETCH}=1 runs it")
@pytest.mark.parametrize("installer", INSTALLERS)
def test_pipx_and_uv_install_it(installer: str, wheel: Path, tmp_path: Path, own_home: Path) -> None:
    tools = tmp_path / "tools"
    subprocess.run([sys.executable, "-m", "venv", str(tools)], check=True)
    python = tools / "bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", installer], check=True)
    environment = {
        **os.environ,
        "HOME": str(own_home),
        "XDG_BIN_HOME": "",
        "PIPX_HOME": str(tmp_path / "pipx"),
    }
    subprocess.run([python, *INSTALLERS[installer], str(wheel)], check=True, env=environment)
    organizer = Installed(own_home / ".local/bin/photo-organizer", own_home)
    assert organizer("init").returncode == 0
    old = organizer.home / "old"
    draw_photo(old / "a.jpg", "Food")
    assert organizer("sort", old).returncode == 0
    assert [path.name for path in filed(organizer)] == ["a.jpg"]
    assert "pillow_heif" not in organizer("doctor").stdout
    shutil.rmtree(tmp_path / "pipx", ignore_errors=True)
