"""`find_groups`: what is in given paths, once."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from photo_organizer.errors import OrganizerError
from photo_organizer.inbox import Skipped, find_groups
from photo_organizer.inbox import path_scan as scan_module
from support.inbox_driver import write_many


def found(*paths: Path, settle_seconds: float = 0.05, **options: object) -> dict[str, int]:
    groups = list(find_groups(list(paths), settle_seconds=settle_seconds, **options))  # type: ignore[arg-type]
    names = {group.photo.path.name: len(group.companions) for group in groups}
    assert len(names) == len(groups)
    return names


def test_a_folder_is_listed_once_and_grouped_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:03}.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(64))
        (folder / f"{number:03}.xmp").write_text("<x/>")
    monkeypatch.setattr(scan_module, "_WINDOW", 8)
    grouped: list[int] = []
    original = scan_module.bundle

    def counting(photos: list[str], companions: list[str], **options: object) -> object:
        grouped.append(len(photos))
        return original(photos, companions, **options)

    monkeypatch.setattr(scan_module, "bundle", counting)
    groups = list(find_groups([folder], settle_seconds=0))
    assert grouped == [60]
    assert [group.photo.path.name for group in groups] == [f"{number:03}.jpg" for number in range(60)]
    assert all(len(group.companions) == 1 for group in groups)


def test_a_tree_of_folders(folder: Path) -> None:
    write_many(
        folder, ["a.jpg", "a.xmp", "x/b.jpg", "x/y/c.png", "x/y/c.png.xmp", ".hidden/d.jpg", "notes.txt"]
    )
    skipped: list[Skipped] = []
    assert found(folder, on_skipped=skipped.append) == {"a.jpg": 1, "b.jpg": 0, "c.png": 1}
    assert skipped == [Skipped(folder / "notes.txt", "not an image")]
    assert found(folder, recursive=False) == {"a.jpg": 1}
    assert found(folder, ours=[folder / "x"]) == {"a.jpg": 1}
    assert found(folder, ignore=("y",)) == {"a.jpg": 1, "b.jpg": 0}


def test_files_given_by_name_bring_their_companions(folder: Path) -> None:
    write_many(folder, ["a.jpg", "a.xmp", "a.nef", "b.jpg", "c.jpg"])
    assert found(folder / "a.jpg", folder / "b.jpg") == {"a.jpg": 2, "b.jpg": 0}
    assert found(folder / "a.nef") == {"a.jpg": 2}
    assert found(folder / "a.xmp", folder / "a.jpg", folder / "a.nef") == {"a.jpg": 2}


def test_paths_inside_one_another_are_searched_once(folder: Path) -> None:
    write_many(folder, ["a.jpg", "x/b.jpg"])
    assert found(folder, folder / "x", folder / "a.jpg", folder) == {"a.jpg": 0, "b.jpg": 0}


def test_a_path_that_does_not_exist_is_an_error_at_once(folder: Path) -> None:
    with pytest.raises(OrganizerError, match="no such file"):
        find_groups([folder, folder / "missing"], settle_seconds=1.0)


def test_links_and_fifos_are_not_followed(folder: Path, elsewhere: Path) -> None:
    write_many(elsewhere, ["a.jpg"])
    (folder / "link.jpg").symlink_to(elsewhere / "a.jpg")
    (folder / "below").symlink_to(elsewhere)
    os.mkfifo(folder / "fifo.jpg")
    skipped: list[Skipped] = []
    assert found(folder) == {}
    assert found(folder / "link.jpg", folder / "fifo.jpg", on_skipped=skipped.append) == {}
    assert {each.reason for each in skipped} == {"a symbolic link", "not a regular file"}
    assert found(folder / "below") == {"a.jpg": 0}


def test_what_was_just_written_is_waited_for(folder: Path) -> None:
    write_many(folder, ["fresh.jpg"])
    started = time.time()
    (group,) = find_groups([folder], settle_seconds=0.4)
    assert time.time() - group.photo.path.stat().st_mtime >= 0.4
    assert time.time() - started < 5


def test_what_is_old_comes_before_what_is_waited_for(folder: Path) -> None:
    write_many(folder, ["old.jpg"])
    time.sleep(0.35)
    write_many(folder, ["fresh.jpg"])
    names = [group.photo.path.name for group in find_groups([folder], settle_seconds=0.3)]
    assert names == ["old.jpg", "fresh.jpg"]


def test_what_never_comes_to_rest_is_skipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_module, "_PATIENCE_SECONDS", 0.4)
    write_many(folder, ["still.jpg"])
    skipped: list[Skipped] = []
    with (folder / "restless.jpg").open("wb"):
        assert found(folder, settle_seconds=0.1, on_skipped=skipped.append) == {"still.jpg": 0}
    assert skipped == [Skipped(folder / "restless.jpg", "still being written")]


def test_groups_that_lie_apart_in_a_large_folder_stay_together(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows of three photos: partners are found wherever they stand, and each group comes once."""
    monkeypatch.setattr(scan_module, "_WINDOW", 3)
    for number in range(40):
        write_many(folder, [f"{number}.jpg", f"{number}.nef", f"{number}.jpg.xmp"])
    assert found(folder) == {f"{number}.jpg": 2 for number in range(40)}


def test_files_may_be_moved_away_meanwhile(
    folder: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_module, "_WINDOW", 10)
    write_many(folder, [name for number in range(100) for name in (f"{number}.jpg", f"{number}.xmp")])
    moved = set()
    for group in find_groups([folder], settle_seconds=0.01):
        for member in (group.photo, *group.companions):
            member.path.rename(elsewhere / member.path.name)
            moved.add(member.path.name)
    assert len(moved) == 200


def test_formats_without_their_extra_are_told(folder: Path) -> None:
    (folder / "a.jxl").write_bytes(b"\xff\x0a")
    skipped: list[Skipped] = []
    assert found(folder, on_skipped=skipped.append) == {}
    assert skipped == [Skipped(folder / "a.jxl", "waits for an extra (jxl)")]
    assert found(folder, available_extras=frozenset({"jxl"})) == {"a.jxl": 0}


def test_videos_when_wanted(folder: Path) -> None:
    write_many(folder, ["film.mov", "live.jpg", "live.mov"])
    assert found(folder) == {"live.jpg": 1}
    assert found(folder, videos=True) == {"live.jpg": 1, "film.mov": 0}
