"""Every still image that the installed libraries open, and what none of them does."""

from __future__ import annotations

import struct
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image

from photo_organizer.formats import HEAD_SIZE, identify
from photo_organizer.vision.decode.budget.limits import FixedLimits
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.outcome import PhotoRejectedError, RejectionKind, UnreadablePhotoError
from support.pictures.drawn import far_from, quarters_of, saved, scene

SIZE = 32


def by_opencv(suffix: str, kind: type = np.uint8) -> bytes:
    pixels = np.asarray(scene())[..., ::-1]
    if kind is np.float32:
        shares = pixels.astype(np.float32) / 255
        pixels = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    if kind is np.uint16:
        pixels = pixels.astype(np.uint16) * 257
    return bytes(cv2.imencode(suffix, pixels.astype(kind))[1])


def pam(depth: int, maximum: int, name: str) -> bytes:
    mode = {2: "LA", 3: "RGB", 4: "RGBA"}[depth]
    pixels = np.asarray(scene().convert(mode)).astype(np.float64) / 255 * maximum
    body = np.round(pixels).astype(">u2" if maximum > 255 else "u1").tobytes()
    head = f"P7\nWIDTH 120\nHEIGHT 80\nDEPTH {depth}\nMAXVAL {maximum}\nTUPLTYPE {name}\nENDHDR\n"
    return head.encode() + body


def text_ppm() -> bytes:
    numbers = " ".join(map(str, np.asarray(scene()).ravel()))
    return f"P3\n# text\n120 80\n255\n{numbers}".encode()


def photoshop() -> bytes:
    planes = np.asarray(scene()).transpose(2, 0, 1).tobytes()
    return b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 80, 120, 8, 3) + bytes(12) + b"\0\0" + planes


def fits() -> bytes:
    grey = np.asarray(scene().convert("L"))
    cards = ["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 120", "NAXIS2  = 80", "END"]
    cards = [f"{card[:10]}{card[10:].strip():>20}" for card in cards]
    head = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    body = grey[::-1].tobytes()
    return head + body + bytes(-len(body) % 2880)


COLOUR: dict[str, Callable[[], bytes]] = {
    "a.jp2": lambda: saved(scene(), "JPEG2000"),
    "a.j2k": lambda: saved(scene(), "JPEG2000", no_jp2=True),
    "16.jp2": lambda: by_opencv(".jp2", np.uint16),
    "a.psd": photoshop,
    "a.ico": lambda: saved(scene(), "ICO", sizes=[(120, 80), (16, 16)]),
    "a.cur": lambda: saved(scene(), "ICO", bitmap_format="bmp", sizes=[(120, 80)]).replace(
        b"\0\0\1\0", b"\0\0\2\0", 1
    ),
    "a.icns": lambda: saved(scene(128, 128), "ICNS"),
    "a.tga": lambda: saved(scene(), "TGA"),
    "rle.tga": lambda: saved(scene(), "TGA", compression="tga_rle"),
    "a.ppm": lambda: saved(scene(), "PPM"),
    "16.ppm": lambda: by_opencv(".ppm", np.uint16),
    "text.ppm": text_ppm,
    "a.pam": lambda: pam(3, 255, "RGB"),
    "16.pam": lambda: pam(4, 65535, "RGB_ALPHA"),
    "10.pam": lambda: pam(4, 1023, "RGB_ALPHA"),
    "a.pfm": lambda: by_opencv(".pfm", np.float32),
    "a.hdr": lambda: by_opencv(".hdr", np.float32),
    "a.ras": lambda: by_opencv(".ras"),
    "a.pcx": lambda: saved(scene(), "PCX"),
    "a.sgi": lambda: saved(scene(), "SGI"),
    "a.dds": lambda: saved(scene(), "DDS"),
    "a.qoi": lambda: saved(scene(), "QOI"),
    "a.blp": lambda: saved(scene().quantize(8), "BLP"),
    "a.dib": lambda: saved(scene(), "DIB"),
    "os2.bmp": lambda: (
        b"BM" + struct.pack("<IHHIIHHHH", 0, 7, 9, 26, 12, 120, 80, 1, 24)
        + np.ascontiguousarray(np.asarray(scene())[::-1, :, ::-1]).tobytes()
    ),
}  # fmt: skip
GREY: dict[str, Callable[[], bytes]] = {
    "a.pgm": lambda: saved(scene().convert("L"), "PPM"),
    "16.pgm": lambda: (
        b"P5 120 80 65535\n" + (np.asarray(scene().convert("L")).astype(">u2") * 257).astype(">u2").tobytes()
    ),
    "a.pam": lambda: pam(2, 255, "GRAYSCALE_ALPHA"),
    "a.fits": fits,
}
BILEVEL: dict[str, Callable[[], bytes]] = {
    "a.pbm": lambda: saved(scene().convert("L").point(lambda value: 255 * (value > 110)).convert("1"), "PPM"),
    "a.xbm": lambda: saved(scene().convert("L").point(lambda value: 255 * (value < 110)).convert("1"), "XBM"),
    "a.msp": lambda: saved(scene().convert("L").point(lambda value: 255 * (value > 110)).convert("1"), "MSP"),
}


@pytest.mark.parametrize("name", COLOUR)
def test_a_format_in_colour_is_seen_and_offered(name: str) -> None:
    data = COLOUR[name]()
    photo = decode(data, SIZE)
    assert far_from(quarters_of(photo.pixels)) <= 12, photo.decoder
    found = identify(data[:HEAD_SIZE], name)
    assert found is not None
    assert found.is_supported


@pytest.mark.parametrize("name", GREY)
def test_a_format_in_grey_is_seen_and_offered(name: str) -> None:
    data = GREY[name]()
    grey = np.asarray(scene().convert("L").convert("RGB"))
    wanted = tuple(tuple(int(value) for value in grey[y, x]) for y, x in ((9, 9), (9, 99), (70, 9), (70, 99)))
    photo = decode(data, SIZE)
    assert far_from(quarters_of(photo.pixels), wanted) <= 3, photo.decoder
    assert identify(data[:HEAD_SIZE], name) is not None


@pytest.mark.parametrize("name", BILEVEL)
def test_a_format_in_black_and_white_is_seen_and_offered(name: str) -> None:
    data = BILEVEL[name]()
    found = {quarter[0] for quarter in quarters_of(decode(data, SIZE).pixels)}
    assert found == {0, 255}
    assert identify(data[:HEAD_SIZE], name) is not None


UNSUPPORTED = {
    "a.svg": b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<!-- drawn --><svg></svg>' + bytes(40),
    "b.svg": b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
    "a.jxr": b"II\xbc\x01\x08\0\0\0" + bytes(60),
    "a.exr": b"\x76\x2f\x31\x01\2\0\0\0" + bytes(60),
    "a.xcf": b"gimp xcf v011\0" + bytes(60),
    "a.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n" + bytes(60),
    "a.djvu": b"AT&TFORM" + bytes(60),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_an_image_that_nothing_opens_is_not_called_no_image(name: str) -> None:
    found = identify(UNSUPPORTED[name][:HEAD_SIZE], name)
    assert found is not None
    assert not found.is_supported
    if name != "a.svg":  # its content begins like any XML
        with pytest.raises(PhotoRejectedError, match="an image of a format that is not supported") as caught:
            decode(UNSUPPORTED[name], SIZE)
        assert caught.value.kind is RejectionKind.UNSUPPORTED


@pytest.mark.parametrize(("name", "head"), [
    ("terrain.hdr", b"ENVI\nsamples = 10\n"), ("a.h", b"#define x_width 10\n"),
    ("drawing.vst", b"\xd0\xcf\x11\xe0" + bytes(60)), ("report.txt", b"P3 1 2 3 items\n"),
    ("clip.bin", b"\xff\xd8" + bytes(62)),
    ("data.bin", b"\0\0\2\0\0\0\0\0\0\0\0\0\x10\0\x10\0\x18\0" + bytes(46)),
])  # fmt: skip
def test_a_file_that_only_begins_or_is_called_like_an_image_is_none(name: str, head: bytes) -> None:
    assert identify(head, name) is None


LIMITS = FixedLimits(max_pixels=50_000_000, memory_megabytes=512)


def gif_with_large_frames(side: int) -> bytes:
    frames = [Image.new("P", (64, 64), number) for number in range(5)]
    for frame in frames:
        frame.putpalette(list(range(256)) * 3)
        frame.putpixel((0, 0), 200)
    data = bytearray(saved(frames[0], "GIF", save_all=True, append_images=frames[1:], disposal=1))
    places = []
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    while data[at] != 0x3B:
        places += [at] if data[at] == 0x2C else []
        flags = data[at + 9] if data[at] == 0x2C else 0
        at += (11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)) if data[at] == 0x2C else 2
        while data[at]:
            at += data[at] + 1
        at += 1
    for place in places[1:]:
        struct.pack_into("<HHHH", data, place + 1, 0, 0, side, side)
    return bytes(data)


@pytest.mark.parametrize("side", [65535, 19000, 100])
def test_a_later_frame_of_a_gif_does_not_enlarge_its_canvas(side: int) -> None:
    photo = decode(gif_with_large_frames(side), SIZE, LIMITS)
    assert (photo.width, photo.height) == (64, 64)


def large_png(side: int) -> bytes:
    data = bytearray(saved(Image.new("L", (16, 16)), "PNG"))
    data[16:24] = struct.pack(">II", side, side)
    return bytes(data)


def icon_of(picture: bytes, kind: int = 1) -> bytes:
    return (
        struct.pack("<HHH", 0, kind, 1)
        + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(picture), 22)
        + picture
    )


@pytest.mark.parametrize("data", [
    icon_of(large_png(30000)), icon_of(large_png(30000), 2),
    icon_of(struct.pack("<IiiHHIIiiII", 40, 30000, 60000, 1, 32, 0, 0, 0, 0, 0, 0)),
    b"icns" + struct.pack(">I", 300) + b"ic10" + struct.pack(">I", 292) + large_png(30000),
])  # fmt: skip
def test_pictures_in_icons_are_measured_before_they_are_decoded(data: bytes) -> None:
    with pytest.raises(UnreadablePhotoError, match=r"limits\.max_pixels"):
        decode(data, SIZE, LIMITS)


def test_frames_of_other_animations_keep_to_their_canvas() -> None:
    frames = [Image.new("RGB", (64, 64), (60 * number, 0, 9)) for number in range(3)]
    data = bytearray(saved(frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=False))
    at = data.rindex(b"fcTL")
    data[at + 8 : at + 16] = struct.pack(">II", 60000, 60000)
    assert decode(bytes(data), SIZE, LIMITS).width == 64


def test_of_an_animation_that_is_damaged_later_the_first_frame_is_seen() -> None:
    random = np.random.default_rng(2)
    frames = [Image.fromarray(random.integers(0, 255, (64, 64), np.uint8)) for _ in range(6)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    whole = decode(data, SIZE)
    assert whole.decoder == "gif frame 4 of 6"
    size = len(data)
    first = decode(data[: size * 55 // 100], SIZE)
    assert first.decoder.startswith("gif frame")
