"""Every kind of photo becomes the same upright square."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from photo_organizer.vision.decode.budget.limits import FixedLimits
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.decode.exif import read_exif
from photo_organizer.vision.decode.formats.jpeg import reduction
from photo_organizer.vision.outcome import PhotoRejectedError, RejectionKind, UnreadablePhotoError
from support.pictures.drawn import (
    QUARTERS,
    far_from,
    noisy,
    quarters_of,
    saved,
    scene,
    stored_for,
    tiff_file,
    wide_gamut_profile,
    with_exif,
)

SIZE = 32

PLAIN = {
    "jpeg": lambda: saved(scene(), "JPEG", quality=95),
    "progressive jpeg": lambda: saved(scene(), "JPEG", quality=95, progressive=True),
    "cmyk jpeg": lambda: saved(scene().convert("CMYK"), "JPEG", quality=95),
    "jpeg with something behind it": lambda: (
        saved(scene(), "JPEG", quality=95) + b"\0\0\0\x18ftypmp42 a motion photo"
    ),
    "png": lambda: saved(scene(), "PNG"),
    "palette png": lambda: saved(scene().quantize(16), "PNG"),
    "webp": lambda: saved(scene(), "WEBP", quality=95),
    "lossless webp": lambda: saved(scene(), "WEBP", lossless=True),
    "bmp": lambda: saved(scene(), "BMP"),
    "gif": lambda: saved(scene(), "GIF"),
    "tiff": lambda: saved(scene(), "TIFF"),
    "compressed tiff": lambda: saved(scene(), "TIFF", compression="tiff_lzw"),
    "cmyk tiff": lambda: saved(scene().convert("CMYK"), "TIFF"),
    "avif": lambda: saved(scene(), "AVIF", quality=95),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_a_picture_of_each_kind_is_the_scene(kind: str) -> None:
    photo = decode(PLAIN[kind](), SIZE)
    assert photo.pixels.shape == (SIZE, SIZE, 3)
    assert photo.pixels.dtype == np.uint8
    assert (photo.width, photo.height) == (120, 80)
    assert far_from(quarters_of(photo.pixels)) <= 12, photo.decoder
    assert photo.decoder.split()[0] in kind


def test_heic_is_decoded_and_upright() -> None:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(scene()).save(
        file, quality=95, exif=with_exif(taken="2024:05:06 07:08:09", model="Phone 9")
    )
    photo = decode(file.getvalue(), SIZE)
    assert far_from(quarters_of(photo.pixels)) <= 14
    assert photo.decoder == "heif"
    assert photo.taken == datetime(2024, 5, 6, 7, 8, 9)
    assert photo.camera == "Phone 9"


def test_jpeg_xl_is_decoded() -> None:
    pytest.importorskip("pillow_jxl")
    photo = decode(saved(scene(), "JXL", quality=95), SIZE)
    assert far_from(quarters_of(photo.pixels)) <= 14
    assert photo.decoder == "jxl"


@pytest.mark.parametrize(("module", "extra", "data"), [
    ("pillow_heif", "heif", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)),
    ("pillow_jxl", "jxl", b"\xff\x0a" + bytes(40)),
    ("rawpy", "raw", b"FUJIFILMCCD-RAW " + bytes(100)),
])  # fmt: skip
def test_without_its_extra_a_format_says_which_it_needs(
    monkeypatch: pytest.MonkeyPatch, module: str, extra: str, data: bytes
) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(PhotoRejectedError) as caught:
        decode(data, SIZE)
    assert caught.value.kind is RejectionKind.NEEDS_EXTRA
    assert f"`{extra}`" in caught.value.reason


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_applied(kind: str, orientation: int) -> None:
    data = saved(stored_for(scene(), orientation), kind, exif=with_exif(orientation=orientation))
    photo = decode(data, SIZE)
    assert far_from(quarters_of(photo.pixels)) <= 25
    assert (photo.width, photo.height) == (120, 80)


def test_alpha_lies_over_white() -> None:
    image = scene().convert("RGBA")
    image.paste((0, 0, 0, 0), (60, 0, 120, 40))
    wanted = (QUARTERS[0], (255, 255, 255), *QUARTERS[2:])
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("AVIF", {"quality": 95})):
        assert far_from(quarters_of(decode(saved(image, kind, **options), SIZE).pixels), wanted) <= 12, kind
    palette = scene().quantize(4)
    transparent = palette.getpixel((100, 10))
    data = saved(palette, "PNG", transparency=transparent)
    assert far_from(quarters_of(decode(data, SIZE).pixels), wanted) <= 4


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_brightness(kind: str) -> None:
    deep = np.repeat(np.repeat(np.array([[0, 30000], [45000, 65535]], np.uint16), 40, 0), 60, 1)
    photo = decode(saved(Image.fromarray(deep), kind), SIZE)
    assert [quarter[0] for quarter in quarters_of(photo.pixels)] == pytest.approx([0, 117, 175, 255], abs=2)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bit_colour_keeps_its_colours(suffix: str) -> None:
    deep = np.asarray(scene())[..., ::-1].astype(np.uint16) * 257
    photo = decode(cv2.imencode(suffix, deep)[1].tobytes(), SIZE)
    assert far_from(quarters_of(photo.pixels)) <= 2


def test_highlights_beyond_white_leave_a_floating_point_picture_as_bright() -> None:
    values = np.asarray(scene().convert("L")).astype(np.float32) / 255
    values[0, 0] = 1.2
    found = quarters_of(decode(saved(Image.fromarray(values), "TIFF"), SIZE).pixels)
    wanted = tuple(quarters_of(decode(saved(scene().convert("L"), "PNG"), SIZE).pixels))
    assert far_from(found, wanted) <= 2


@pytest.mark.parametrize("samples", [1, 4])
def test_tiff_of_thirty_two_bits_a_sample_is_as_bright_as_of_eight(samples: int) -> None:
    grey = scene().convert("L")
    shares = np.asarray(grey).astype(np.float64) / 255
    deep = (shares * (2**32 - 1)).astype("<u4") if samples == 1 else shares.astype("<f4")
    data = np.repeat(deep[..., None], samples, axis=-1).tobytes()
    file = tiff_file(
        {
            256: (4, [120]), 257: (4, [80]), 258: (3, [32] * samples), 259: (3, [1]),
            262: (3, [1 if samples == 1 else 2]), 273: (4, [-1]), 277: (3, [samples]), 278: (4, [80]),
            279: (4, [len(data)]), 339: (3, [1 if samples == 1 else 3] * samples),
        },
        data,
    )  # fmt: skip
    wanted = tuple(quarters_of(decode(saved(grey, "PNG"), SIZE).pixels))
    assert far_from(quarters_of(decode(file, SIZE).pixels), wanted) < 60  # scaled to its highest


def test_floating_point_tiff_is_decoded() -> None:
    pixels = np.asarray(scene())[..., ::-1].astype(np.float32) / 255
    photo = decode(cv2.imencode(".tiff", pixels)[1].tobytes(), SIZE)
    assert far_from(quarters_of(photo.pixels)) <= 3


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_middle_frame_counts(kind: str) -> None:
    frames = [Image.new("RGB", (64, 64), (60 * number, 0, 255 - 60 * number)) for number in range(5)]
    options = {"lossless": True} if kind == "WEBP" else {}
    photo = decode(
        saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **options), SIZE
    )
    assert photo.decoder == f"{kind.lower()} frame 3 of 5"
    assert quarters_of(photo.pixels)[0] == pytest.approx((120, 0, 135), abs=3)


def test_of_several_tiff_pages_the_first_counts_that_is_no_thumbnail() -> None:
    pages = [Image.new("RGB", (64, 64), "black"), scene(), Image.new("RGB", (64, 64), "white")]
    pages[0].encoderinfo = {}
    file = io.BytesIO()
    from PIL import TiffImagePlugin

    with TiffImagePlugin.AppendingTiffWriter(file) as writer:
        for number, page in enumerate(pages):
            page.save(writer, "TIFF", tiffinfo={254: 1 if number == 0 else 0})
            writer.newFrame()
    photo = decode(file.getvalue(), SIZE)
    assert photo.decoder == "tiff page 2 of 3"
    assert far_from(quarters_of(photo.pixels)) <= 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_wide_gamut_profile_is_converted(kind: str) -> None:
    profile = wide_gamut_profile()
    muted = Image.new("RGB", (64, 64), (180, 100, 100))
    options = (
        {"quality": 100, "subsampling": 0} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    )
    wanted = ImageCms.profileToProfile(
        muted, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    )
    assert wanted is not None
    found = quarters_of(decode(saved(muted, kind, icc_profile=profile, **options), SIZE).pixels)[0]
    assert found == pytest.approx(wanted.getpixel((5, 5)), abs=3)
    assert found[0] > 185  # the same numbers mean a stronger red


def test_srgb_and_useless_profiles_change_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"no profile", wide_gamut_profile()[:300]):
        data = saved(scene(), "PNG", icc_profile=profile)
        assert far_from(quarters_of(decode(data, SIZE).pixels)) <= 2


@pytest.mark.parametrize(("side", "factor"), [(64, 1), (128, 2), (256, 4), (511, 4), (512, 8), (4000, 8)])
def test_the_reduction_leaves_twice_the_wanted_side(side: int, factor: int) -> None:
    assert reduction(side, 2 * side, 32) == factor


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_reduced_decode_is_what_a_full_one_would_be(factor: int) -> None:
    image = noisy(int(2.2 * 96 * factor), int(2.1 * 96 * factor))
    data = saved(image, "JPEG", quality=90)
    full = cv2.resize(cv2.imdecode(np.frombuffer(data, np.uint8), 1), (96, 96), interpolation=cv2.INTER_AREA)
    photo = decode(data, 96)
    assert photo.decoder == f"jpeg 1/{factor}"
    assert np.abs(photo.pixels.astype(int) - full).mean() < 1


def test_large_pictures_of_other_formats_are_averaged_not_sampled() -> None:
    image = noisy(1000, 700)
    whole = cv2.resize(np.asarray(image)[..., ::-1], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert np.abs(decode(saved(image, "PNG"), SIZE).pixels.astype(int) - whole).mean() < 1.5


def test_a_strip_lower_than_the_square_is_averaged_along_its_length() -> None:
    columns = np.tile(np.array([0, 255], np.uint8), 400)  # which a sampled picture shows as black or white
    strip = Image.fromarray(np.repeat(columns[None, :], 20, axis=0))
    assert np.abs(decode(saved(strip, "PNG"), SIZE).pixels.astype(int) - 127).max() <= 3


def test_the_capture_time_has_its_order() -> None:
    exif = Image.Exif()
    exif[0x0132] = "2020:01:01 00:00:00"
    assert read_exif(exif.tobytes()).taken == datetime(2020, 1, 1)
    exif.get_ifd(0x8769)[0x9004] = "2021:01:01 00:00:00"
    assert read_exif(exif.tobytes()).taken == datetime(2021, 1, 1)
    exif.get_ifd(0x8769)[0x9003] = "2022:01:01 00:00:00"
    exif.get_ifd(0x8769)[0x9011] = "+05:30"
    zone = timezone(timedelta(hours=5, minutes=30))
    assert read_exif(exif.tobytes()).taken == datetime(2022, 1, 1, tzinfo=zone)
    exif.get_ifd(0x8769)[0x9003] = "0000:00:00 00:00:00"
    assert read_exif(exif.tobytes()).taken == datetime(2021, 1, 1)


@pytest.mark.parametrize(("make", "model", "camera"), [
    ("Canon", "Canon EOS R5", "Canon EOS R5"), ("Apple", "iPhone 15", "Apple iPhone 15"), ("", "X", "X"),
    ("NIKON CORPORATION", "NIKON D90", "NIKON D90"), ("A\nB", "", "AB"), ("", "", ""),
])  # fmt: skip
def test_the_camera_is_named_once(make: str, model: str, camera: str) -> None:
    assert decode(saved(scene(), "JPEG", exif=with_exif(make=make, model=model)), SIZE).camera == camera


def test_the_perceptual_hash_survives_scaling_and_tells_pictures_apart() -> None:
    def distance(one: str, other: str) -> int:
        return (int(one, 16) ^ int(other, 16)).bit_count()

    image = noisy(600, 400, seed=3)
    first = decode(saved(image, "JPEG", quality=90), 64).perceptual_hash
    again = decode(saved(image.resize((300, 200)), "PNG"), 64).perceptual_hash
    other = decode(saved(noisy(600, 400, seed=4), "JPEG"), 64).perceptual_hash
    assert len(first) == 16
    assert distance(first, again) <= 6
    assert distance(first, other) > 12


def test_a_truncated_jpeg_is_told_from_a_whole_one() -> None:
    for options in ({}, {"progressive": True}):
        data = saved(noisy(400, 300), "JPEG", **options)
        for share in (0.3, 0.6, 0.9):
            with pytest.raises(UnreadablePhotoError, match="ends before the picture does"):
                decode(data[: int(len(data) * share)], SIZE)
        with pytest.raises(UnreadablePhotoError, match="ends before the picture does"):
            decode(data[: len(data) // 2] + bytes(len(data) // 2), SIZE)  # a download that reserved its space
    whole = saved(noisy(400, 300), "JPEG")[:-2]  # only the end marker is missing: some cameras forget it
    assert decode(whole, SIZE).decoder == "jpeg 1/4"


def test_a_panorama_of_200_megapixels_passes_and_declared_bombs_do_not() -> None:
    panorama = saved(Image.new("L", (20000, 10000), 99), "JPEG", quality=30)
    assert decode(panorama, SIZE).decoder == "jpeg 1/8"
    with pytest.raises(UnreadablePhotoError, match=r"20000 x 10000 pixels are more than the 100,000,000"):
        decode(panorama, SIZE, FixedLimits(max_pixels=100_000_000))
    png = bytearray(saved(scene(), "PNG"))
    png[16:24] = (60000).to_bytes(4) + (60000).to_bytes(4)
    with pytest.raises(UnreadablePhotoError):
        decode(bytes(png), SIZE)
    wide = saved(Image.new("L", (9000, 9000)), "PNG")
    with pytest.raises(UnreadablePhotoError, match=r"limits\.memory_megabytes"):
        decode(wide, SIZE, FixedLimits(memory_megabytes=50))
    with pytest.raises(UnreadablePhotoError, match=r"limits\.max_file_megabytes"):
        decode(bytes(2_000_000), SIZE, FixedLimits(max_file_megabytes=1))


def test_metadata_that_is_wrong_turns_no_picture_away() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", "\nexif\n  4\nno hexadecimal digits\n")
    assert decode(saved(scene(), "PNG", pnginfo=text), SIZE).decoder == "png"
    large = bytes(3_000_000)
    assert decode(saved(scene(), "PNG", icc_profile=large), SIZE).decoder == "png"


def test_bytes_between_the_segments_of_a_jpeg_are_passed_over() -> None:
    data = saved(scene(), "JPEG", quality=95)
    first = 4 + int.from_bytes(data[4:6]) - 2 + 2
    photo = decode(data[:first] + b"junk\0\0" + data[first:], SIZE)
    assert far_from(quarters_of(photo.pixels)) < 12


def test_what_is_no_image_is_told_so() -> None:
    for data in (b"hello", b"%PDF-1.7", b"\0\0\0\x18ftypmp42" + bytes(100), b"RIFF\0\0\0\0WAVE"):
        with pytest.raises(PhotoRejectedError) as caught:
            decode(data, SIZE)
        assert caught.value.kind is RejectionKind.NOT_AN_IMAGE
    with pytest.raises(UnreadablePhotoError, match="empty"):
        decode(b"", SIZE)
