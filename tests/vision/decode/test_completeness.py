"""A file that is cut off is told from one that is whole, and from one that is damaged."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image

from photo_organizer.vision.decode.completeness import ends_early, lacks_the_rest
from support.pictures.drawn import noisy, raw_file, saved


def animated(kind: str) -> bytes:
    frames = [noisy(40, 30, seed) for seed in range(5)]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def boxes(*named: tuple[bytes, int]) -> bytes:
    return b"".join((8 + size).to_bytes(4) + name + bytes([7]) * size for name, size in named)


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + boxes((b"meta", 300), (b"mdat", 3000))
CR3 = b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + boxes((b"moov", 300), (b"mdat", 3000))
JXL = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl " + boxes((b"jxlc", 3000))
WHOLE = {
    "jpeg": saved(noisy(80, 60), "JPEG"),
    "progressive": saved(noisy(80, 60), "JPEG", progressive=True),
    "png": saved(noisy(80, 60), "PNG"),
    "gif": saved(noisy(80, 60), "GIF"),
    "animated gif": animated("GIF"),
    "webp": saved(noisy(80, 60), "WEBP"),
    "bmp": saved(noisy(80, 60), "BMP"),
    "tiff": saved(noisy(80, 60), "TIFF"),
    "compressed tiff": saved(noisy(80, 60), "TIFF", compression="tiff_lzw"),
    "avif": saved(noisy(80, 60), "AVIF"),
    "heic": HEIC,
    "cr3": CR3,
    "jpeg xl in boxes": JXL,
    "raw": raw_file(saved(noisy(32, 32), "JPEG")),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_and_cut_anywhere(kind: str) -> None:
    data = WHOLE[kind]
    assert not ends_early(data)
    assert not lacks_the_rest(data)
    cuts = {1, 2, 3, 5, 8, 12, 15, *random.Random(1).sample(range(16, len(data) - 1), 40)}
    whole_without = {"gif": 2, "animated gif": 2}.get(kind, 1)
    assert [cut for cut in cuts if cut < len(data) - whole_without and not ends_early(data[:cut])] == []


def test_empty_and_reserved() -> None:
    assert ends_early(b"")
    assert ends_early(bytes(100))
    assert ends_early(WHOLE["heic"][:600] + bytes(8192))
    assert ends_early(WHOLE["png"][:600] + bytes(100))


@pytest.mark.parametrize(
    "data",
    [
        b"this is no picture",
        b"\xff\xd8\xff\xe0" + random.Random(1).randbytes(200),
        WHOLE["png"][:100] + random.Random(2).randbytes(len(WHOLE["png"]) - 100),
        WHOLE["heic"][:40] + b"\0\0\0\x02" + WHOLE["heic"][44:],
        WHOLE["jpeg"][:20] + b"\xff\xd9",
    ],
    ids=["text", "noise", "png", "heic", "jpeg"],
)
def test_damaged_is_not_cut_off(data: bytes) -> None:
    assert not ends_early(data)


def with_xmp(attributes: str, behind: bytes) -> bytes:
    jpeg = WHOLE["jpeg"]
    body = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta " + attributes.encode() + b"</x:xmpmeta>"
    return jpeg[:2] + b"\xff\xe1" + (2 + len(body)).to_bytes(2) + body + jpeg[2:] + behind


@pytest.mark.parametrize(
    "attributes",
    [
        '><C:Item Item:Semantic="Primary" Item:Length="9" Item:Padding="8"/>'
        '<C:Item Item:Mime="video/mp4" Item:Semantic="MotionPhoto" Item:Length="4992"/>',
        'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="5000">',
        'GCamera:MicroVideoOffset="5000"><C:Item Item:Semantic="MotionPhoto" Item:Length="5000"/>',
    ],
)
def test_a_motion_photo_without_all_of_its_video(attributes: str) -> None:
    whole = with_xmp(attributes, b"\0\0\0\x18ftypmp42" + bytes([9]) * 4988)
    assert not lacks_the_rest(whole)
    for cut in (len(whole) - 1, len(whole) - 4000, len(whole) - 5000, 700):
        assert lacks_the_rest(whole[:cut])


def test_more_pictures_than_have_come() -> None:
    data = WHOLE["animated gif"]
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 5  # type: ignore[attr-defined]
    assert lacks_the_rest(data[: len(data) * 2 // 3])
    assert not lacks_the_rest(data[:-1])  # some writers leave the end mark out


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a" + bytes(7) + b"\x21\xfe" + b"\1\0" * 1_200_000,
        WHOLE["png"][:8] + b"\0\0\0\0tEXt\0\0\0\0" * 600_000,
        WHOLE["jpeg"][:-2] + b"\xff\xfe\0\2" * 600_000,
        HEIC + b"\0\0\0\x08free" * 200_000,
    ],
    ids=["gif", "png", "jpeg", "boxes"],
)
def test_a_file_of_endless_parts_is_given_up(data: bytes) -> None:
    assert not ends_early(data)
