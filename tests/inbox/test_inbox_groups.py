"""A photo and its companions are one group, whatever named them."""

from __future__ import annotations

from pathlib import Path

import pytest

from photo_organizer.inbox import find_groups
from support.inbox_driver import JPEG_HEAD, LONG_SETTLE, SETTLE, Start, write_many


def test_a_group_on_disk_comes_whole(drive: Start, folder: Path) -> None:
    names = ["IMG_1234.HEIC", "IMG_1234.MOV", "img_1234.aae", "IMG_E1234.HEIC", "IMG_1234.HEIC.xmp"]
    write_many(folder, [f"DCIM/{name}" for name in names] + ["IMG_1234.xmp"])
    driver = drive(available_extras=frozenset({"heif"}))
    (group,) = driver.take(1)
    driver.settle_all()
    assert group.photo.path == folder / "DCIM" / "IMG_1234.HEIC"
    assert {companion.path.name for companion in group.companions} == set(names[1:])
    assert group.inbox == folder
    assert len(driver.groups) == 1


def test_a_group_is_taken_only_when_all_members_are_still(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg", "a.mov"])
    driver = drive(settle_seconds=LONG_SETTLE)
    with (folder / "a.mov").open("ab", buffering=0) as video:
        for _ in range(8):
            video.write(b"more")
            driver.run_for(LONG_SETTLE / 10)
            assert driver.groups == []
    (group,) = driver.take(1)
    assert group.companions[0].identity.size == (folder / "a.mov").stat().st_size


def test_a_companion_that_comes_while_its_photo_settles_goes_along(drive: Start, folder: Path) -> None:
    driver = drive(settle_seconds=LONG_SETTLE)
    write_many(folder, ["a.jpg"])
    driver.run_for(LONG_SETTLE / 10)
    write_many(folder, ["a.xmp", "a.nef"])
    (group,) = driver.take(1)
    assert len(group.companions) == 2


def test_a_companion_that_vanishes_holds_nothing_up(drive: Start, folder: Path) -> None:
    driver = drive(settle_seconds=LONG_SETTLE)
    write_many(folder, ["a.jpg", "a.xmp"])
    driver.run_for(LONG_SETTLE / 10)
    (folder / "a.xmp").unlink()
    (group,) = driver.take(1)
    assert group.companions == ()


def test_a_photo_that_vanishes_leaves_its_raw_to_be_taken(drive: Start, folder: Path) -> None:
    driver = drive(settle_seconds=LONG_SETTLE, available_extras=frozenset({"raw"}))
    write_many(folder, ["a.jpg", "a.nef"])
    driver.run_for(LONG_SETTLE / 10)
    (folder / "a.jpg").unlink()
    driver.take(1)
    assert driver.names == {"a.nef"}


def test_a_late_companion_is_offered_with_the_question_whom_it_fits(
    drive: Start, folder: Path, elsewhere: Path
) -> None:
    write_many(folder, ["trip/IMG_1.HEIC", "other.jpg"])
    driver = drive(available_extras=frozenset({"heif"}))
    for group in driver.take(2):
        driver.move_away(group, elsewhere)
    write_many(folder, ["trip/IMG_1.MOV", "trip/IMG_1.HEIC.supplemental-metadata.json"])
    driver.run_until(lambda: len(driver.late) == 2)
    for late in driver.late:
        assert late.inbox == folder
        assert late.companion.path.parent == folder / "trip"
        assert late.fits("IMG_1.HEIC")
        assert not late.fits("IMG_2.HEIC")
    driver.settle_all()
    assert driver.inbox.counts.orphans == 1
    assert driver.inbox.counts.videos == 1
    assert len(driver.late) == 2


def test_a_companion_that_comes_while_its_photo_is_in_flight_is_late_when_that_is_done(
    drive: Start, folder: Path, elsewhere: Path
) -> None:
    write_many(folder, ["a.jpg"])
    driver = drive()
    (group,) = driver.take(1)
    write_many(folder, ["a.xmp"])
    driver.settle_all()
    driver.run_for(6 * SETTLE)
    assert driver.late == []
    driver.move_away(group, elsewhere)
    driver.run_until(lambda: driver.late)
    assert driver.late[0].fits("a.jpg")


def test_companions_of_a_photo_that_stays_are_no_orphans(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.jpg", "a.xmp", "a.mov"])
    driver = drive()
    driver.inbox.leave(driver.take(1)[0], "a reason")
    driver.settle_all()
    driver.run_for(6 * SETTLE)
    assert driver.late == []
    assert (driver.inbox.counts.orphans, driver.inbox.counts.videos) == (0, 0)


def test_a_companion_whose_photo_comes_later_goes_along(drive: Start, folder: Path) -> None:
    driver = drive()
    write_many(folder, ["a.xmp"])
    driver.settle_all()
    write_many(folder, ["a.jpg"])
    (group,) = driver.take(1)
    assert [companion.path.name for companion in group.companions] == ["a.xmp"]


def test_videos_alone_stay(drive: Start, folder: Path) -> None:
    write_many(folder, ["film.mov", "clip.mp4", "old.avi", "old.thm"])
    driver = drive()
    driver.settle_all()
    assert driver.names == set()
    assert driver.inbox.counts.videos == 3


def test_videos_alone_are_offered_when_wanted(
    drive: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photo_organizer.inbox.readiness.lone_video._USUAL_SECONDS", 0.2)
    write_many(folder, ["film.mov", "old.avi", "old.thm", "live.jpg", "live.mov"])
    driver = drive(videos=True)
    groups = {group.photo.path.name: len(group.companions) for group in driver.take(3)}
    assert groups == {"film.mov": 0, "old.avi": 1, "live.jpg": 1}
    assert [late.companion.path.name for late in driver.late] == ["film.mov"]


def test_a_video_beside_a_photo_in_flight_waits_for_it_even_when_videos_are_wanted(
    drive: Start, folder: Path
) -> None:
    write_many(folder, ["a.jpg"])
    driver = drive(videos=True)
    driver.take(1)
    write_many(folder, ["a.mov"])
    driver.settle_all()
    assert driver.names == {"a.jpg"}


def test_a_text_file_does_not_take_a_photo_of_its_name_along(drive: Start, folder: Path) -> None:
    write_many(folder, ["a.txt", "a.nef", "a.xmp"])
    driver = drive(available_extras=frozenset({"raw"}))
    driver.settle_all()
    assert driver.names == {"a.nef"}
    assert len(driver.groups[0].companions) == 1
    assert driver.inbox.counts.not_images == 1


DJI = ["DJI_0002.MP4", "DJI_0002.SRT", "DJI_0002.txt", "DJI_0002.unknown"]


def test_an_unknown_file_takes_no_video_along(drive: Start, folder: Path) -> None:
    write_many(folder, DJI)
    driver = drive(videos=True)
    (group,) = driver.take(1)  # at once: with what the camera writes beside a video it is no Live Photo's
    driver.settle_all()
    assert driver.names == {"DJI_0002.MP4"}
    assert [companion.path.name for companion in group.companions] == ["DJI_0002.SRT"]
    assert driver.inbox.counts.not_images == 2


def test_an_unknown_name_gets_companions_when_its_content_is_an_image(drive: Start, folder: Path) -> None:
    (folder / "photo.jpg_large").write_bytes(JPEG_HEAD)
    write_many(folder, ["photo.jpg_large.xmp", "photo.mov", "photo.txt"])
    driver = drive()
    (group,) = driver.take(1)
    assert group.photo.path.name == "photo.jpg_large"
    assert {companion.path.name for companion in group.companions} == {"photo.jpg_large.xmp", "photo.mov"}


def test_sort_takes_no_video_along_for_an_unknown_file(folder: Path) -> None:
    write_many(folder, DJI)
    skipped: list[str] = []
    groups = list(
        find_groups(
            [folder], settle_seconds=0, videos=True, on_skipped=lambda skip: skipped.append(skip.path.name)
        )
    )
    assert [(group.photo.path.name, len(group.companions)) for group in groups] == [("DJI_0002.MP4", 1)]
    assert sorted(skipped) == ["DJI_0002.txt", "DJI_0002.unknown"]


@pytest.mark.parametrize("names", [("IMG_1.MOV", "IMG_1.JPG"), ("IMG_1.MP4", "IMG_1.HEIC")], ids=str)
def test_a_video_that_came_long_before_its_picture_goes_along(
    drive: Start, folder: Path, names: tuple[str, str]
) -> None:
    video, picture = names
    driver = drive(videos=True, available_extras=frozenset({"heif"}))
    write_many(folder, [video])
    driver.run_until(lambda: driver.late)  # it has been asked whether its picture was filed before
    driver.run_for(5 * SETTLE)
    assert driver.groups == []
    write_many(folder, [picture])
    (group,) = driver.take(1)
    assert (group.photo.path.name, group.companions[0].path.name) == (picture, video)


def test_half_of_a_live_photo_waits_longer_than_another_video(
    drive: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photo_organizer.inbox.readiness.lone_video._USUAL_SECONDS", 0.1)
    (folder / "live.mov").write_bytes(
        b"\0" * 300_000 + b"com.apple.quicktime.content.identifier" + b"\0" * 99
    )
    write_many(folder, ["film.mov"])
    driver = drive(videos=True)
    driver.take(1)
    driver.run_for(5 * SETTLE)
    assert driver.names == {"film.mov"}
