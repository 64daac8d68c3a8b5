"""The small world of the reliability tests serves here, too."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from photo_organizer.library import Library
from support.faults.photo_world import World

MEMORY = Path("/dev/shm")  # noqa: S108 (a file system, not a predictable name)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """In memory where there is such a file system, since each batch syncs the disk several times."""
    base = Path(tempfile.mkdtemp(dir=MEMORY)) if os.access(MEMORY, os.W_OK) else tmp_path
    yield World(base / "near", base / "there")
    shutil.rmtree(base)


@pytest.fixture
def library(world: World) -> Iterator[Library]:
    with world.open() as library:
        yield library
