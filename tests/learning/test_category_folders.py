"""Which folders are categories: configured ones, and those that the owner made and accepted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from photo_organizer.errors import OrganizerError
from photo_organizer.learning.labels.category_folders import accepted_folders, choose_folder
from photo_organizer.learning.labels.label_store import FolderChoice, Provenance
from photo_organizer.learning.labels.labels import Scan
from photo_organizer.photo import Action
from support.learning_home import NOW, Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).make_folders()


def found(scan: Scan) -> dict[str, tuple[str, Provenance]]:
    return {label.path.name: (label.category, label.provenance) for label in scan.labels}


def test_a_folder_of_the_owners_is_asked_for_and_counts_once_it_is_accepted(home: Home) -> None:
    photos = [home.place("Garden", seed, looks_like="Nature") for seed in range(3)]
    scan = home.scan()
    assert (found(scan), scan.found_folders) == ({}, {"Garden": 3})
    assert not scan.new

    choose_folder(home.config, "Garden", FolderChoice.ACCEPTED, NOW)

    scan = home.scan()
    assert found(scan) == {photo.name: ("Garden", Provenance.PLACED) for photo in photos}
    assert scan.found_folders == {}
    assert "Garden" in accepted_folders(home.config)


def test_to_list_it_in_the_configuration_is_to_accept_it(home: Home) -> None:
    photo = home.place("Garden", 1, looks_like="Nature")
    home.scan()
    scan = replace(home, categories=(*home.categories, "Garden")).scan()
    assert found(scan) == {photo.name: ("Garden", Provenance.PLACED)}
    assert scan.found_folders == {}


def test_one_that_was_declined_is_not_asked_for_again_and_may_be_accepted_later(home: Home) -> None:
    home.place("Garden", 1, looks_like="Nature")
    home.scan()
    choose_folder(home.config, "Garden", FolderChoice.DECLINED, NOW)
    home.place("Garden", 2, looks_like="Nature")
    scan = home.scan()
    assert (found(scan), scan.found_folders) == ({}, {})
    choose_folder(home.config, "Garden", FolderChoice.ACCEPTED, NOW)
    assert len(home.scan().labels) == 2


def test_corrections_into_a_folder_are_told_once_it_is_accepted(home: Home) -> None:
    photo = home.file("Food", 1)
    (home.library / "Garden").mkdir()
    photo.rename(home.library / "Garden" / photo.name)
    assert home.scan().found_folders == {"Garden": 1}
    assert [action for action, _ in home.events()] == ["filed"]
    choose_folder(home.config, "Garden", FolderChoice.ACCEPTED, NOW)
    assert found(home.scan()) == {photo.name: ("Garden", Provenance.CORRECTED)}
    assert home.events()[-1] == ("corrected", "Garden")


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [("review", "Review", "Unsure"), ("duplicates", "Duplicates", "Twice"), ("videos", "Videos", "Films")],
)
@pytest.mark.parametrize("before", ["after a scan", "before any scan"])
def test_a_folder_of_ours_under_another_name_is_no_category(
    home: Home, key: str, old: str, new: str, before: str
) -> None:
    at = replace(home, more=f"{key}: {old}")
    if key == "review":
        for seed in range(3):
            at.file("Food", seed, action=Action.REVIEW)
    else:
        at.place(old, 1, looks_like="Food")
    if before == "after a scan" or key != "review":
        at.scan()

    at = replace(home, more=f"{key}: {new}")
    for _ in range(2):
        scan = at.scan()
        assert (found(scan), scan.found_folders, scan.corrections) == ({}, {}, ())
    assert "corrected" not in [action for action, _ in home.events()]
    with pytest.raises(OrganizerError, match="organizer's own"):
        choose_folder(at.config, old, FolderChoice.ACCEPTED, NOW)


def test_what_was_moved_out_of_a_former_review_folder_is_a_label(home: Home) -> None:
    photo = home.file("Food", 1, action=Action.REVIEW)
    at = replace(home, more="review: Unsure")
    (home.library / "Pets").mkdir()
    photo.rename(home.library / "Pets" / photo.name)
    assert found(at.scan()) == {photo.name: ("Pets", Provenance.REVIEWED)}


def test_a_former_review_folder_that_is_a_configured_category_holds_no_labels_of_what_lies_there_unasked(
    home: Home,
) -> None:
    home.file("Food", 1, action=Action.REVIEW)
    at = replace(home, categories=(*home.categories, "Review"), more="review: Unsure")
    placed = at.place("Review", 7, looks_like="Food")
    assert found(at.scan()) == {placed.name: ("Review", Provenance.PLACED)}


@pytest.mark.parametrize(
    "folder", ["@eaDir", "#recycle", "$RECYCLE.BIN", ".stversions", "lost+found", "Food/@eaDir/IMG_1.jpg"]
)
def test_folders_of_systems_and_sync_tools_are_not_looked_into(home: Home, folder: str) -> None:
    for seed in range(12):
        home.place(folder, seed, looks_like="Food")
    scan = home.scan()
    assert (found(scan), scan.found_folders) == ({}, {})


def test_a_category_that_was_taken_out_of_the_configuration_is_not_asked_for(home: Home) -> None:
    photo = home.file("Travel", 1)
    scan = replace(home, categories=("Food", "Pets")).scan()
    assert photo.exists()
    assert (found(scan), scan.found_folders) == ({}, {})


def test_a_folder_below_a_year_is_found_by_its_name(home: Home) -> None:
    at = replace(home, more='folders: "{taken:%Y}/{category}"')
    for year in ("2023", "2024"):
        at.place(f"{year}/Garden", int(year), looks_like="Nature")
    assert at.scan().found_folders == {"Garden": 2}


def test_a_folder_that_nobody_found_cannot_be_accepted(home: Home) -> None:
    home.scan()
    with pytest.raises(OrganizerError, match="photo-organizer categories list shows"):
        choose_folder(home.config, "Gardne", FolderChoice.ACCEPTED, NOW)


def test_without_a_store_nothing_is_accepted_and_none_is_made(home: Home) -> None:
    assert accepted_folders(home.config) == frozenset()
    assert not (home.root / "state" / "labels.sqlite").exists()
