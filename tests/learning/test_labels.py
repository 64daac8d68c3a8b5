"""What the owner meant, read off from where the photos lie."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from photo_organizer.errors import OrganizerError
from photo_organizer.learning.labels import library_walk
from photo_organizer.learning.labels.label_store import FolderStamp, LabelStore, LabelStoreError, Provenance
from photo_organizer.learning.labels.labels import Scan, scan_dataset
from photo_organizer.library import Library, Selection, TransferMode
from photo_organizer.photo import Action
from support.learning_home import NOW, Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).make_folders()


@pytest.fixture
def scan(home: Home) -> Callable[..., Scan]:
    def run(now: datetime = NOW, at: Home | None = None) -> Scan:
        return (at or home).scan(now)

    return run


def found(scan: Scan) -> dict[str, tuple[str, Provenance]]:
    return {label.path.name: (label.category, label.provenance) for label in scan.labels}


def move(photo: Path, category: str, name: str | None = None) -> Path:
    target = photo.parents[1] / category / (name or photo.name)
    target.parent.mkdir(exist_ok=True)
    return photo.rename(target)


def test_a_photo_moved_to_another_category_is_a_correction_with_a_row_in_the_ledger(
    home: Home, scan: Callable[..., Scan]
) -> None:
    photo = move(home.file("Food", 1), "Pets")

    first, second = scan(), scan()

    assert found(first) == {photo.name: ("Pets", Provenance.CORRECTED)}
    assert found(second) == found(first)
    assert home.events() == [("filed", ""), ("corrected", "Pets")], "one row, however often it is scanned"


@pytest.mark.parametrize("transfer_mode", [TransferMode.COPY, TransferMode.LINK])
def test_so_is_a_copy_whose_original_stays(
    home: Home, scan: Callable[..., Scan], transfer_mode: TransferMode
) -> None:
    untouched = home.file("Travel", 1, transfer_mode=transfer_mode)
    photo = move(home.file("Food", 1, transfer_mode=transfer_mode), "Pets")
    assert found(scan()) == {
        photo.name: ("Pets", Provenance.CORRECTED),
        untouched.name: ("Travel", Provenance.UNTOUCHED),
    }
    with Library.open(home.config) as library:
        assert library.undo(Selection(photo=photo)).undone[0].source == photo
    assert (home.root / "inbox" / photo.name).exists()


def test_a_symbolic_link_is_not_followed(home: Home, scan: Callable[..., Scan]) -> None:
    move(home.file("Food", 1, transfer_mode=TransferMode.SYMLINK), "Pets")
    assert found(scan()) == {}
    assert home.events() == [("filed", "")]


def test_a_photo_moved_out_of_review_is_a_label(home: Home, scan: Callable[..., Scan]) -> None:
    photo = move(home.file("Food", 1, action=Action.REVIEW), "Pets")
    assert found(scan()) == {photo.name: ("Pets", Provenance.REVIEWED)}
    assert home.events()[-1] == ("corrected", "Pets")


def test_a_photo_still_in_review_says_nothing(home: Home, scan: Callable[..., Scan]) -> None:
    home.file("Food", 1, action=Action.REVIEW)
    assert found(scan()) == {}


def test_a_photo_placed_by_hand_is_a_label_without_a_row(home: Home, scan: Callable[..., Scan]) -> None:
    photo = home.place("Pets", 1)
    assert found(scan()) == {photo.name: ("Pets", Provenance.PLACED)}
    assert home.events() == []


def test_an_untouched_photo_is_the_models_own_guess(home: Home, scan: Callable[..., Scan]) -> None:
    photo = home.file("Food", 1)
    assert found(scan()) == {photo.name: ("Food", Provenance.UNTOUCHED)}


def test_a_rename_within_the_folder_changes_nothing(home: Home, scan: Callable[..., Scan]) -> None:
    move(home.file("Food", 1), "Food", "cake.png")
    assert found(scan()) == {"cake.png": ("Food", Provenance.UNTOUCHED)}


def test_a_correction_taken_back_follows_the_owner(home: Home, scan: Callable[..., Scan]) -> None:
    photo = move(home.file("Food", 1), "Pets")
    scan()
    photo = move(photo, "Food")
    assert found(scan()) == {photo.name: ("Food", Provenance.CONFIRMED)}
    assert home.events()[-1] == ("corrected", "Food")
    assert found(scan()) == {photo.name: ("Food", Provenance.CONFIRMED)}
    assert len(home.events()) == 3


def test_an_edited_photo_inherits_how_it_came_there(home: Home, scan: Callable[..., Scan]) -> None:
    guess, correction = home.file("Food", 1), move(home.file("Food", 2), "Pets")
    scan()
    for photo in (guess, correction):
        photo.write_bytes(photo.read_bytes() + b"edited")
    edited = found(scan())
    assert edited == {
        guess.name: ("Food", Provenance.UNTOUCHED),
        correction.name: ("Pets", Provenance.CORRECTED),
    }
    assert found(scan()) == edited


def test_a_photo_edited_before_the_first_scan_is_no_label_either(
    home: Home, scan: Callable[..., Scan]
) -> None:
    photo = home.file("Food", 1)
    photo.write_bytes(photo.read_bytes() + b"edited")
    assert found(scan()) == {photo.name: ("Food", Provenance.UNTOUCHED)}


def test_a_copy_adds_nothing_and_a_photo_in_two_categories_says_nothing(
    home: Home, scan: Callable[..., Scan]
) -> None:
    photo = home.place("Pets", 1)
    shutil.copy(photo, photo.with_name("copy.png"))
    torn = home.place("Pets", 2)
    (home.library / "Food").mkdir()
    shutil.copy(torn, home.library / "Food" / "same.png")

    result = scan()

    assert len(result.labels) == 1
    assert result.ambiguous == 1


def test_a_deleted_photo_is_no_label_any_more(home: Home, scan: Callable[..., Scan]) -> None:
    photo = home.place("Pets", 1)
    scan()
    photo.unlink()
    assert found(scan()) == {}


def test_an_undone_photo_that_the_owner_places_is_a_label(home: Home, scan: Callable[..., Scan]) -> None:
    photo = home.file("Food", 1)
    with Library.open(home.config) as library:
        library.undo(Selection())
    back = home.root / "inbox" / photo.name
    (home.library / "Pets").mkdir()
    back.rename(home.library / "Pets" / photo.name)
    assert found(scan()) == {photo.name: ("Pets", Provenance.PLACED)}


def test_hidden_files_other_files_duplicates_and_raw_companions_are_left_out(
    home: Home, scan: Callable[..., Scan]
) -> None:
    photo = home.place("Pets", 1)
    photo.with_name(".hidden.png").write_bytes(photo.read_bytes() + b"1")
    photo.with_name("notes.txt").write_text("not a photo")
    photo.with_name("fake.jpg").write_text("not a photo either")
    photo.with_suffix(".dng").write_bytes(b"II*\0" + bytes(100))
    photo.with_name("link.png").symlink_to(photo)
    (home.library / "Duplicates").mkdir()
    (home.library / "Duplicates" / "again.png").write_bytes(photo.read_bytes() + b"2")
    assert set(found(scan())) == {photo.name}


def test_a_renamed_folder_is_no_heap_of_corrections(home: Home, scan: Callable[..., Scan]) -> None:
    for seed in range(5):
        home.file("Travel", seed)
    (home.library / "Travel").rename(home.library / "Journeys")
    at = Home(home.root, categories=("Food", "Pets", "Journeys"))

    result = scan(at=at)

    assert set(found(result).values()) == {("Journeys", Provenance.UNTOUCHED)}
    assert result.renamed == {"Travel": "Journeys"}


def test_folders_below_the_category_follow_the_template(home: Home, scan: Callable[..., Scan]) -> None:
    at = Home(home.root, more='folders: "{taken:%Y}/{category}"')
    (home.library / "2024" / "Pets" / "cats").mkdir(parents=True)
    photo = home.place("2024/Pets/cats", 1, looks_like="Pets")
    assert found(scan(at=at)) == {photo.name: ("Pets", Provenance.PLACED)}


def test_an_unchanged_library_is_walked_and_not_read(home: Home, scan: Callable[..., Scan]) -> None:
    photos = [home.place("Pets", seed) for seed in range(5)]
    assert scan().read == 5
    assert scan().read == 0
    os.utime(photos[0], (1, 1))
    assert scan().read == 1


def test_a_folder_that_did_not_change_is_not_even_listed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_walk, "_RECENT_NS", 0)
    for category in ("Food", "Pets"):
        home.file(category, 1)
        home.place(category, 2)
    first = home.scan()
    listed: list[str] = []

    def scandir(folder: Path) -> Iterator[os.DirEntry[str]]:
        listed.append(folder.name)
        return os_scandir(folder)

    os_scandir = os.scandir
    monkeypatch.setattr(library_walk.os, "scandir", scandir)
    with home.store() as store:
        folders = store.folders()
    assert found(home.scan(folders=folders)) == found(first)
    assert listed == []
    new = home.place("Pets", 3)
    assert set(found(home.scan(folders=folders))) == {*found(first), new.name}
    assert listed == ["Pets"]


def test_a_folder_that_has_just_changed_is_listed_again(home: Home) -> None:
    home.place("Pets", 1)
    home.scan()
    with home.store() as store:
        assert set(store.folders().values()) == {FolderStamp(0, 0, 0)}


def test_an_empty_mount_point_is_not_a_library_whose_photos_were_deleted(home: Home) -> None:
    home.place("Pets", 1)
    home.scan()
    home.library.rename(home.root / "unplugged")
    for _ in range(2):
        with pytest.raises(OrganizerError, match="mount it"):
            home.scan()
        home.library.mkdir(exist_ok=True)
    with home.store() as store:
        assert len(store.labels()) == 1


@pytest.mark.parametrize("year", [1601, 2300, 30828])
def test_times_beyond_every_calendar_are_no_trouble(home: Home, year: int) -> None:
    photo = home.place("Pets", 1)
    moment = (year - 1970) * 31_556_952 * 10**9
    os.utime(photo, ns=(moment, moment))
    for _ in range(2):
        assert len(home.scan().labels) == 1


def test_first_seen_stays_until_the_label_changes(home: Home, scan: Callable[..., Scan]) -> None:
    photo = home.place("Pets", 1)
    scan()
    later = datetime(2026, 12, 1, tzinfo=UTC)
    assert scan(later).labels[0].first_seen == NOW
    move(photo, "Food")
    assert scan(later).labels[0].first_seen == later


@pytest.mark.parametrize("step", ["replace_labels", "replace_folders"])
def test_a_killed_scan_reports_its_corrections_next_time(
    home: Home, scan: Callable[..., Scan], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    move(home.file("Food", 1), "Pets")
    with monkeypatch.context() as patched:
        patched.setattr(LabelStore, step, _die)
        with pytest.raises(KeyboardInterrupt):
            scan()
    scan()
    assert [action for action, _ in home.events()].count("corrected") == 1


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_unreadable_photo_is_told_and_costs_nothing_else(home: Home, scan: Callable[..., Scan]) -> None:
    good = home.place("Pets", 1)
    fifo = good.with_name("pipe.jpg")
    os.mkfifo(fifo)
    locked = home.place("Pets", 2)
    locked.chmod(0)
    result = scan()
    assert good.name in found(result)
    if os.geteuid() != 0:
        assert result.unreadable == (locked,)


def test_a_data_set_is_taken_as_it_stands(home: Home) -> None:
    root = home.root / "dataset"
    shutil.copytree(home.place("Pets", 1).parent, root / "Dogs" / "small")
    with LabelStore(home.root / "state" / "labels.sqlite") as store:
        result = scan_dataset(root, store, now=NOW, progress=lambda count: None)
        assert store.labels() == {}, "the library's labels are another matter"
    assert [(it.category, it.provenance) for it in result.labels] == [("Dogs", Provenance.DATASET)]


def test_a_folder_without_photos_is_refused(home: Home) -> None:
    with LabelStore(home.root / "state" / "labels.sqlite") as store:
        for root in (home.root / "nowhere", home.root / "inbox"):
            with pytest.raises(OrganizerError, match=r"no photos|no such folder"):
                scan_dataset(root, store, now=NOW, progress=lambda count: None)


def test_names_that_are_not_utf8_are_no_trouble(home: Home, scan: Callable[..., Scan]) -> None:
    photo = home.place("Pets", 1)
    photo.rename(os.fsdecode(os.fsencode(photo.parent) + b"/caf\xe9.png"))
    assert len(scan().labels) == 1
    assert scan().read == 0


def test_a_file_that_is_no_store_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    with pytest.raises(LabelStoreError, match="move it aside"):
        LabelStore(path)
