"""A photo whose file is not whole waits for the rest of it, and no longer than it should."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from photo_organizer.photo import AssetGroup
from support.inbox_driver import JPEG_HEAD, SETTLE, Start

MINUTES = SETTLE / 60


def keep(driver_inbox: object, group: AssetGroup, *, ends_early: bool = True) -> bool:
    return driver_inbox.wait_for_rest(group, ends_early=ends_early)  # type: ignore[attr-defined, no-any-return]


def test_it_is_offered_again_when_the_rest_has_come(drive: Start, folder: Path) -> None:
    photo = folder / "r.jpg"
    photo.write_bytes(JPEG_HEAD)
    driver = drive()
    (half,) = driver.take(1)
    assert keep(driver.inbox, half)
    driver.settle_all()
    assert driver.inbox.counts.incomplete == 1
    assert len(driver.groups) == 1
    with photo.open("ab") as file:
        file.write(b"the rest")
    _, whole = driver.take(2)
    assert whole.photo.identity.size == len(JPEG_HEAD) + 8
    assert driver.inbox.counts.incomplete == 0


def test_it_waits_from_its_last_change_and_is_looked_at_once_more(drive: Start, folder: Path) -> None:
    (folder / "r.jpg").write_bytes(b"")
    driver = drive(incomplete_minutes=4 * MINUTES)
    (first,) = driver.take(1)
    assert keep(driver.inbox, first)
    began = time.monotonic()
    _, second = driver.take(2)
    assert time.monotonic() - began > SETTLE
    assert not keep(driver.inbox, second)
    assert driver.inbox.counts.in_flight == 1


def test_one_that_has_not_changed_for_long_does_not_wait_at_all(drive: Start, folder: Path) -> None:
    (folder / "r.jpg").write_bytes(JPEG_HEAD)
    driver = drive(incomplete_minutes=0)
    (group,) = driver.take(1)
    assert not keep(driver.inbox, group)


def test_on_a_share_it_waits_from_when_it_was_seen(drive: Start, folder: Path) -> None:
    (folder / "r.jpg").write_bytes(JPEG_HEAD)
    os.utime(folder / "r.jpg", (0, 0))
    driver = drive(mode="polling", incomplete_minutes=MINUTES)
    (first,) = driver.take(1)
    assert keep(driver.inbox, first)
    _, second = driver.take(2)
    assert not keep(driver.inbox, second)


@pytest.mark.parametrize(
    ("content", "sibling"),
    [
        (JPEG_HEAD, "r.jpg.part"),
        (JPEG_HEAD, "r.jpg.1a2b3c4d.partial"),
        (JPEG_HEAD, ".r.jpg.x8Yz1q"[:6] + ".part"),
        (b"", "r.aB3dE9xZ.jpg.part"),
        (b"", "qY8sK2Lm.jpg.part"),
    ],
    ids=str,
)
def test_it_waits_longer_while_an_unfinished_file_lies_beside_it(
    drive: Start, folder: Path, content: bytes, sibling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photo_organizer.inbox.readiness.readiness_check._TRANSFER_SECONDS", SETTLE)
    (folder / sibling).write_bytes(b"begun")
    (folder / "r.jpg").write_bytes(content)
    driver = drive(incomplete_minutes=0)
    for number in (1, 2):
        group = driver.take(number)[-1]
        assert keep(
            driver.inbox, group, ends_early=number == 1
        )  # the sibling speaks for a rest in either case
    (folder / sibling).rename(folder / "r.jpg")
    (whole,) = driver.take(3)[2:]
    assert whole.photo.identity.size == len("begun")
    assert not keep(driver.inbox, whole)


@pytest.mark.parametrize("sibling", ["r2.jpg.part", "other.jpg.part", "r.jpg.part"])
def test_what_does_not_hold_it_up(drive: Start, folder: Path, sibling: str) -> None:
    (folder / sibling).write_bytes(b"begun")
    if sibling == "r.jpg.part":  # given up long ago
        os.utime(folder / sibling, (0, time.time() - 100_000))
    (folder / "r.jpg").write_bytes(JPEG_HEAD)
    driver = drive(incomplete_minutes=0)
    (group,) = driver.take(1)
    assert not keep(driver.inbox, group)


def box(name: bytes, size: int) -> bytes:
    return (8 + size).to_bytes(4) + name + bytes([7]) * size


MP4 = box(b"ftyp", 16) + box(b"mdat", 5000) + box(b"moov", 400)


@pytest.mark.parametrize("cut", [40, 2000, 5032, 5300], ids=str)
@pytest.mark.parametrize("names", [("film.mp4",), ("IMG_1.MOV", "IMG_1.JPG")], ids=str)
def test_half_a_video_waits_too(
    drive: Start, folder: Path, names: tuple[str, ...], cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photo_organizer.inbox.readiness.lone_video._USUAL_SECONDS", 0.0)
    (folder / names[0]).write_bytes(MP4[:cut])
    for name in names[1:]:
        (folder / name).write_bytes(JPEG_HEAD)
    driver = drive(videos=True)
    driver.settle_all()
    assert (driver.groups, driver.inbox.counts.incomplete) == ([], 1)
    with (folder / names[0]).open("ab") as file:
        file.write(MP4[cut:])
    (group,) = driver.take(1)
    assert {group.photo.path.name, *(member.path.name for member in group.companions)} == set(names)


@pytest.mark.parametrize(
    "content",
    [MP4, b"RIFF" + bytes(50), b"no video", MP4[:24] + bytes(500), MP4[:5032] + box(b"moov", 0)],
    ids=len,
)
def test_a_video_that_is_whole_or_of_another_kind_does_not_wait(
    drive: Start, folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photo_organizer.inbox.readiness.lone_video._USUAL_SECONDS", 0.0)
    (folder / "film.mov").write_bytes(content)
    (folder / "IMG_2.jpg").write_bytes(JPEG_HEAD)
    (folder / "IMG_2.mov").write_bytes(b"")
    driver = drive(videos=True)
    driver.take(2)


def test_half_a_video_is_taken_as_it_is_when_no_rest_comes(
    drive: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photo_organizer.inbox.readiness.lone_video._USUAL_SECONDS", 0.0)
    (folder / "film.mp4").write_bytes(MP4[:99])
    driver = drive(videos=True, incomplete_minutes=3 * MINUTES)
    driver.take(1)
