"""Photos made to hurt: damaged, cut off, lying and enormous ones of every format.

`decode` may turn them away or see something in them; it never raises anything else, takes a bounded time, and
memory in proportion to the limit. What kills the process itself is the business of `test_client`.
"""

from __future__ import annotations

import importlib.util
import io
import random
import resource
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from photo_organizer.vision.client.client import VisionClient
from photo_organizer.vision.decode.budget.limits import FixedLimits
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.decode.formats import raster
from photo_organizer.vision.outcome import Classified, PhotoRejectedError, Rejected, UnreadablePhotoError
from support.pictures.drawn import noisy, saved, scene, tiff_file, wide_gamut_profile, with_exif
from support.small_models import CATEGORIES, draw_photo
from support.vision_driver import outcomes, seen

pytestmark = pytest.mark.filterwarnings(r"ignore::UserWarning:PIL\..*")  # as raster.py says to the world

SIZE = 32
LIMITS = FixedLimits(max_pixels=50_000_000, memory_megabytes=512, decode_seconds=20)


def good_files() -> dict[str, bytes]:
    """A small good file of every format that can be made here."""
    exif = with_exif(orientation=6, taken="2024:01:02 03:04:05", make="Maker", model="Camera")
    profile = wide_gamut_profile()
    frames = [Image.new("RGB", (40, 30), (40 * number, 0, 0)) for number in range(4)]
    files = {
        "jpeg": saved(scene(), "JPEG", exif=exif, icc_profile=profile),
        "progressive": saved(scene(), "JPEG", progressive=True),
        "cmyk": saved(scene().convert("CMYK"), "JPEG"),
        "png": saved(scene().convert("RGBA"), "PNG", exif=exif, icc_profile=profile),
        "apng": saved(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        "gif": saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "webp": saved(scene(), "WEBP", exif=exif, icc_profile=profile),
        "animated webp": saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        "bmp": saved(scene(), "BMP"),
        "tiff": saved(scene(), "TIFF", exif=exif, icc_profile=profile),
        "lzw tiff": saved(scene(), "TIFF", compression="tiff_lzw"),
        "deflate tiff": saved(scene(), "TIFF", compression="tiff_adobe_deflate"),
        "jpeg tiff": saved(scene(), "TIFF", compression="jpeg"),
        "avif": saved(scene(), "AVIF"),
    }
    if importlib.util.find_spec("pillow_heif"):
        import pillow_heif

        file = io.BytesIO()
        pillow_heif.from_pillow(scene()).save(file)
        files["heic"] = file.getvalue()
    if importlib.util.find_spec("pillow_jxl"):
        import pillow_jxl  # noqa: F401 (registers itself with Pillow)

        files["jxl"] = saved(scene(), "JXL")
    return files


def cuts(data: bytes, _: random.Random) -> Iterator[bytes]:
    for share in (0.02, 0.1, 0.3, 0.5, 0.75, 0.95):
        yield data[: int(len(data) * share)]
    yield data[:-1]


def flips(data: bytes, chance: random.Random) -> Iterator[bytes]:
    for count in (1, 1, 1, 3, 10, 50):
        changed = bytearray(data)
        for _ in range(count):
            changed[chance.randrange(4, len(changed))] ^= 1 << chance.randrange(8)
        yield bytes(changed)


def header_edits(data: bytes, chance: random.Random) -> Iterator[bytes]:
    for filler in (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"):
        for _ in range(4):
            place = chance.randrange(8, min(len(data) - 4, 120))
            yield data[:place] + filler + data[place + 4 :]


def splices(data: bytes, chance: random.Random) -> Iterator[bytes]:
    middle = len(data) // 2
    yield data[:middle] + chance.randbytes(200) + data[middle:]
    yield data[:middle] + data
    yield data[:middle] + bytes(len(data) - middle)
    yield data + chance.randbytes(1000)


@pytest.mark.parametrize("change", [cuts, flips, header_edits, splices])
def test_damaged_files_are_turned_away_or_decoded_and_nothing_else(
    change: Callable[[bytes, random.Random], Iterator[bytes]],
) -> None:
    for kind, data in good_files().items():
        for number, damaged in enumerate(change(data, random.Random(f"{kind} {change.__name__}"))):
            try:
                photo = decode(damaged, SIZE, LIMITS)
            except PhotoRejectedError as error:
                assert error.reason, (kind, number)
                assert "\n" not in error.reason, (kind, number)
            else:
                assert photo.pixels.shape == (SIZE, SIZE, 3), (kind, number)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "bmp", "tiff", "gif", "avif"])
def test_what_is_cut_in_the_middle_is_not_passed_off_as_whole(kind: str) -> None:
    files = {
        "jpeg": saved(noisy(300, 200), "JPEG"),
        "png": saved(noisy(300, 200), "PNG"),
        "webp": saved(noisy(300, 200), "WEBP"),
        "bmp": saved(noisy(300, 200), "BMP"),
        "tiff": saved(noisy(300, 200), "TIFF"),
        "gif": saved(noisy(300, 200), "GIF"),
        "avif": saved(noisy(300, 200), "AVIF"),
    }
    with pytest.raises(UnreadablePhotoError):
        decode(files[kind][: len(files[kind]) // 2], SIZE)


def png_of(width: int, height: int, data: bytes) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def test_bombs_are_refused_by_their_header() -> None:
    bmp = saved(scene(), "BMP")
    gif = bytearray(saved(scene(), "GIF"))
    gif[6:10] = b"\xff\xff\xff\xff"
    frames = [Image.new("RGB", (40, 30), (40 * number, 0, 0)) for number in range(4)]
    webp = bytearray(saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    webp[24:30] = b"\xfe\x3f\0" * 2
    thumbnail = tiff_file({
        254: (4, [1]), 256: (4, [4]), 257: (4, [4]), 258: (3, [8]), 259: (3, [1]), 262: (3, [1]),
        273: (4, [-1]), 277: (3, [1]), 278: (4, [4]), 279: (4, [16]),
    }, bytes(16), next_directory=1000)  # fmt: skip
    page = {254: 0, 256: 60_000, 257: 60_000, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 60_000, 279: 16}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in page.items())
    second = struct.pack("<H", len(page)) + entries + bytes(4)
    bombs = {
        "png": png_of(60_000, 60_000, b""),
        "jpeg": saved(scene(), "JPEG").replace(struct.pack(">HH", 80, 120), b"\xff\xdc" * 2),
        "bmp": bmp[:18] + struct.pack("<ii", 100_000, 100_000) + bmp[26:],
        "tiff": tiff_file({
            256: (4, [2**31 - 1]), 257: (4, [2**31 - 1]), 258: (3, [8]), 259: (3, [1]), 262: (3, [1]),
            273: (4, [-1]), 277: (3, [1]), 278: (4, [2**31 - 1]), 279: (4, [100]),
        }, bytes(100)),
        "gif": bytes(gif),
        "animated webp": bytes(webp),
        "second page of a tiff": thumbnail.ljust(1000, b"\0") + second,
        "photoshop": struct.pack(">4sH6xHIIHH", b"8BPS", 2, 3, 60_000, 60_000, 8, 3) + bytes(18),
        "pcx": struct.pack("<4B4H", 10, 5, 1, 1, 0, 0, 65_534, 65_534).ljust(65, b"\0") + bytes.fromhex(
            "04002001"
        ).ljust(63, b"\0"),
    }  # fmt: skip
    for kind, bomb in bombs.items():
        with pytest.raises(UnreadablePhotoError) as caught:
            decode(bomb, SIZE, LIMITS)
        assert "limits.max_pixels" in caught.value.reason, (kind, caught.value.reason)


def test_a_small_file_that_unpacks_to_a_large_picture_needs_its_memory_only() -> None:
    wide = png_of(7000, 7000, bytes(7000 * (1 + 3 * 7000)))
    assert len(wide) < 200_000
    assert decode(wide, SIZE, LIMITS).width == 7000
    with pytest.raises(UnreadablePhotoError, match=r"limits\.memory_megabytes"):
        decode(wide, SIZE, FixedLimits(memory_megabytes=64))


def test_a_tiff_whose_directories_go_in_a_circle_ends() -> None:
    tags = {
        256: (4, [4]), 257: (4, [4]), 258: (3, [8]), 259: (3, [1]), 262: (3, [1]), 273: (4, [-1]),
        277: (3, [1]), 278: (4, [4]), 279: (4, [16]), 254: (4, [1]), 330: (4, [8]), 34665: (4, [8]),
    }  # fmt: skip
    circle = tiff_file(tags, bytes(16), next_directory=8)
    try:
        assert decode(circle, SIZE).pixels.shape == (SIZE, SIZE, 3)
    except UnreadablePhotoError as error:
        assert error.reason


def test_a_png_whose_chunk_claims_gigabytes_costs_nothing() -> None:
    png = bytearray(saved(scene(), "PNG"))
    at = png.index(b"IDAT") - 4
    png[at - 1 : at + 4] = b"\xff\xff\xff\xff\x90"  # and the header's checksum is wrong
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnreadablePhotoError):
        decode(bytes(png), SIZE, LIMITS)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


def test_exif_that_points_anywhere_costs_the_photo_nothing() -> None:
    for block in (
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0" + b"\xff\xff" + b"\xff" * 100,
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08",  # a directory within itself
    ):
        photo = decode(saved(scene(), "JPEG", exif=block), SIZE)
        assert photo.taken is None


def test_an_animation_without_end_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raster, "FRAME_BUDGET", 45_000_000)
    frames = [Image.new("L", (2000, 2000), number) for number in range(2)]
    long = saved(frames[0], "GIF", save_all=True, append_images=frames[1:] * 30)
    photo = decode(long, SIZE, LIMITS)
    middle = int(photo.decoder.split()[2])
    assert middle <= 12  # 45 million pixels on the way and not half of 31 frames


def test_the_vision_process_outlives_what_it_is_given(
    make_client: Callable[..., VisionClient], tmp_path: Path
) -> None:
    chance = random.Random(5)
    photos = []
    for kind, data in good_files().items():
        for number, damaged in enumerate([*flips(data, chance), *header_edits(data, chance)][::5]):
            path = tmp_path / f"{kind} {number}.jpg"
            path.write_bytes(damaged)
            photos.append(seen(path))
    for number, category in enumerate(CATEGORIES):
        photos.insert(5 * number, seen(draw_photo(tmp_path / f"{category}.png", category)))
    client = make_client(limits=LIMITS)
    client.submit(photos)
    answered = outcomes(client)
    assert len(answered) == len(photos)
    for category in CATEGORIES:
        outcome = answered[f"{category}.png"]
        assert isinstance(outcome, Classified)
        assert outcome.prediction.ranked()[0][0] == category
    assert any(isinstance(outcome, Rejected) for outcome in answered.values())
