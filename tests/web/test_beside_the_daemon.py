"""The page moves photos while the library's owner files others."""

from __future__ import annotations

import threading
from collections import Counter

from photo_organizer.library import Library
from photo_organizer.photo import Action
from support.web.review_home import Page, ReviewHome


def test_both_at_once(home: ReviewHome) -> None:
    home.fill(40)
    arriving = [home.draw(f"NEW_{number:03}.jpg") for number in range(60)]
    filings = [home.filing(path, Action.FILED) for path in arriving]
    before = home.contents()
    stop = threading.Event()
    filed: list[int] = []

    def own() -> None:
        with Library.open(home.configuration, owner=True) as library:
            for start in range(0, len(filings), 4):
                report = library.file(filings[start : start + 4])
                assert report.pause is None
                filed.append(len(report.filed))
            stop.wait(30)

    owner = threading.Thread(target=own)
    page = Page(home)
    try:
        ids = list(page.photos().values())
        owner.start()
        batches = []
        for start in range(0, len(ids), 4):
            status, answer = page.post("/api/file", {"photos": ids[start : start + 4], "category": "Food"})
            assert (status, len(answer["moved"]), answer["refused"]) == (200, 4, [])
            batches.append(answer["batch"])
        status, answer = page.post("/api/undo", {"batch": batches[0]})
        assert (status, answer["undone"]) == (200, 4)
        assert page.post("/api/undo", {"batch": batches[0]})[0] == 409  # it is taken back
    finally:
        stop.set()
        owner.join()
        page.close()
    assert sum(filed) == 60
    assert home.contents() == before
    assert Counter(row["action"] for row in home.ledger()) == {
        "review": 40,
        "corrected": 40,
        "undone": 4,
        "filed": 60,
    }
    with Library.open(home.configuration) as library:
        assert library.verify_ledger().is_equal


def test_companions_and_what_is_put_there_by_hand(home: ReviewHome) -> None:
    photo = home.draw("a.jpg")
    sidecar = photo.with_name("a.xmp")
    sidecar.write_text("of a")
    home.file(home.filing(photo, Action.REVIEW, 0.6, sidecar))
    by_hand = home.draw("hand.jpg").rename(home.review / "hand.jpg")
    page = Page(home)
    try:
        ids = page.photos()
        assert set(ids) == {"a.jpg", "hand.jpg"}  # a sidecar is not a photo
        status, answer = page.post("/api/file", {"photos": list(ids.values()), "category": "Pets"})
        assert (status, len(answer["moved"])) == (200, 2)
        assert {path.name for path in (home.library / "Pets").iterdir()} == {"a.jpg", "a.xmp", "hand.jpg"}
        assert not by_hand.exists()
        moved_again = list(answer["now"].values())
        status, answer = page.post("/api/file", {"photos": moved_again, "category": "Food"})
        assert (status, len(answer["moved"])) == (200, 2)
        page.post("/api/undo", {"batch": answer["batch"]})
        assert {path.name for path in (home.library / "Pets").iterdir()} == {"a.jpg", "a.xmp", "hand.jpg"}
    finally:
        page.close()


def test_no_name_is_replaced(home: ReviewHome) -> None:
    (photo,) = home.fill(1)
    other = home.library / "Pets" / photo.name
    other.parent.mkdir()
    other.write_bytes(b"another photo of this name")
    page = Page(home)
    try:
        page.post("/api/file", {"photos": list(page.photos().values()), "category": "Pets"})
    finally:
        page.close()
    assert other.read_bytes() == b"another photo of this name"
    assert (home.library / "Pets" / "IMG_0000 (2).jpg").exists()
