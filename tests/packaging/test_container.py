"""The container recipe: it copies what is there, its settings are right, and an image of it works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from photo_organizer.config import load_configuration
from support.small_models import draw_photo

CHECKOUT = Path(__file__).parents[2]
RECIPE = (CHECKOUT / "Containerfile").read_text(encoding="utf-8")
IMAGE = "photo-organizer-test"


def test_what_it_copies_is_there_and_not_ignored() -> None:
    sources = [
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", RECIPE, re.MULTILINE)
        for word in line.split()[:-1]
    ]
    kept = (CHECKOUT / ".containerignore").read_text(encoding="utf-8").splitlines()
    assert sources
    for source in sources:
        assert (CHECKOUT / source).exists()
        assert f"!{source}" in kept
    assert (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines() == kept


def test_its_settings_are_right() -> None:
    settings = load_configuration(CHECKOUT / "config" / "container.yaml")
    volumes = {"/inbox", "/library", "/state"}
    places = (*settings.inbox_paths, settings.library, settings.state_directory)
    assert {str(path) for path in places} == volumes
    assert settings.model_directory.is_relative_to("/state")
    assert all(f'"{volume}"' in RECIPE for volume in volumes)


@pytest.fixture
def builder() -> str:
    for name in ("podman", "docker"):
        if (
            shutil.which(name)
            and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0
        ):
            return name
    pytest.skip("no container builder runs here (podman or docker)")


@pytest.mark.timeout(1800)
def test_it_builds_and_files_a_photo(builder: str, tmp_path: Path) -> None:
    subprocess.run([builder, "build", "-t", IMAGE, "-f", "Containerfile", "."], cwd=CHECKOUT, check=True)
    volumes = []
    for name in ("inbox", "library", "state"):
        (tmp_path / name).mkdir()
        volumes += ["--volume", f"{tmp_path / name}:/{name}"]
    draw_photo(tmp_path / "inbox" / "a.jpg", "Food")
    user = ["--user", f"{os.getuid()}:{os.getgid()}"]
    command = [builder, "run", "--rm", "--read-only", "--tmpfs", "/tmp", *user, *volumes, IMAGE]  # noqa: S108 (in the container)
    with subprocess.Popen(command) as process:
        try:
            deadline = time.monotonic() + 120
            while not list((tmp_path / "library").rglob("a.jpg")):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.2)
        finally:
            process.terminate()
    assert not (tmp_path / "inbox" / "a.jpg").exists()
