"""The small world of the reliability tests serves here, too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "reliability"))

from photo_world import World

from photo_organizer.library import Library


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "near", tmp_path / "there")


@pytest.fixture
def library(world: World) -> Iterator[Library]:
    with world.open() as library:
        yield library
