"""A model and folders for the tests of the running daemon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.household import Household, small_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small model for all tests: nobody writes into it."""
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def household(tmp_path: Path, model: Path) -> Household:
    return Household(tmp_path / "house", model)


@pytest.fixture
def make_household(tmp_path: Path, model: Path) -> Callable[..., Household]:
    """A household with settings of its own."""

    def make(**settings: object) -> Household:
        return Household(tmp_path / "house", model, **settings)

    return make
