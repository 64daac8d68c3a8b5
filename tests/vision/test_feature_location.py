"""The feature store of an earlier version, which lay among the other files of the state directory."""

from __future__ import annotations

from pathlib import Path

from photo_organizer.vision.feature_location import move_older_store


def test_it_is_moved_with_its_log_into_a_folder_of_its_own(tmp_path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"features.sqlite{suffix}").write_text(suffix)
    new = tmp_path / "features" / "features.sqlite"
    move_older_store(new)
    assert new.read_text() == ""
    assert new.with_name("features.sqlite-wal").read_text() == "-wal"
    assert [path.name for path in tmp_path.iterdir()] == ["features"]


def test_a_store_that_is_there_stays(tmp_path: Path) -> None:
    new = tmp_path / "features" / "features.sqlite"
    new.parent.mkdir()
    new.write_text("new")
    (tmp_path / "features.sqlite").write_text("old")
    move_older_store(new)
    assert new.read_text() == "new"
