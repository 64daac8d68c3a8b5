"""A model for all vision tests, and clients that are closed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from photo_organizer.vision.client.client import VisionClient
from photo_organizer.vision.decode.budget.limits import FixedLimits
from support.small_models import CATEGORIES, make_model

WORKERS = Path(__file__).parents[1] / "support/workers"


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "colours")


@pytest.fixture
def make_client(model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., VisionClient]]:
    monkeypatch.setenv("PYTHONPATH", str(WORKERS))
    clients: list[VisionClient] = []

    def make(**options: object) -> VisionClient:
        settings = {"model": model, "categories": CATEGORIES, "limits": FixedLimits(), **options}
        client = VisionClient(settings.pop("model"), **settings)  # type: ignore[arg-type]
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
