"""Which names are one photo, whatever phone, camera or program gave them."""

from __future__ import annotations

import pytest

from photo_organizer.companions.grouping import bundle
from photo_organizer.companions.kinds import may_accompany
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
    "Takeout, tail without the extension": (
        "Peanut Butter Balls.jpg", "Peanut Butter Balls.supplemental-metadata.json",
    ),
    "Takeout, tail without the extension, cut": ("2234089303984.jpg", "2234089303984.supplemental-m.json"),
    "Takeout, tail without the extension, counted": (
        "2013-12-23(1).jpg", "2013-12-23.supplemental-metadata(1).json",
    ),
    "Takeout, tail without the extension, edited": (
        "2234089303984509579.jpg", "2234089303984509579-edited.jpg",
        "2234089303984509579.supplemental-metadata.json",
    ),
    "Takeout, tail without the extension, only the edited one": ("x-edited.jpg", "x.supplemental-meta.json"),
    "Takeout, JSON of a Live Photo's video since 2024": (
        "IMG_1(1).HEIC", "IMG_1(1).MP4", "IMG_1.MP4.supplemental-metadata(1).json",
        "IMG_1.HEIC.suppl(1).json", "IMG_1-edited(1).MP4",
    ),
    "Takeout, dots in the title": ("Dr. Who 2.jpg", "Dr. Who 2.supplemental-meta.json", "Dr. Who 2.json"),
    "Takeout, second edited one": (
        "IMG_1.jpg", "IMG_1-edited.jpg", "IMG_1-edited(1).jpg", "IMG_1.jpg.supplemental-metadata.json",
    ),
    "Takeout, only the second edited one": ("IMG_1-edited(1).jpg", "IMG_1.jpg.supplemental-metadata.json"),
    "Takeout, counter before the tail": ("IMG_1(1).jpg", "IMG_1.jpg(1).supplemental-metadata.json"),
    "Takeout, counter in both": ("IMG_1(1).jpg", "IMG_1(1).jpg.supplemental-metadata.json"),
    "Takeout, counter in the title": (
        "Urlaub in Knaufspesch in der Schneifel (38).JPG",
        "Urlaub in Knaufspesch in der Schneifel (38).JP.json",
    ),
    "Takeout, last letter cut": (
        "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_P.jpg",
        "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_.json",
    ),
    "Takeout, counted, last letter cut": (
        "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_P(1).jpg",
        "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_(1).json",
    ),
    "Takeout, cut between emoji": ("\U0001f600" * 23 + "x.jpg", "\U0001f600" * 23 + ".json"),
    "Takeout, extension cut before the tail": ("DSCN0091.JPG", "DSCN0091.JP.supplemental-meta.json"),
    "Takeout, edited and cut": (LONG[:-5] + ".jpg", LONG[:-5] + "-edi.jpg", LONG[:-5] + "-ha edit(1).jpg"),
    "Takeout, edited in many languages": (
        "IMG_1.jpg", "IMG_1-modifié.jpg", "IMG_1-edytowane.jpg", "IMG_1-ha editado.jpg",
        "IMG_1-muokattu.jpg", "IMG_1-изменено.jpg", "IMG_1-편집됨.jpg",
    ),
    "edited by other programs": (
        "IMG_1.jpg", "IMG_1_edited.jpeg", "IMG_1-adjusted.JPG", "IMG_1-Edit.tif", "IMG_1-Edit-2.tif",
        "IMG_1_edit_1577000000.jpg", "IMG_1-Enhanced-NR.dng", "IMG_1_DxO.jpg", "IMG_1 (edited).jpg",
        "IMG_1_bearbeitet.jpg",
    ),
    "sizes from icloudpd": ("IMG_1.JPG", "IMG_1-medium.JPG", "IMG_1-thumb.JPG"),
    "kept by exiftool": ("x.jpg", "x.jpg_original", "x.xmp", "x.xmp_original"),
    "Motion Photo of an edited one": (PIXEL + ".MP.jpg", PIXEL + ".MP~2", PIXEL + ".MP~2.jpg"),
    "editors": (
        "x.NEF", "x.NEF.cos", "x.NEF.on1", "x.on1", "x.NEF.arp", "x.acr", "x.NEF.nksc", "x.psd", "x.pto",
        "x.vrd",
    ),
    "voice memos": ("IMG_0001.JPG", "IMG_0001.WAV", "SND_0001.WAV"),
    "Olympus, both raws": ("P1010001.JPG", "P1010001.ORF", "P1010001.ORI"),
}  # fmt: skip

VIDEOS = {
    "DJI": ("DJI_0002.MP4", "DJI_0002.SRT", "DJI_0002.LRF"),
    "GoPro": ("GOPR0001.MP4", "GOPR0001.LRV", "GOPR0001.THM"),
    "GoPro since the Hero 6": ("GX010001.MP4", "GL010001.LRV", "GX010001.THM", "GX010001.WAV"),
    "Insta360": ("VID_20230101_120000_00_001.insv", "LRV_20230101_120000_11_001.lrv"),
    "Sony": ("C0001.MP4", "C0001M01.XML"),
    "AVCHD": ("00001.MTS", "00001.xmp", "00001.modd"),
    "kept by exiftool": ("clip.mp4", "clip.mp4_original"),
}

SEVERAL_GROUPS = {
    "two photos of one stem": (("a.jpg",), ("a.png",)),
    "documents of an editor": (("a.jpg", "a.psd"), ("b.psd", "b.xmp")),
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
    "words that are no edits": (("cake.jpg",), ("cake_mix.jpg",), ("cake smile.jpg",), ("edit.jpg",)),
    "counters of edited ones": (
        ("IMG_1.jpg", "IMG_1-edited.jpg"),
        ("IMG_1(1).jpg", "IMG_1-edited(1).jpg", "IMG_1.supplemental-metadata(1).json"),
    ),
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


@pytest.mark.parametrize("names", VIDEOS.values(), ids=VIDEOS)
def test_videos_take_along_what_their_cameras_write(names: tuple[str, ...]) -> None:
    bundles, orphans = bundle(names[:1], names[1:])
    assert orphans == []
    assert [(each.photo, set(each.companions)) for each in bundles] == [(names[0], set(names[1:]))]


@pytest.mark.parametrize("groups", SEVERAL_GROUPS.values(), ids=SEVERAL_GROUPS)
def test_names_that_do_not(groups: tuple[tuple[str, ...], ...]) -> None:
    assert grouped([name for group in groups for name in group]) == {frozenset(group) for group in groups}


def test_the_photo_that_can_be_decoded_stands_for_its_group() -> None:
    (only,), _ = bundle(["IMG_1234.HEIC", "IMG_E1234.JPG"], [], usable=lambda name: name.endswith("JPG"))
    assert only.photo == "IMG_E1234.JPG"
