"""A companion that arrives after its photo was filed joins it, however its program names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from photo_world import World, seen, sha256

from photo_organizer.inbox import LateCompanion
from photo_organizer.library import JoinReport, Library

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
