"""A companion that arrives after its photo was filed joins it, however its program names it."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from photo_organizer.inbox import LateCompanion
from photo_organizer.library import JoinReport, Library, NothingToUndoError, Selection
from support.faults.photo_world import World, seen, sha256

LONG = "a very long title that some phone gave to its photo of a dog"  # 60 characters
CUT = (LONG + ".jpg")[:46]

NAMES = [
    ("IMG_1.jpg", "IMG_1.jpg.json", "IMG_1 (2).jpg.json"),
    ("IMG_1.jpg", "IMG_1.jpg.supplemental-metadata.json", "IMG_1 (2).jpg.supplemental-metadata.json"),
    ("IMG_1.jpg", "IMG_1.jpg.supplemental-me.json", "IMG_1 (2).jpg.supplemental-me.json"),
    ("IMG_1.jpg", "IMG_1.jpg..json", "IMG_1 (2).jpg..json"),
    ("IMG(1).jpg", "IMG.jpg(1).json", "IMG.jpg(1) (2).json"),
    ("IMG(1).jpg", "IMG.jpg.supplemental-metadata(1).json", "IMG.jpg.supplemental-metadata(1) (2).json"),
    ("IMG_1-edited.jpg", "IMG_1.jpg.json", "IMG_1.jpg (2).json"),
    (LONG + ".jpg", CUT + ".json", CUT + " (2).json"),
    (LONG + "(1).jpg", CUT + "(1).json", CUT + "(1) (2).json"),
    ("img_e1234.jpg", "IMG_O1234.AAE", "IMG_O1234 (2).AAE"),
]
"""A photo, its companion, and what that is called when the photo is the second of its name."""


def file(world: World, library: Library, name: str, content: bytes) -> Path:
    (placed,) = library.file([world.filing(world.drop(name, content))]).filed
    return placed.destination


def arrive(world: World, library: Library, *names: str) -> JoinReport:
    late = []
    for name in names:
        (world.inbox / name).write_bytes(b"about " + name.encode())
        late.append(LateCompanion(seen(world.inbox / name), world.inbox))
    return library.join(late, world.inbox)


@pytest.mark.parametrize(("photo", "companion"), [names[:2] for names in NAMES])
def test_it_joins_its_photo_and_goes_back_with_it(
    world: World, library: Library, photo: str, companion: str
) -> None:
    file(world, library, "IMG_2.jpg", b"a neighbour")
    file(world, library, photo, b"a photo")
    file(world, library, "IMG.jpg", b"the one that has no number")
    report = arrive(world, library, companion)
    assert [path.parent for _, path in report.joined] == [world.library / "Pets"]
    (joined,) = library.history(sha256(b"a photo"))[1:]
    assert joined.action == "joined"
    assert not (world.inbox / companion).exists()
    library.undo()
    library.undo()
    assert {path.name for path in world.inbox.iterdir()} == {"IMG.jpg", photo, companion}


@pytest.mark.parametrize(("photo", "companion", "numbered"), NAMES)
def test_it_gets_the_number_that_its_photo_got(
    world: World, library: Library, photo: str, companion: str, numbered: str
) -> None:
    file(world, library, photo, b"the first of that name")
    assert file(world, library, photo, b"a photo").stem.endswith(" (2)")
    report = arrive(world, library, companion)
    assert [path for _, path in report.joined] == [world.library / "Pets" / numbered]
    library.undo()
    assert {path.name for path in world.inbox.iterdir()} == {photo, companion}


def test_it_comes_beside_its_photo_where_that_was_corrected_to(world: World, library: Library) -> None:
    from photo_organizer.library import Correction

    old = file(world, library, LONG + ".jpg", b"a photo")
    new = world.library / "Food" / old.name
    new.parent.mkdir()
    old.rename(new)
    library.correct([Correction(sha256(b"a photo"), old, new, "Food")])
    arrive(world, library, CUT + ".json")
    assert (world.library / "Food" / f"{CUT}.json").exists()


def test_two_that_cannot_be_told_by_name_are_both_kept(world: World, library: Library) -> None:
    (world.library / "Pets").mkdir()
    (world.library / "Pets" / "IMG.jpg(1).json").write_bytes(b"of another photo")
    file(world, library, "IMG(1).jpg", b"a photo")
    arrive(world, library, "IMG.jpg(1).json")
    assert (world.library / "Pets" / "IMG.jpg(1).json").read_bytes() == b"of another photo"
    assert (world.library / "Pets" / "IMG.jpg(1) (2).json").read_bytes() == b"about IMG.jpg(1).json"


def test_what_belongs_to_none_stays(world: World, library: Library) -> None:
    file(world, library, "IMG.jpg", b"the one that has no number")
    file(world, library, "day/IMG(1).jpg", b"from another folder")
    report = arrive(world, library, "IMG.jpg(1).json", "metadata.json")
    assert len(report.orphans) == 2
    assert (world.inbox / "IMG.jpg(1).json").exists()


YEAR = 365 * 24 * 3600


def at(path: Path, seconds: float) -> Path:
    os.utime(path, (seconds, seconds))
    return path


@pytest.mark.parametrize("companion", ["IMG_1234.MOV", "IMG_1234.mp4", "IMG_1234.JPG.mov"])
def test_one_of_another_time_joins_no_photo_that_once_had_its_name(
    world: World, library: Library, companion: str
) -> None:
    now = time.time()
    library.file([world.filing(at(world.drop("IMG_1234.JPG", b"of 2019"), now - 7 * YEAR))])
    video = at(world.inbox / companion, now) if (world.inbox / companion).write_bytes(b"video") else None
    assert video is not None
    report = library.join([LateCompanion(seen(video), world.inbox)], world.inbox)
    assert report.orphans == (seen(video),)
    assert video.exists()


def test_of_two_photos_of_one_name_it_joins_the_one_of_its_time(world: World, library: Library) -> None:
    now = time.time()
    old = library.file([world.filing(at(world.drop("IMG_1.jpg", b"old"), now - 7 * YEAR), "Food")])
    new = library.file([world.filing(at(world.drop("IMG_1.jpg", b"new"), now - YEAR), "Pets")])
    (world.inbox / "IMG_1.mov").write_bytes(b"video")
    video = at(world.inbox / "IMG_1.mov", now - 7 * YEAR + 3)
    ((_, path),) = library.join([LateCompanion(seen(video), world.inbox)], world.inbox).joined
    assert path.parent == old.filed[0].destination.parent
    (world.inbox / "IMG_1.mov").write_bytes(b"video 2")
    video = at(world.inbox / "IMG_1.mov", now - YEAR - 3)
    ((_, path),) = library.join([LateCompanion(seen(video), world.inbox)], world.inbox).joined
    assert path.parent == new.filed[0].destination.parent


def test_the_time_that_the_photo_was_taken_counts_too(world: World, library: Library) -> None:
    filing = world.filing(world.drop("IMG_1.jpg", b"downloaded today"))
    taken = datetime(2019, 7, 1, 12, 0)
    prediction = replace(filing.prediction, taken=taken) if filing.prediction else None
    library.file([replace(filing, prediction=prediction)])
    (world.inbox / "IMG_1.mov").write_bytes(b"video")
    video = at(world.inbox / "IMG_1.mov", taken.timestamp() + 2)
    assert library.join([LateCompanion(seen(video), world.inbox)], world.inbox).joined


def test_a_description_joins_when_it_arrives_with_the_photo_but_not_years_later(world: World) -> None:
    with world.open() as library:
        library.file([world.filing(at(world.drop("IMG_1.jpg", b"a photo"), 1.5e9))])
        assert arrive(world, library, "IMG_1.jpg.xmp").joined
        library.file([world.filing(at(world.drop("IMG_2.jpg", b"another"), 1.5e9))])
        world.clock.now += timedelta(days=400)
        assert arrive(world, library, "IMG_2.jpg.xmp").orphans


def test_a_join_says_why_and_is_undone_alone(world: World, library: Library) -> None:
    photo = file(world, library, "IMG_1.jpg", b"a photo")
    ((_, joined),) = arrive(world, library, "IMG_1.jpg.xmp").joined
    event = library.history(joined)[-1]
    assert (event.action, event.reason) == ("joined", "named like the photo, and of the same time")
    before = (world.state / "predictions.csv").read_bytes()
    report = library.undo(Selection(photo=joined))
    assert [step.destination.name for step in report.undone] == ["IMG_1.jpg.xmp"]
    assert photo.exists()
    assert [path.name for path in world.inbox.iterdir()] == ["IMG_1.jpg.xmp"]
    assert (world.state / "predictions.csv").read_bytes() == before, "no photo was undone"
    assert library.verify_ledger().is_equal
    late = LateCompanion(seen(world.inbox / "IMG_1.jpg.xmp"), world.inbox)
    assert library.is_held(late.companion)
    assert not library.join([late], world.inbox).joined, "not at once again"
    assert [event.action for event in library.history(photo)] == ["filed", "joined", "unjoined"]
    assert [step.source.name for step in library.undo().undone] == ["IMG_1.jpg"]
    with pytest.raises(NothingToUndoError):
        library.undo(Selection(photo=joined))
