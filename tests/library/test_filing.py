"""A photo is filed: where it goes, what it is called there, and what the ledger says."""

from __future__ import annotations

import csv
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from photo_organizer.config.settings import MetadataSettings
from photo_organizer.inbox import LateCompanion
from photo_organizer.library import (
    Filing,
    Library,
    LibraryLocked,
    LibrarySettings,
    SourceErrorKind,
    TransferMode,
)
from photo_organizer.library.record.ledger_text import COLUMNS, unescape
from photo_organizer.photo import Action, AssetGroup
from support.faults.photo_world import World, seen, sha256


def rows(world: World) -> list[dict[str, str]]:
    with world.settings.ledger.open(newline="", encoding="utf-8") as ledger:
        return list(csv.DictReader(ledger))


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_photo_goes_to_its_folder_and_ledger(world: World, library: Library) -> None:
    path = world.drop("a.jpg", b"a photo")
    report = library.file([world.filing(path, "Pets/2024")])
    assert [placed.destination for placed in report.filed] == [world.library / "Pets/2024/a.jpg"]
    assert (world.library / "Pets/2024/a.jpg").read_bytes() == b"a photo"
    assert not path.exists()
    (row,) = rows(world)
    assert tuple(row) == COLUMNS
    assert row == row | {
        "batch": report.batch, "action": "filed", "sha256": sha256(b"a photo"), "source": str(path),
        "destination": str(world.library / "Pets/2024/a.jpg"), "category": "Pets", "confidence": "0.9000",
        "second_category": "Food", "second_confidence": "0.1000", "threshold": "0.5000", "model": "model-1",
    }  # fmt: skip
    assert row["time"] == "2026-11-22T12:00:02.000+00:00"


def test_same_name_gets_a_number_and_companions_too(world: World, library: Library) -> None:
    for content in (b"one", b"two", b"three"):
        library.file([world.filing(world.drop("a.jpg", content, "a.jpg.xmp", "a.MOV"))])
    assert sorted(names_in(world.library / "Pets")) == [
        "a (2).MOV", "a (2).jpg", "a (2).jpg.xmp", "a (3).MOV", "a (3).jpg", "a (3).jpg.xmp",
        "a.MOV", "a.jpg", "a.jpg.xmp",
    ]  # fmt: skip
    assert len(rows(world)) == 3


def test_a_companion_that_is_taken_numbers_the_photo(world: World, library: Library) -> None:
    (world.library / "Pets").mkdir()
    (world.library / "Pets" / "a.xmp").write_bytes(b"of another photo")
    library.file([world.filing(world.drop("a.jpg", b"one", "a.xmp"))])
    assert sorted(names_in(world.library / "Pets")) == ["a (2).jpg", "a (2).xmp", "a.xmp"]


@pytest.mark.parametrize("name", ["é" * 125 + ".jpg", "x" * 251 + ".jpg", "字" * 83 + ".jpg"])
def test_longest_names_are_cut_between_characters(world: World, library: Library, name: str) -> None:
    for content in (b"one", b"two"):
        report = library.file([world.filing(world.drop(name, content))])
        assert report.filed
    names = names_in(world.library / "Pets")
    assert len(names) == 2
    assert all(len(os.fsencode(name)) <= 255 and name.endswith(".jpg") for name in names)
    assert any(name.endswith(" (2).jpg") for name in names)
    assert all(character < "\udc80" or character > "\udcff" for name in names for character in name)


HOSTILE = [
    "=cmd|x.jpg",
    "-rf.jpg",
    "new\nline.jpg",
    "tab\t.jpg",
    'quo"te,.jpg',
    "\u202egpj.jpg",
    "a\\b.jpg",
    "\r.jpg",
]


@pytest.mark.parametrize("name", [*HOSTILE, os.fsdecode(b"bytes\xff.jpg")], ids=ascii)
def test_hostile_names_are_filed_and_read_back(world: World, library: Library, name: str) -> None:
    path = world.drop(name, b"a photo")
    assert library.file([world.filing(path)]).filed
    assert (world.library / "Pets" / name).exists()
    (row,) = rows(world)
    assert unescape(row["source"]) == str(path)
    assert world.settings.ledger.read_bytes().count(b"\n") == 2
    assert library.verify_ledger().is_equal
    (event,) = library.history(world.library / "Pets" / name)
    assert event.source == path


def test_formula_cells_are_harmless(world: World, library: Library) -> None:
    filing = world.filing(world.drop("a.jpg", b"a photo"))
    assert filing.decision is not None
    filing = replace(filing, decision=replace(filing.decision, category="=1+1"))
    library.file([filing])
    assert rows(world)[0]["category"] == "'=1+1"


def test_changed_and_missing_photos_are_set_aside(world: World, library: Library) -> None:
    changed = world.filing(world.drop("changed.jpg", b"one"))
    (world.inbox / "changed.jpg").write_bytes(b"another content")
    gone = world.filing(world.drop("gone.jpg", b"two"))
    (world.inbox / "gone.jpg").unlink()
    good = world.filing(world.drop("good.jpg", b"three"))
    report = library.file([changed, gone, good])
    assert [placed.destination.name for placed in report.filed] == ["good.jpg"]
    assert [trouble.kind for _, trouble in report.set_aside] == [
        SourceErrorKind.CHANGED,
        SourceErrorKind.GONE,
    ]
    assert report.pause is None


def test_links_in_the_inbox_are_not_followed(world: World, library: Library, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.jpg").write_bytes(b"outside")
    (world.inbox / "link").symlink_to(tmp_path / "secret")
    path = world.inbox / "link" / "a.jpg"
    filing = world.filing(path)
    report = library.file([replace(filing, group=AssetGroup(world.inbox, seen(path)))])
    assert not report.filed
    assert (tmp_path / "secret" / "a.jpg").exists()


def test_quarantine_keeps_the_photo_and_says_why(world: World, library: Library) -> None:
    path = world.drop("bad.jpg", b"half a photo", "bad.xmp")
    library.file([world.filing(path, action=Action.QUARANTINED)])
    assert (world.quarantine / "bad.jpg").read_bytes() == b"half a photo"
    assert "the file is truncated" in (world.quarantine / "bad.jpg.reason.txt").read_text()
    assert (world.quarantine / "bad.xmp").exists()
    assert rows(world)[0]["action"] == "quarantined"


def test_our_files_are_private_and_the_library_is_the_owners(world: World, library: Library) -> None:
    library.file([world.filing(world.drop("a.jpg", b"a photo"))])
    for path in world.state.iterdir():
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path
    assert stat.S_IMODE(world.state.stat().st_mode) == 0o700
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((world.library / "Pets").stat().st_mode) == 0o777 & ~umask


@pytest.mark.parametrize("policy", ["Duplicates", "keep", "skip"])
def test_duplicates(world: World, policy: str) -> None:
    world.duplicates = policy
    with world.open() as library:
        library.file([world.filing(world.drop("a.jpg", b"a photo"))])
        path = world.drop("again.jpg", b"a photo")
        report = library.file([world.filing(path)])
        if policy == "skip":
            assert report.left[0].original == world.library / "Pets" / "a.jpg"
            assert path.exists()
            assert library.is_held(seen(path))
            library.file([world.filing(path)])
            assert [row["action"] for row in rows(world)] == ["filed", "duplicate"]
        else:
            folder, action = ("Pets", Action.FILED) if policy == "keep" else (policy, Action.DUPLICATE)
            assert report.filed[0].destination == world.library / folder / "again.jpg"
            assert report.filed[0].action is action


def test_equal_photos_in_one_batch(world: World, library: Library) -> None:
    paths = [world.drop(f"{name}.jpg", b"the same") for name in "abc"]
    report = library.file([world.filing(path) for path in paths])
    assert sorted(placed.action for placed in report.filed) == ["duplicate", "duplicate", "filed"]
    assert world.contents() == {sha256(b"the same"): 3}


def test_a_duplicate_of_what_is_gone_is_none(world: World, library: Library) -> None:
    library.file([world.filing(world.drop("a.jpg", b"a photo"))])
    (world.library / "Pets" / "a.jpg").unlink()
    report = library.file([world.filing(world.drop("again.jpg", b"a photo"))])
    assert report.filed[0].action is Action.FILED


def test_a_late_companion_joins_its_photo(world: World, library: Library) -> None:
    for content in (b"one", b"two"):
        library.file([world.filing(world.drop("a.jpg", content))])
    for name in ("a.xmp", "a.jpg.json", "b.xmp"):
        (world.inbox / name).write_bytes(name.encode())
    report = library.join(
        [LateCompanion(seen(world.inbox / name), world.inbox) for name in ("a.xmp", "a.jpg.json", "b.xmp")],
        world.inbox,
    )
    assert [path.name for _, path in report.joined] == ["a (2).xmp", "a (2).jpg.json"]
    assert [orphan.path.name for orphan in report.orphans] == ["b.xmp"]
    assert len(rows(world)) == 2
    library.undo()
    assert (world.inbox / "a.xmp").exists()
    assert (world.inbox / "a.jpg.json").exists()


def test_a_second_owner_is_told_the_first_ones_pid(world: World, library: Library) -> None:
    with pytest.raises(LibraryLocked) as locked:
        world.open()
    assert locked.value.pid == os.getpid()
    assert locked.value.exit_code == 1
    other = replace(
        world.settings, state=world.base / "other state", ledger=world.base / "other state" / "l.csv"
    )
    with pytest.raises(LibraryLocked) as locked:
        Library.open(other, owner=True)
    assert locked.value.pid == os.getpid()
    Library.open(world.settings).close()


def test_an_unmounted_library_is_awaited(world: World, library: Library) -> None:
    filing = world.filing(world.drop("a.jpg", b"a photo"))
    world.library.rename(world.library_base / "elsewhere")
    report = library.file([filing])
    assert report.pause is not None
    assert not report.filed
    assert not world.library.exists()
    (world.library_base / "elsewhere").rename(world.library)
    assert library.file([filing]).filed


def test_a_drive_that_is_not_mounted_is_not_taken_for_the_library(world: World) -> None:
    with world.open() as library:
        library._journal.remember(
            library._library_locks[library._settings.library]._key, "yes"
        )  # as if the library had been on another device
    world.library.rename(world.base / "unmounted")
    world.library.mkdir()
    with world.open() as library:
        report = library.file([world.filing(world.drop("a.jpg", b"a photo"))])
        assert "not mounted" in str(report.pause)
    assert list(world.library.iterdir()) == []


def test_totals_and_batches(world: World, library: Library) -> None:
    first = library.file([world.filing(world.drop("a.jpg", b"one"))])
    second = library.file([world.filing(world.drop("b.jpg", b"two"))], batch=first.batch)
    library.file([world.filing(world.drop("c.jpg", b"three"), "Review", Action.REVIEW)])
    assert second.batch == first.batch
    assert library.totals()[Action.FILED] == 2
    assert library.totals()[Action.REVIEW] == 1
    library.undo()
    assert library.last_batch() == first.batch
    assert len(library.undo().undone) == 2


def test_an_empty_batch(library: Library) -> None:
    assert library.file([]).filed == ()


def test_photo_outside_of_its_inbox_is_refused(world: World, library: Library, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"elsewhere")
    group = AssetGroup(world.inbox, seen(tmp_path / "a.jpg"))
    report = library.file([Filing(group, Action.QUARANTINED)])
    assert report.set_aside[0][1].kind is SourceErrorKind.REFUSED


def test_settings_come_from_the_config(world: World) -> None:
    settings = LibrarySettings.of(
        type("C", (), {
            "library": world.library, "state_directory": world.state, "ledger_path": world.state / "l.csv",
            "quarantine_directory": world.quarantine, "duplicates": "keep", "metadata": MetadataSettings(),
            "libraries": (world.library,),
        })()
    )  # fmt: skip
    assert settings.duplicates == "keep"
    assert settings.keyword is None


@pytest.mark.parametrize(
    "seconds",
    [-11_644_473_600, -62_135_596_800, -1, 0, 10_413_792_000, 253_402_300_800, 910_692_730_085, (1 << 62)],
    ids=["1601", "year 1", "1969", "1970", "2300", "10000", "30828", "end of time"],
)
@pytest.mark.parametrize("transfer_mode", [TransferMode.MOVE, TransferMode.COPY])
def test_no_time_of_a_file_is_too_far_away(
    world: World, library: Library, seconds: int, transfer_mode: TransferMode
) -> None:
    paths = [world.drop("a.jpg", b"photo a"), world.drop("b.jpg", b"photo b", "b.xmp")]
    for path in (*paths, world.inbox / "b.xmp"):
        os.utime(path, ns=(seconds * 10**9 + 123_456_789, seconds * 10**9 + 123_456_789))
    before = seen(paths[0]).identity.mtime_ns  # as this file system keeps it
    report = library.file([replace(world.filing(path), transfer_mode=transfer_mode) for path in paths])
    assert [placed.destination.name for placed in report.filed] == ["a.jpg", "b.jpg"]
    assert (world.library / "Pets" / "a.jpg").stat().st_mtime_ns == before
    assert not library.undo().refused
    assert seen(paths[0]).identity.mtime_ns == before
    assert library.is_held(seen(paths[0]))
