"""TIFFs that are refused rather than seen as something else, and those of several pages."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from photo_organizer.vision.decode.budget.limits import FixedLimits
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.decode.tiff import tiff
from photo_organizer.vision.outcome import UnreadablePhotoError
from support.pictures.kinds import HEIGHT, WIDTH, codes, grey, photo
from support.pictures.tiff_writer import ADOBE_DEFLATE, LZW, SIGNED, Layout, write_blocks, write_tiff

SIZE = 32
RGB8 = codes(photo(), 8)


@pytest.mark.parametrize("compression", [34887, 34892, 50013, 34661, 40000, 65000])
def test_what_no_decoder_has_is_refused_by_its_name(compression: int) -> None:
    layout = Layout(compression=compression)
    with pytest.raises(UnreadablePhotoError, match=r"compression.* is not supported"):
        decode(write_tiff(RGB8, layout), SIZE)


def test_the_black_that_opencv_answers_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    # NeXT: known to libtiff, and this is none
    file = write_blocks([b"\x01" * 500], (WIDTH, HEIGHT, 3), Layout(compression=32766, rows=HEIGHT))
    black = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: black)
    with pytest.raises(UnreadablePhotoError):
        decode(file, SIZE)
    seen = black.copy()
    seen[:8] = 200
    monkeypatch.setattr(tiff.cv2, "imdecode", lambda *_: seen)
    assert decode(file, SIZE).decoder == "tiff by opencv"


@pytest.mark.parametrize("layout", [
    Layout(photometric=4), Layout(photometric=32803), Layout(photometric=12345),
    Layout(photometric=5, tags={332: (3, [2])}), Layout(photometric=3), Layout(sample_format=6),
], ids=["mask", "sensor data", "unknown", "other inks", "no colour map", "complex"])  # fmt: skip
def test_what_has_no_colours_is_refused_or_seen_and_never_fails(layout: Layout) -> None:
    try:
        decode(write_tiff(RGB8, layout), SIZE)
    except UnreadablePhotoError as error:
        assert "TIFF" in error.reason or "RAW" in error.reason
        assert error.reason.count("cannot be decoded") <= 1


def test_ycbcr_with_impossible_coefficients_is_seen_with_the_usual_ones() -> None:
    y_cr_cb = cv2.cvtColor(RGB8.astype(np.uint8), cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
    zeros = Layout(photometric=6, tags={530: (3, [1, 1]), 529: (5, [0, 1] * 3)})
    pixels = decode(write_tiff(y_cr_cb, zeros), SIZE).pixels[..., ::-1]
    wanted = cv2.resize(RGB8.astype(np.uint8), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert np.abs(pixels.astype(int) - wanted).mean() < 2


@pytest.mark.parametrize("layout", [
    Layout(), Layout(12), Layout(compression=LZW), Layout(16, compression=ADOBE_DEFLATE), Layout(planar=True),
    Layout(8, SIGNED), Layout(tile=(48, 32)),
])  # fmt: skip
def test_half_of_it_is_not_passed_off_as_the_whole(layout: Layout) -> None:
    file = write_tiff(codes(photo(), layout.bits), layout)
    with pytest.raises(UnreadablePhotoError):
        decode(file[: len(file) // 2], SIZE)


def test_tiles_and_directories_that_lie_cost_no_memory() -> None:
    limits = FixedLimits(memory_megabytes=64)
    lying = (
        Layout(tile=(1 << 15, 1 << 15), compression=LZW),
        Layout(tags={322: (4, [2**31]), 323: (4, [2**31]), 324: (4, [100]), 325: (4, [100])}),
        Layout(tags={258: (3, [65535] * 3)}),
        Layout(tags={277: (3, [65535])}),
        Layout(tags={278: (4, [2**32 - 1])}),
    )
    for layout in lying:
        blocks = [bytes(100)]
        try:
            decode(write_blocks(blocks, (WIDTH, HEIGHT, 3), layout), SIZE, limits)
        except UnreadablePhotoError as error:
            assert error.reason


def test_a_picture_too_large_for_the_limit_is_refused_before_it_is_read() -> None:
    file = write_tiff(
        codes(grey(), 16), Layout(16, photometric=1, tags={257: (4, [60_000]), 256: (4, [6_000])})
    )
    with pytest.raises(UnreadablePhotoError, match=r"limits\.memory_megabytes"):
        decode(file, SIZE)
