"""Fixtures for the tests of learning."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save blank pictures in reports: drawing them is most of the time of a small training."""

    def save(figure: Figure, path: Path) -> None:
        Figure(figsize=(0.1, 0.1)).savefig(path, dpi=10)

    monkeypatch.setattr("photo_organizer.learning.report.plots._save", save)
