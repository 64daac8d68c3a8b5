"""Camera RAW: the preview where it is large enough, the sensor's data where not, else what there is."""

from __future__ import annotations

import struct

import pytest

from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.outcome import PhotoRejectedError, RejectionKind
from support.pictures.drawn import (
    QUARTERS,
    far_from,
    quarters_of,
    raw_file,
    saved,
    scene,
    stored_for,
    with_exif,
)

pytest.importorskip("rawpy")
SIZE = 64
TURNED = [QUARTERS[2], QUARTERS[0], QUARTERS[3], QUARTERS[1]]
"""The scene after a quarter turn clockwise: what was at the bottom left is at the top left."""


def jpeg(width: int, height: int) -> bytes:
    return saved(scene(width, height), "JPEG", quality=95)


def test_without_a_preview_it_is_developed() -> None:
    photo = decode(raw_file(), SIZE)
    assert photo.decoder == "raw developed"
    red, green, blue, yellow = quarters_of(photo.pixels)
    assert red[0] > 1.5 * max(red[1:])
    assert green[1] > 1.2 * max(green[0], green[2])
    assert blue[2] > 1.5 * max(blue[:2])
    assert min(yellow[:2]) > 1.5 * yellow[2]
    assert photo.camera == "Maker Camera"


def test_a_preview_of_the_wanted_side_is_enough() -> None:
    photo = decode(raw_file(jpeg(96, 72)), SIZE)
    assert photo.decoder == "raw preview, jpeg"
    assert far_from(quarters_of(photo.pixels)) < 12


def test_a_thumbnail_is_not_enough_where_there_is_more() -> None:
    assert decode(raw_file(jpeg(80, 60), side=256), 128).decoder == "raw developed"


def test_of_two_previews_that_of_the_wanted_side_is_taken_wherever_it_stands() -> None:
    """LibRaw knows the small one; makers also put one of full size where it does not look."""
    small = jpeg(80, 60)
    photo = decode(raw_file(small, side=256) + jpeg(200, 150), 128)
    assert photo.decoder == "embedded jpeg"
    assert (photo.width, photo.height) == (200, 150)
    assert far_from(quarters_of(photo.pixels)) < 12


def test_a_part_of_the_picture_is_no_preview_however_large() -> None:
    assert decode(raw_file(jpeg(80, 60), side=256) + jpeg(500, 150), 128).decoder == "raw developed"


def test_of_two_previews_that_are_too_small_the_larger_one_is_taken() -> None:
    photo = decode(raw_file(jpeg(80, 70), exposed=False) + jpeg(120, 100), 128)
    assert photo.decoder == "embedded jpeg"
    assert photo.width == 120


def test_a_preview_of_one_colour_is_none() -> None:
    black = saved(scene(96, 72).point(lambda _: 0), "JPEG")
    assert decode(raw_file(black), SIZE).decoder == "raw developed"
    assert decode(raw_file(black, exposed=False), SIZE).decoder == "raw preview, jpeg"


def test_a_preview_is_turned_as_the_sensor_was_held() -> None:
    photo = decode(raw_file(jpeg(96, 72), orientation=6), SIZE)
    assert far_from(quarters_of(photo.pixels), tuple(TURNED)) < 12
    assert (photo.width, photo.height) == (72, 96)


def test_a_preview_that_is_upright_already_is_left_so() -> None:
    photo = decode(raw_file(jpeg(72, 96), orientation=6), SIZE)
    assert far_from(quarters_of(photo.pixels)) < 12


def test_a_copy_cut_short_is_not_filed_as_black() -> None:
    whole = raw_file(side=256)
    for part in (0.1, 0.5, 0.9):
        with pytest.raises(PhotoRejectedError, match="a part of it is missing") as caught:
            decode(whole[: int(part * len(whole))], SIZE)
        assert caught.value.kind is RejectionKind.UNREADABLE


def test_sensor_data_that_was_never_written_is_no_picture() -> None:
    with pytest.raises(PhotoRejectedError, match="no sensor data"):
        decode(raw_file(exposed=False), SIZE)


def test_a_thumbnail_is_enough_where_there_is_nothing_else() -> None:
    photo = decode(raw_file(jpeg(80, 70), exposed=False), 128)
    assert photo.decoder == "raw preview, jpeg"
    assert far_from(quarters_of(photo.pixels)) < 12


def unknown_raw(preview: bytes) -> bytes:
    """A Canon file by its first bytes, with nothing that LibRaw could make sense of."""
    return b"II*\0" + struct.pack("<I", 16) + b"CR\2\0" + bytes(100) + preview + bytes(1000)


def test_of_a_camera_nobody_knows_the_largest_jpeg_within_counts() -> None:
    small, large = jpeg(80, 80), jpeg(300, 200)
    photo = decode(unknown_raw(small + b"noise" + large), SIZE)
    assert photo.decoder.startswith("embedded jpeg")
    assert (photo.width, photo.height) == (300, 200)
    assert far_from(quarters_of(photo.pixels)) < 12


def test_of_jpegs_within_the_largest_whole_one_counts() -> None:
    small, large = jpeg(80, 80), jpeg(300, 200)
    cut_off = unknown_raw(small)[:-1000] + large[: len(large) // 2]
    assert decode(cut_off, SIZE).width == 80


def test_a_jpeg_within_keeps_its_orientation_and_time() -> None:
    exif = with_exif(orientation=6, taken="2020:02:03 04:05:06", make="Maker", model="One")
    stored = saved(stored_for(scene(200, 300), 6), "JPEG", quality=95, exif=exif)
    photo = decode(unknown_raw(stored), SIZE)
    assert far_from(quarters_of(photo.pixels)) < 12
    assert photo.camera == "Maker One"
    assert photo.taken is not None
    assert photo.taken.year == 2020


@pytest.mark.parametrize("within", [b"", jpeg(8, 8), jpeg(300, 200)[:400]])
def test_a_raw_without_any_picture_is_told_so(within: bytes) -> None:
    with pytest.raises(PhotoRejectedError, match=r"no preview|cannot be decoded") as caught:
        decode(unknown_raw(within), SIZE)
    assert caught.value.kind is RejectionKind.UNREADABLE
    assert "b'" not in caught.value.reason
