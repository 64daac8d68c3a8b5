"""What was moved as another photo's companion is never a photo of its own."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from photo_organizer.companions.grouping import bundle
from photo_organizer.companions.late import LateCompanion
from photo_organizer.learning.labels.label_store import Provenance
from photo_organizer.learning.labels.labels import Scan
from photo_organizer.library import Library, Selection
from photo_organizer.photo import FileIdentity, Photo
from support.learning_home import Home

GROUPS = {
    "Apple's edited rendering": ("IMG_{n:04}.JPG", "IMG_E{n:04}.JPG"),
    "an edited copy": ("party{n}.jpg", "party{n}-edited.jpg"),
    "a burst": (
        "00001IMG_00001_BURST2024010112{n:02}00_COVER.jpg",
        "00002IMG_00002_BURST2024010112{n:02}00.jpg",
        "00003IMG_00003_BURST2024010112{n:02}00.jpg",
    ),
    "raw and jpeg": ("DSC_{n:04}.JPG", "DSC_{n:04}.NEF"),
    "Pixel raw": (
        "PXL_20240101_1200{n:02}000.RAW-01.COVER.jpg",
        "PXL_20240101_1200{n:02}000.RAW-02.ORIGINAL.dng",
    ),
    "not even alike in name": ("whatever{n}.jpg", "something else {n}.png"),
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).make_folders()


def file_group(home: Home, number: int, names: tuple[str, ...]) -> list[Path]:
    """Files one photo with its companions in Food; where they all are."""
    wanted = [name.format(n=number) for name in names]
    files = [home.drop(name, "Food", 10 * number + index) for index, name in enumerate(wanted)]
    photo = home.file_group("Food", files)
    return [photo.with_name(name) for name in wanted]


def counts(scan: Scan) -> Counter[Provenance]:
    return Counter(label.provenance for label in scan.labels)


@pytest.mark.parametrize("names", GROUPS.values(), ids=GROUPS)
def test_photos_with_companions_that_nobody_touched_are_no_labels(home: Home, names: tuple[str, ...]) -> None:
    for number in range(25 if "IMG_E" in names[1] else 3):
        file_group(home, number, names)
    scan = home.scan()
    assert counts(scan) == {Provenance.UNTOUCHED: 25 if "IMG_E" in names[1] else 3}
    assert scan.read == 0, "the journal knows the content of what it moved"
    assert not scan.new


@pytest.mark.parametrize("names", GROUPS.values(), ids=GROUPS)
@pytest.mark.parametrize("before", ["a scan", "no scan"])
def test_a_group_that_the_owner_moves_is_one_label(home: Home, names: tuple[str, ...], before: str) -> None:
    group = file_group(home, 1, names)
    if before == "a scan":
        home.scan()
    pets = home.library / "Pets"
    pets.mkdir()
    for file in group:
        file.rename(pets / file.name)
    for _ in range(2):
        scan = home.scan()
        assert [(label.path, label.provenance) for label in scan.labels] == [
            (pets / group[0].name, Provenance.CORRECTED)
        ]
    assert home.events()[1:] == [("corrected", "Pets")]


def renamed(file: Path, target: Path) -> None:
    file.rename(target)


def copied_with_times(file: Path, target: Path) -> None:
    shutil.copy2(file, target)
    file.unlink()


def copied_to_coarse_times(file: Path, target: Path) -> None:
    """As a disk with exFAT keeps it."""
    seconds = file.stat().st_mtime_ns // 2_000_000_000 * 2_000_000_000
    shutil.copy(file, target)
    os.utime(target, ns=(seconds, seconds))
    file.unlink()


@pytest.mark.parametrize("how", [renamed, copied_with_times, copied_to_coarse_times])
def test_a_companion_stays_one_when_it_is_moved_alone_and_renamed(
    home: Home, how: Callable[[Path, Path], None]
) -> None:
    _, companion = file_group(home, 1, GROUPS["Apple's edited rendering"])
    (home.library / "Pets").mkdir()
    moved = home.library / "Pets" / "the best one.jpg"
    how(companion, moved)
    assert counts(home.scan()) == {Provenance.UNTOUCHED: 1}
    moved.write_bytes(moved.read_bytes() + b"edited")
    assert counts(home.scan()) == {Provenance.UNTOUCHED: 1}, "also when it is edited there"
    moved.rename(moved.with_name("renamed again.jpg"))
    assert counts(home.scan()) == {Provenance.UNTOUCHED: 1}


def test_a_companion_that_is_edited_where_it_was_put_stays_one(home: Home) -> None:
    _, companion = file_group(home, 1, GROUPS["not even alike in name"])
    companion.write_bytes(companion.read_bytes() + b"edited before any scan")
    assert counts(home.scan()) == {Provenance.UNTOUCHED: 1}


def test_so_does_one_that_arrived_late(home: Home) -> None:
    photo = home.file_group("Food", [home.drop("IMG_0001.JPG", "Food", 1)])
    late = home.drop("IMG_0001.DNG", "Food", 2)
    found = LateCompanion(Photo(late, FileIdentity.of(late.lstat())), home.root / "inbox")
    with Library.open(home.config, owner=True) as library:
        assert library.join([found], home.root / "inbox").joined
    assert counts(home.scan()) == {Provenance.UNTOUCHED: 1}
    (home.library / "Pets").mkdir()
    photo.with_suffix(".DNG").rename(home.library / "Pets" / "raw.dng")
    assert counts(home.scan()) == {Provenance.UNTOUCHED: 1}


def test_a_photo_of_the_same_size_and_time_as_a_companion_is_still_a_photo(home: Home) -> None:
    """As an edited rendering that a program saved with the original's time, without an edit."""
    photo = home.drop("IMG_0001.JPG", "Food", 1)
    companion = Path(shutil.copy2(photo, photo.with_name("IMG_E0001.JPG")))
    filed = home.file_group("Food", [photo, companion])
    (home.library / "Pets").mkdir()
    for file in (filed, filed.with_name("IMG_E0001.JPG")):
        copied_with_times(file, home.library / "Pets" / file.name)
    (label,) = home.scan().labels
    assert (label.path.name, label.provenance) == ("IMG_0001.JPG", Provenance.CORRECTED)


def test_two_photos_that_were_filed_one_by_one_are_two_although_their_names_are_related(home: Home) -> None:
    for seed, name in enumerate(("IMG_0001.JPG", "IMG_E0001.JPG")):
        home.file_group("Food", [home.drop(name, "Food", seed)])
    assert counts(home.scan()) == {Provenance.UNTOUCHED: 2}
    (home.library / "Pets").mkdir()
    for name in ("IMG_0001.JPG", "IMG_E0001.JPG"):
        (home.library / "Food" / name).rename(home.library / "Pets" / name)
    assert counts(home.scan()) == {Provenance.CORRECTED: 2}


@pytest.mark.parametrize("names", list(GROUPS.values())[:-1], ids=list(GROUPS)[:-1])
def test_what_the_owner_places_by_hand_is_grouped_by_the_rule_of_the_inbox(
    home: Home, names: tuple[str, ...]
) -> None:
    wanted = [name.format(n=1) for name in names]
    for index, name in enumerate(wanted):
        placed = home.place("Pets", index)
        placed.rename(placed.with_name(name))
    ((leader, *_), *rest) = [(group.photo, *group.companions) for group in bundle(wanted, ())[0]]
    assert not rest
    for _ in range(2):
        assert [label.path.name for label in home.scan().labels] == [leader]


@pytest.mark.parametrize("before", ["a scan", "no scan"])
def test_a_companion_that_undo_took_back_is_a_photo_when_the_owner_places_it(home: Home, before: str) -> None:
    _, companion = file_group(home, 1, GROUPS["not even alike in name"])
    if before == "a scan":
        home.scan()
    with Library.open(home.config) as library:
        library.undo(Selection())
    (home.library / "Pets").mkdir()
    (home.root / "inbox" / companion.name).rename(home.library / "Pets" / companion.name)
    assert counts(home.scan()) == {Provenance.PLACED: 1}
