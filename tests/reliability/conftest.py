"""Two folders on two devices, where the machine has them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")  # noqa: S108 (a file system, not a predictable name)


@pytest.fixture
def exhaustive() -> bool:
    """Whether to try everything, which takes many minutes: `EXHAUSTIVE=1 ./organizer test
    tests/reliability`."""
    return bool(os.environ.get("EXHAUSTIVE"))


@pytest.fixture
def near(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is such a file system, for speed: a killed process does not lose its
    writes."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path / "near"
        return
    folder = Path(tempfile.mkdtemp(prefix="photo-organizer-test-", dir=MEMORY))
    yield folder / "near"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def far(tmp_path: Path, near: Path) -> Path:
    """A folder on another device than `near`."""
    far = tmp_path / "far"
    far.mkdir()
    if far.stat().st_dev == near.parent.stat().st_dev:
        pytest.skip("there is no second device: /dev/shm and the temporary folder are on one")
    return far
