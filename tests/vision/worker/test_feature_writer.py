"""Writing features from the vision process, which may have no memory left for anything new."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from photo_organizer.photo import Prediction
from photo_organizer.vision.feature_store import FeatureStore
from photo_organizer.vision.worker import feature_writer
from photo_organizer.vision.worker.feature_writer import FeatureWriter

SHA256 = "ab" * 32
RESULT = (
    Prediction(SHA256, "m1", "test", ("Food",), (1.0,), perceptual_hash="00" * 8),
    np.ones(3, np.float32),
)


def vectors(path: Path) -> list[str]:
    with FeatureStore(path) as store:
        return list(store.get("key", [SHA256]))


def test_no_thread_is_started_once_photos_take_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = FeatureWriter(tmp_path / "store")

    def no_memory_for_its_stack(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_memory_for_its_stack)
    writer.put("key", [RESULT])
    writer.close()
    assert vectors(tmp_path / "store") == [SHA256]


def test_a_few_vectors_are_written_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_writer, "_LONGEST_SECONDS", 0.01)
    written = threading.Event()
    put_facts = FeatureStore.put_facts

    def and_tell(store: FeatureStore, facts: object) -> None:
        put_facts(store, facts)  # type: ignore[arg-type]
        written.set()

    monkeypatch.setattr(FeatureStore, "put_facts", and_tell)
    writer = FeatureWriter(tmp_path / "store")
    writer.put("key", [RESULT])
    assert written.wait(10)
    writer.close()
    assert vectors(tmp_path / "store") == [SHA256]


def test_without_a_store_nothing_is_kept() -> None:
    writer = FeatureWriter(None)
    writer.put("key", [RESULT])
    writer.close()
