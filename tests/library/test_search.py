"""Finding photos by parts of what is known of them, wherever they have gone since."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from photo_organizer.library import Correction, Library, Selection
from photo_organizer.photo import Action, Decision, Prediction
from support.faults.photo_world import World, sha256


def file(
    world: World, library: Library, name: str, folder: str, *, camera: str = "", taken: str = ""
) -> Path:
    """Files a photo with these facts; returns where it is."""
    content = name.encode(errors="surrogateescape")
    source = world.drop(name, content)
    prediction = Prediction(
        sha256(content), "m1", "test", (folder, "Pets"), (0.9, 0.1),
        taken=datetime.fromisoformat(taken) if taken else None, camera=camera,
    )  # fmt: skip
    decision = Decision(Action.FILED, folder, 0.9, "Pets", 0.1, 0.8)
    filing = replace(world.filing(source, folder), prediction=prediction, decision=decision)
    return library.file([filing]).filed[0].destination


def found(library: Library, text: str) -> list[str]:
    """The names that are found, newest first."""
    with closing(library.search_index()) as index:
        while index.extend(3):
            pass
        return [os.fsdecode(operation.destination).rpartition("/")[2] for operation in index.find(text)]


@pytest.fixture
def photos(world: World, library: Library) -> dict[str, Path]:
    return {
        name: file(world, library, name, folder, camera=camera, taken=taken)
        for name, folder, camera, taken in (
            ("IMG_0001.jpg", "Food", "Canon EOS R6", "2024-07-21T12:00:00"),
            ("IMG_0002.jpg", "Travel", "Apple iPhone 12", "2024-07-22T12:00:00"),
            ("Cafe\u0301 100%.jpg", "Food", "Apple iPhone 12", "2023-01-02T12:00:00"),
            ("a*b[c]?.jpg", "Nature", "", ""),
            ("strange\udcff.jpg", "Nature", "", ""),
        )
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("img_0001", ["IMG_0001.jpg"]),
        ("IMG", ["IMG_0002.jpg", "IMG_0001.jpg"]),
        ("img%0001", []),
        ("canon", ["IMG_0001.jpg"]),
        ("iphone 12 food", ["Cafe\u0301 100%.jpg"]),
        ("2024-07", ["IMG_0002.jpg", "IMG_0001.jpg"]),
        ("2024-07-21", ["IMG_0001.jpg"]),
        ("CAFÉ", ["Cafe\u0301 100%.jpg"]),
        ("100%", ["Cafe\u0301 100%.jpg"]),
        ("a*b[c]", ["a*b[c]?.jpg"]),
        ("[", ["a*b[c]?.jpg"]),
        ("r6", ["IMG_0001.jpg"]),
        ("r6 food", ["IMG_0001.jpg"]),
        ("r6 1 canon eos", ["IMG_0001.jpg"]),
        ("strange", ["strange\udcff.jpg"]),
        ('"food', []),
        ("nothing like it", []),
        ("  ", []),
        (sha256(b"IMG_0001.jpg"), ["IMG_0001.jpg"]),
        (sha256(b"IMG_0001.jpg")[:9].upper(), ["IMG_0001.jpg"]),
    ],
)
def test_photos_are_found_by(library: Library, photos: dict[str, Path], text: str, names: list[str]) -> None:
    assert len(photos) == 5
    assert found(library, text) == names


def test_each_photo_is_found_where_it_is_now(world: World, library: Library, photos: dict[str, Path]) -> None:
    moved = world.library / "Hobbies/IMG_0001.jpg"
    moved.parent.mkdir()
    photos["IMG_0001.jpg"].rename(moved)
    library.correct([Correction(sha256(b"IMG_0001.jpg"), photos["IMG_0001.jpg"], moved, "Hobbies")])
    assert found(library, "hobbies") == ["IMG_0001.jpg"]
    assert found(library, "food img") == []
    assert found(library, "img_0001 canon") == ["IMG_0001.jpg"]
    with closing(library.search_index()) as index:
        assert [Path(os.fsdecode(hit.destination)) for hit in index.find("img_0001")] == [moved]


def test_what_was_taken_back_is_found_in_its_inbox(
    world: World, library: Library, photos: dict[str, Path]
) -> None:
    library.undo(Selection(photo=photos["IMG_0001.jpg"]))
    assert found(library, "canon food") == ["IMG_0001.jpg"]
    with closing(library.search_index()) as index:
        assert [hit.kind for hit in index.find("canon")] == ["undone"]
    file(world, library, "IMG_0001.jpg", "Pets", camera="Canon EOS R6")
    assert found(library, "canon") == ["IMG_0001.jpg"]


def test_an_index_of_another_journal_or_a_lost_one_is_made_again(
    world: World, library: Library, photos: dict[str, Path]
) -> None:
    assert photos
    assert found(library, "canon") == ["IMG_0001.jpg"]
    path = world.state / "search.sqlite"
    with closing(sqlite3.connect(path)) as index, index:
        index.execute("UPDATE facts SET value = 'another' WHERE key = 'journal'")
        index.execute("DELETE FROM texts")
    assert found(library, "canon") == ["IMG_0001.jpg"]
    for leftover in world.state.glob("search.sqlite*"):
        leftover.unlink()
    assert found(library, "canon") == ["IMG_0001.jpg"]
    (world.state / "search.sqlite").write_bytes(b"no database at all" * 100)
    assert found(library, "canon") == ["IMG_0001.jpg"]
