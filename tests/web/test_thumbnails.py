"""Thumbnails: right in orientation and colour, of a confined process, and within a bounded cache."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photo_organizer.photo import Action, FileIdentity, Photo
from photo_organizer.vision.client.thumbnail_client import ThumbnailClient
from photo_organizer.vision.decode.budget.limits import FixedLimits
from photo_organizer.vision.outcome import Pictured, Rejected
from photo_organizer.web.services.thumbnail_cache import ThumbnailCache
from support.web.review_home import Page, ReviewHome


def make(client: ThumbnailClient, *paths: Path) -> dict[str, Pictured | Rejected]:
    client.submit([Photo(path, FileIdentity.of(path.lstat())) for path in paths])
    answers: dict[str, Pictured | Rejected] = {}
    while client.in_flight:
        answers |= {answer.photo.path.name: answer for answer in client.poll(1.0)}
    return answers


def test_upright_small_and_in_its_own_proportions(tmp_path: Path) -> None:
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, :150] = (255, 0, 0)  # red on the left
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    exif[0x0132] = "2024:05:06 07:08:09"
    exif[0x0110] = "Pinhole"
    path = tmp_path / "turned.jpg"
    Image.fromarray(pixels).save(path, exif=exif, quality=95)
    client = ThumbnailClient(120, limits=FixedLimits())
    try:
        answers = make(client, path)
    finally:
        client.close()
    found = answers["turned.jpg"]
    assert isinstance(found, Pictured)
    assert (found.camera, found.taken and found.taken.year) == ("Pinhole", 2024)
    shown = np.asarray(Image.open(BytesIO(found.jpeg)))
    assert shown.shape == (120, 40, 3)
    assert shown[10, 20, 0] > 200  # the left is above now
    assert shown[110, 20, 0] < 60


def test_a_photo_that_kills_the_decoder_is_refused_and_the_others_are_made(tmp_path: Path) -> None:
    for name in ("a.jpg", "poison.jpg", "b.jpg"):
        Image.fromarray(np.full((40, 40, 3), 90, np.uint8)).save(tmp_path / name)
    worker = tmp_path / "deadly_worker.py"
    worker.write_text(
        "import os\nfrom photo_organizer.vision.worker import thumbnail_worker as module\n"
        "real = module.read_photo\n"
        "def read_photo(descriptor, photo, limits):\n    content = real(descriptor, photo, limits)\n"
        "    if photo.path.name == 'poison.jpg':\n        poison.append(1)\n    return content\n"
        "poison = []\n"
        "made = module.make_thumbnail\n"
        "def make_thumbnail(*arguments):\n    if poison:\n        os.abort()\n    return made(*arguments)\n"
        "module.read_photo = read_photo\nmodule.make_thumbnail = make_thumbnail\n"
        "module.available_cores = lambda: 1\n"
        "make_worker = module.ThumbnailWorker\n"
    )
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(tmp_path)
    client = ThumbnailClient(40, limits=FixedLimits(), worker="deadly_worker")
    try:
        answers = make(client, *(tmp_path / name for name in ("a.jpg", "poison.jpg", "b.jpg")))
    finally:
        client.close()
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
    assert isinstance(answers["poison.jpg"], Rejected)
    assert isinstance(answers["a.jpg"], Pictured)
    assert isinstance(answers["b.jpg"], Pictured)


def test_the_page_shows_photos_of_review_and_no_preview_of_a_broken_one(home: ReviewHome) -> None:
    home.fill(2)
    (home.review / "cut.jpg").write_bytes((home.review / "IMG_0000.jpg").read_bytes()[:200])
    home.file(home.filing(home.draw("bad.jpg"), Action.QUARANTINED))
    page = Page(home)
    try:
        ids = page.photos()
        for size in ("thumbnail", "picture"):
            status, headers, body = page.request(
                "GET", f"/{size}/{ids['IMG_0000.jpg']}", headers={"Cookie": page.cookie}
            )
            assert (status, headers["Content-Type"]) == (200, "image/jpeg")
            assert Image.open(BytesIO(body)).size == (96, 64)
        assert page.request("GET", f"/thumbnail/{ids['cut.jpg']}", headers={"Cookie": page.cookie})[0] == 404
        (home.review / "IMG_0001.jpg").write_bytes(b"another file by now")
        status, _, _ = page.request(
            "GET", f"/thumbnail/{ids['IMG_0001.jpg']}", headers={"Cookie": page.cookie}
        )
        assert status == 404
        quarantined = page.get("/api/activity")["quarantine"][0]["id"]
        assert page.request("GET", f"/thumbnail/{quarantined}", headers={"Cookie": page.cookie})[0] == 200
    finally:
        page.close()
    kept = list((home.state / "thumbnails").rglob("*.jpg"))
    assert kept
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


def test_the_cache_is_bounded_and_keeps_what_was_shown_last(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path / "thumbnails", most_bytes=1000)
    names = [f"{number:064x}" for number in range(12)]
    for age, name in enumerate(names[:9]):
        cache.put(name, 40, bytes(100))
        path = next((tmp_path / "thumbnails").rglob(f"{name}.jpg"))
        os.utime(path, (1000 + age, 1000 + age))
    assert cache.get(names[0], 40) is not None  # the oldest is shown again
    for name in names[9:]:
        cache.put(name, 40, bytes(100))
    assert sum(path.stat().st_size for path in (tmp_path / "thumbnails").rglob("*.jpg")) <= 1000
    assert cache.get(names[0], 40) is not None
    assert cache.get(names[1], 40) is None
    assert cache.get(names[0], 80) is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    cache = ThumbnailCache(blocked / "thumbnails")
    cache.put("a" * 64, 40, b"jpeg")
    assert cache.get("a" * 64, 40) is None


@pytest.mark.parametrize("side", [64, 400])
def test_a_small_photo_is_not_enlarged(tmp_path: Path, side: int) -> None:
    Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(tmp_path / "small.png")
    client = ThumbnailClient(side, limits=FixedLimits())
    try:
        found = make(client, tmp_path / "small.png")["small.png"]
    finally:
        client.close()
    assert isinstance(found, Pictured)
    assert Image.open(BytesIO(found.jpeg)).size == (30, 20)
