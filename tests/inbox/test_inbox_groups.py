"""A photo and its companions are one group, whatever named them."""

from __future__ import annotations

from pathlib import Path

import pytest
from inbox_driver import LONG_SETTLE, SETTLE, Start, write_many

from photo_organizer.companions.grouping import bundle
from photo_organizer.companions.names import may_accompany
from photo_organizer.formats import by_extension

LONG = "a-very-long-name-of-a-photo-that-goes-on-and-on-x.jpg"
SHORT = "IMG_20200101_123456789_PANORAMA_X.jpg"
PIXEL = "PXL_20230101_120000000"
COVER, OTHER = "00000IMG_00000_BURST20190101120000123_COVER.jpg", "00001IMG_00001_BURST20190101120000123.jpg"

ONE_GROUP = {
    "Live Photo": ("IMG_1234.HEIC", "IMG_1234.MOV"),
    "Live Photo, case differs": ("IMG_1234.heic", "img_1234.mov"),
    "Live Photo as MP4": ("IMG_1234.JPG", "IMG_1234.MP4"),
    "Motion Photo": ("PXL_20240101_120000000.MP.jpg", "PXL_20240101_120000000.MP"),
    "Apple's edits": ("IMG_1234.HEIC", "IMG_1234.AAE", "IMG_O1234.AAE"),
    "edited rendering": ("IMG_1234.HEIC", "IMG_E1234.HEIC", "IMG_E1234.MOV", "IMG_1234.MOV", "IMG_1234.AAE"),
    "edited rendering in another format": ("IMG_1234.HEIC", "IMG_E1234.JPG"),
    "sidecar of the stem": ("x.jpg", "x.xmp"),
    "sidecar of the whole name": ("x.jpg", "x.jpg.xmp"),
    "sidecar, case differs": ("X.JPG", "x.jpg.XMP"),
    "RawTherapee": ("x.jpg", "x.jpg.pp3"),
    "DxO": ("x.jpg", "x.jpg.dop"),
    "thumbnail": ("x.cr2", "x.thm"),
    "RAW and JPEG": ("DSC_1.JPG", "DSC_1.NEF"),
    "ProRAW and HEIC": ("IMG_1.HEIC", "IMG_1.DNG"),
    "RAW, JPEG and their sidecars": ("DSC_1.JPG", "DSC_1.NEF", "DSC_1.NEF.xmp", "DSC_1.JPG.xmp", "DSC_1.xmp"),
    "sidecar of a RAW that is gone": ("DSC_1.JPG", "DSC_1.NEF.xmp"),
    "accents composed and decomposed": ("\u00dcmit.jpg", "U\u0308mit.xmp"),
    "not UTF-8": ("f\udce9te.jpg", "f\udce9te.jpg.xmp"),
    "Takeout": ("IMG.jpg", "IMG.jpg.json"),
    "Takeout since 2024": ("IMG.jpg", "IMG.jpg.supplemental-metadata.json"),
    "Takeout, tail cut": ("IMG_20200101_123456.jpg", "IMG_20200101_123456.jpg.supplemental-metadat.json"),
    "Takeout, tail cut short": (SHORT, SHORT + ".suppl.json"),
    "Takeout, tail cut to its dot": (SHORT, SHORT + "..json"),
    "Takeout, name cut": (LONG, LONG[:46] + ".json"),
    "Takeout, name without extension": ("IMG.jpg", "IMG.json"),
    "Takeout, counter after the extension": ("IMG(1).jpg", "IMG.jpg(1).json"),
    "Takeout, counter after the tail": ("IMG(2).jpg", "IMG.jpg.supplemental-metadata(2).json"),
    "Takeout, counter and cut": (LONG[:-4] + "(3).jpg", LONG[:46] + "(3).json"),
    "Takeout, edited": ("IMG_1.jpg", "IMG_1-edited.jpg", "IMG_1.jpg.json"),
    "Takeout, edited and counted": ("IMG_1(1).jpg", "IMG_1-edited(1).jpg", "IMG_1.jpg(1).json"),
    "Takeout, only the edited one is there": ("IMG_1-edited.jpg", "IMG_1.jpg.json"),
    "Takeout, Live Photo": ("IMG_1.HEIC", "IMG_1.MP4", "IMG_1.HEIC.supplemental-metadata.json"),
    "Takeout, edited in another language": ("IMG_1.jpg", "IMG_1-bearbeitet.jpg", "IMG_1-編集済み.jpg"),
    "Takeout, JSON of a Live Photo's video": ("IMG_1.HEIC", "IMG_1.MOV", "IMG_1.HEIC.json", "IMG_1.MOV.json"),
    "burst with its cover": (COVER, OTHER),
    "portrait with its cover": (
        "00100lPORTRAIT_00100_BURST20180917201415131_COVER.jpg",
        "00000PORTRAIT_00000_BURST20180917201415131.jpg",
    ),
    "Pixel, RAW": (PIXEL + ".RAW-01.COVER.jpg", PIXEL + ".RAW-02.ORIGINAL.dng"),
    "Pixel, RAW and Motion Photo": (PIXEL + ".RAW-01.MP.COVER.jpg", PIXEL + ".RAW-02.ORIGINAL.dng"),
    "Pixel, portrait": (PIXEL + ".PORTRAIT-01.COVER.jpg", PIXEL + ".PORTRAIT-02.ORIGINAL.jpg"),
    "Pixel, burst": (PIXEL + ".BURST-02.COVER.jpg", PIXEL + ".BURST-01.jpg", PIXEL + ".BURST-03.jpg"),
    "Pixel, edited": (PIXEL + ".MP.jpg", PIXEL + ".MP", PIXEL + ".MP~2.jpg", PIXEL + "~3.jpg"),
    "Pixel, from Takeout": (
        PIXEL + ".PORTRAIT.jpg", PIXEL + ".PORTRAIT-edited.jpg", PIXEL + ".PORTRAIT.jpg.supplem.json",
    ),
    "Samsung, edited": ("20230101_120000.jpg", "20230101_120000~2.jpg", "20230101_120000.mp4"),
    "Live Photo from icloudpd": ("IMG_1234.HEIC", "IMG_1234_HEVC.MOV"),
    "darktable's versions": ("x.CR2", "x.CR2.xmp", "x_01.CR2.xmp", "x_02.CR2.xmp"),
    "Olympus, both raws": ("P1010001.JPG", "P1010001.ORF", "P1010001.ORI"),
}  # fmt: skip

SEVERAL_GROUPS = {
    "two photos of one stem": (("a.jpg",), ("a.png",)),
    "two photos, each with its sidecar": (("a.jpg", "a.jpg.xmp"), ("a.png", "a.png.xmp")),
    "counters": (
        ("IMG.jpg", "IMG.jpg.json"),
        ("IMG(1).jpg", "IMG.jpg(1).json"),
        ("IMG(2).jpg", "IMG.jpg(2).json"),
    ),
    "a burst without a cover": ((OTHER,), (OTHER.replace("00001", "00002"),)),
    "names that only begin alike": (("IMG_1.jpg", "IMG_1.xmp"), ("IMG_12.jpg", "IMG_12.xmp")),
    "numbers that darktable did not give": (("x.CR2", "x.CR2.xmp"), ("x_01.CR2", "x_01.CR2.xmp")),
    "a Pixel's burst without a cover": ((PIXEL + ".BURST-01.jpg",), (PIXEL + ".BURST-02.jpg",)),
    "two ways to take a picture": ((PIXEL + ".NIGHT.jpg",), (PIXEL + ".jpg",)),
    "WhatsApp": (("IMG-20230101-WA0001.jpg",), ("IMG-20230101-WA0002.jpg",)),
    "Samsung, in one second": (("20230101_120000.jpg",), ("20230101_120000(0).jpg",)),
    "an E that is no edit": (("IMG_EASTER.jpg",), ("IMG_ASTER.jpg",)),
}


def grouped(names: list[str]) -> set[frozenset[str]]:
    photos = [name for name in names if by_extension(name)]
    bundles, orphans = bundle(photos, [name for name in names if may_accompany(name)])
    assert orphans == []
    return {frozenset((each.photo, *each.companions)) for each in bundles}


@pytest.mark.parametrize("names", ONE_GROUP.values(), ids=ONE_GROUP)
def test_names_that_belong_together(names: tuple[str, ...]) -> None:
    bundles, orphans = bundle(
        [name for name in names if by_extension(name)], [name for name in names if may_accompany(name)]
    )
    assert orphans == []
    assert [(each.photo, set(each.companions)) for each in bundles] == [(names[0], set(names[1:]))]


@pytest.mark.parametrize("groups", SEVERAL_GROUPS.values(), ids=SEVERAL_GROUPS)
def test_names_that_do_not(groups: tuple[tuple[str, ...], ...]) -> None:
    assert grouped([name for group in groups for name in group]) == {frozenset(group) for group in groups}


def test_the_photo_that_can_be_decoded_stands_for_its_group() -> None:
    (only,), _ = bundle(["IMG_1234.HEIC", "IMG_E1234.JPG"], [], usable=lambda name: name.endswith("JPG"))
    assert only.photo == "IMG_E1234.JPG"


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
    monkeypatch.setattr("photo_organizer.inbox.inbox._LATE_VIDEO_SECONDS", 0.2)
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
