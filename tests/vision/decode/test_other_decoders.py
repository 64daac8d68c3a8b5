"""A file that its format's decoder refuses is shown to others before it is given up."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from photo_organizer.boxes import Box, boxes, find
from photo_organizer.vision.decode.budget.limits import FixedLimits
from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.decode.formats.mended import mended_png
from photo_organizer.vision.outcome import UnreadablePhotoError
from support.pictures.drawn import (
    QUARTERS,
    far_from,
    noisy,
    quarters_of,
    saved,
    scene,
    wide_gamut_profile,
    with_exif,
)

SIZE = 32


def with_wrong_checksum(data: bytes, name: bytes) -> bytes:
    changed = bytearray(data)
    at = data.index(name)
    end = at + 4 + int.from_bytes(data[at - 4 : at])
    changed[end] ^= 0xFF
    return bytes(changed)


@pytest.mark.parametrize("name", [b"IHDR", b"tEXt", b"iCCP", b"IDAT", b"IEND"])
def test_a_png_with_a_wrong_checksum_is_the_picture(name: bytes) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "hello")
    data = saved(scene(), "PNG", pnginfo=text, icc_profile=wide_gamut_profile())
    photo = decode(with_wrong_checksum(data, name), SIZE)
    assert np.array_equal(photo.pixels, decode(data, SIZE).pixels)


def test_a_png_whose_pixels_are_damaged_or_cut_off_is_not_mended() -> None:
    data = with_wrong_checksum(saved(noisy(100, 100), "PNG"), b"IHDR")
    assert mended_png(data) is not None
    damaged = bytearray(data)
    at = data.index(b"IDAT") + 1000
    damaged[at : at + 40] = bytes(40)
    for broken in (bytes(damaged), data[:8000]):
        assert mended_png(broken) is None
        with pytest.raises(UnreadablePhotoError, match="the PNG cannot be decoded"):
            decode(broken, SIZE)


def test_limits_are_the_same_for_every_decoder() -> None:
    data = with_wrong_checksum(saved(scene(400, 300), "PNG"), b"IDAT")
    with pytest.raises(UnreadablePhotoError, match=r"limits\.max_pixels"):
        decode(data, SIZE, FixedLimits(max_pixels=100_000))
    huge = bytearray(saved(scene(), "PNG"))
    huge[16:24] = struct.pack(">II", 30000, 30000)
    with pytest.raises(UnreadablePhotoError):
        decode(bytes(huge), SIZE, FixedLimits(max_pixels=100_000_000))


def masked_bmp(masks: tuple[int, int, int, int], bits: int, *, top_down: bool = False) -> bytes:
    pixels = np.asarray(scene().convert("RGBA")).astype(np.uint64)
    words = np.zeros(pixels.shape[:2], np.uint64)
    for channel, mask in enumerate(masks):
        if mask:
            shift = (mask & -mask).bit_length() - 1
            words |= np.round(pixels[..., channel] / 255 * (mask >> shift)).astype(np.uint64) << np.uint64(
                shift
            )
    rows = words if top_down else words[::-1]
    body = rows.astype(f"<u{bits // 8}").tobytes()
    height = -80 if top_down else 80
    header = struct.pack("<IiiHHIIiiII", 56, 120, height, 1, bits, 3, len(body), 0, 0, 0, 0)
    header += struct.pack("<IIII", *masks)
    return b"BM" + struct.pack("<IHHI", 70 + len(body), 0, 0, 70) + header + body


@pytest.mark.parametrize(("masks", "bits", "tolerance"), [
    ((0x0F00, 0x00F0, 0x000F, 0xF000), 16, 9), ((0x0F00, 0x00F0, 0x000F, 0), 16, 9),
    ((0xFF8, 0x7, 0xF000, 0), 16, 20), ((0x7F000000, 0x00FE0000, 0x0001FC00, 0), 32, 2),
    ((0x3FF00000, 0x000FFC00, 0x000003FF, 0), 32, 2), ((0xF800, 0x07E0, 0x001F, 0), 16, 9),
])  # fmt: skip
@pytest.mark.parametrize("top_down", [False, True])
def test_bmp_with_masks_of_any_layout(
    masks: tuple[int, int, int, int],
    bits: int,
    tolerance: int,
    top_down: bool,  # noqa: FBT001
) -> None:
    photo = decode(masked_bmp(masks, bits, top_down=top_down), SIZE)
    wanted = list(QUARTERS)
    if masks[1] == 7:  # three bits of green
        tolerance = 40
    assert far_from(quarters_of(photo.pixels), tuple(wanted)) <= tolerance


def test_a_masked_bmp_that_is_cut_off_is_turned_away() -> None:
    data = masked_bmp((0x0F00, 0x00F0, 0x000F, 0xF000), 16)
    with pytest.raises(UnreadablePhotoError):
        decode(data[:-2000], SIZE)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}])
@pytest.mark.parametrize("padding", [b"", bytes(3000)])
def test_a_complete_jpeg_that_lacks_only_its_end_marker_is_the_picture(
    options: dict[str, object], padding: bytes
) -> None:
    data = saved(noisy(400, 300), "JPEG", **options)
    photo = decode(data[:-2] + padding, SIZE)
    assert np.array_equal(photo.pixels, decode(data, SIZE).pixels)


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_that_lacks_a_little_more_is_turned_away(options: dict[str, object]) -> None:
    data = saved(noisy(400, 300), "JPEG", **options)
    for missing in (30, 100, 1000):
        with pytest.raises(UnreadablePhotoError, match="ends before the picture does"):
            decode(data[:-missing], SIZE)


def moved(data: bytes, meta: Box, by: int) -> bytes:
    """An `iloc` (version 0, 32 bits) whose items lie `by` bytes further on."""
    location = find(data, b"iloc", meta.start + 4, meta.end)
    assert location is not None
    copy = bytearray(data)
    assert data[location.start] == 0
    assert data[location.start + 4] == 0x44
    assert data[location.start + 5] == 0
    (items,) = struct.unpack_from(">H", data, location.start + 6)
    at = location.start + 8
    for _ in range(items):
        (extents,) = struct.unpack_from(">H", data, at + 4)
        at += 6
        for _ in range(extents):
            struct.pack_into(">I", copy, at, struct.unpack_from(">I", data, at)[0] + by)
            at += 8
    return bytes(copy)


def with_two_item_boxes(data: bytes) -> bytes:
    """The AVIF with one `ipma` for each item, as some encoders write it."""
    meta = find(data, b"meta")
    assert meta is not None
    data = moved(data, meta, 16)
    holder = find(data, b"iprp", meta.start + 4, meta.end)
    assert holder is not None
    box = find(data, b"ipma", holder.start, holder.end)
    assert box is not None
    head, at = data[box.start : box.start + 4], box.start + 8
    (count,) = struct.unpack_from(">I", data, box.start + 4)
    parts = []
    for _ in range(count):
        end = at + 3 + data[at + 2]
        body = head + struct.pack(">I", 1) + data[at:end]
        parts.append(struct.pack(">I4s", 8 + len(body), b"ipma") + body)
        at = end
    assert len(parts) == 2
    assert box.end == holder.end
    copy = bytearray(data[: box.begin] + b"".join(parts) + data[box.end :])
    for outer in (meta, holder):
        struct.pack_into(">I", copy, outer.begin, outer.end - outer.begin + 16)
    return bytes(copy)


def test_avif_with_two_item_boxes_is_the_picture() -> None:
    image = scene().convert("RGBA")
    image.paste((0, 0, 0, 0), (60, 0, 120, 40))
    data = saved(image, "AVIF", quality=95)
    broken = with_two_item_boxes(data)
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(broken))
    photo = decode(broken, SIZE)
    assert photo.decoder == "avif mended"
    assert np.array_equal(photo.pixels, decode(data, SIZE).pixels)


def test_a_reason_is_the_first_decoders() -> None:
    for kind, data in (("WEBP", b"RIFF\x40\0\0\0WEBPVP8 "), ("GIF", b"GIF89a\x10\0\x10\0\0\0\0\x2c")):
        with pytest.raises(UnreadablePhotoError, match=f"the {kind} cannot be decoded"):
            decode(data + bytes(40), SIZE)


def test_boxes_end_where_the_data_does() -> None:
    data = struct.pack(">I4s", 100, b"meta") + bytes(8) + struct.pack(">I4s", 4, b"evil")
    assert [box.name for box in boxes(data)] == [b"meta"]
    assert list(boxes(b"\0\0\0\1abcd")) == []


def test_an_avif_with_damaged_exif_is_the_picture() -> None:
    """Where the header of EXIF is not where the file says, libavif refuses the picture, too."""
    data = saved(scene(), "AVIF", exif=with_exif(make="Maker"))
    at = max(data.find(header) for header in (b"II*\0", b"MM\0*"))
    photo = decode(data[: at - 4] + b"\xff" * 8 + data[at + 4 :], SIZE)
    assert photo.decoder == "avif mended"
    assert far_from(quarters_of(photo.pixels)) < 12


def test_an_avif_with_a_damaged_gain_map_is_the_picture() -> None:
    data = saved(scene(), "AVIF", exif=with_exif(make="Maker"))
    entry = data.index(b"infe\x02", data.index(b"infe\x02") + 4)  # the second item: its kind is 12 bytes on
    assert data[entry + 12 : entry + 16] == b"Exif"
    with_gain_map = data[: entry + 12] + b"tmap" + data[entry + 16 :]
    with_gain_map = with_gain_map.replace(b"miaf", b"tmap", 1)
    photo = decode(with_gain_map, SIZE)
    assert photo.decoder == "avif mended"
    assert far_from(quarters_of(photo.pixels)) < 12


def with_a_tile_twice(tile: bytes, side: int) -> bytes:
    """An AVIF of two equal tiles side by side, of which the grid names one item twice."""
    meta = find(tile, b"meta")
    assert meta is not None
    properties = find(tile, b"iprp", meta.start + 4, meta.end)
    assert properties is not None
    held = find(tile, b"ipco", properties.start, properties.end)
    media = find(tile, b"mdat")
    assert held is not None
    assert media is not None
    own = [tile[box.begin : box.end] for box in boxes(tile, held.start, held.end)]
    pixels = tile[media.start : media.end]
    grid = struct.pack(">4B2H", 0, 0, 0, 1, 2 * side, side)

    def box(name: bytes, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return struct.pack(">I4s", 8 + len(body), name) + body

    def meta_of(place: int) -> bytes:
        items = struct.pack(">HHHII", 1, 0, 1, place, len(grid)) + struct.pack(
            ">HHHII", 2, 0, 1, place + len(grid), len(pixels)
        )
        size = box(b"ispe", struct.pack(">III", 0, 2 * side, side))
        numbers = range(2, 2 + len(own))
        essential = [number | (own[number - 2][4:8] == b"av1C") << 7 for number in numbers]
        beside = [number for number in numbers if own[number - 2][4:8] in {b"pixi", b"colr"}]
        return box(
            b"meta",
            bytes(4),
            box(b"hdlr", bytes(8), b"pict", bytes(13)),
            box(b"pitm", bytes(4), struct.pack(">H", 1)),
            box(b"iloc", bytes(4), b"\x44\0", struct.pack(">H", 2), items),
            box(
                b"iinf",
                bytes(4),
                struct.pack(">H", 2),
                box(b"infe", b"\2\0\0\0\0\1\0\0grid\0"),
                box(b"infe", b"\2\0\0\0\0\2\0\0av01\0"),
            ),
            box(b"iref", bytes(4), box(b"dimg", struct.pack(">4H", 1, 2, 2, 2))),
            box(
                b"iprp",
                box(b"ipco", size, *own),
                box(
                    b"ipma",
                    bytes(4),
                    struct.pack(">IHB", 2, 1, 1 + len(beside)),
                    bytes([1, *beside]),
                    struct.pack(">HB", 2, len(own)),
                    bytes(essential),
                ),
            ),
        )

    start = box(b"ftyp", b"avif", bytes(4), b"avifmif1miaf")
    length = len(start) + len(meta_of(0))
    return start + meta_of(length + 8) + box(b"mdat", grid, pixels)


def test_an_avif_with_a_tile_that_occurs_twice_is_the_picture() -> None:
    side = 128
    data = with_a_tile_twice(saved(scene(side, side), "AVIF", quality=95), side)
    with pytest.raises(RuntimeError, match="Invalid image grid"):
        Image.open(io.BytesIO(data)).load()
    photo = decode(data, SIZE)
    assert (photo.width, photo.height, photo.decoder) == (2 * side, side, "avif mended")
    left, right = photo.pixels[:, : SIZE // 2], photo.pixels[:, SIZE // 2 :]
    assert np.abs(left.astype(int) - right).mean() < 2
    assert far_from(quarters_of(cv2.resize(left, (SIZE, SIZE)))) < 12


def test_an_avif_with_alpha_without_a_size_is_the_picture() -> None:
    image = scene().convert("RGBA")
    image.putalpha(128)
    data = saved(image, "AVIF", quality=95)
    meta = find(data, b"meta")
    assert meta is not None
    holder = find(data, b"iprp", meta.start + 4, meta.end)
    assert holder is not None
    table = find(data, b"ipma", holder.start, holder.end)
    assert table is not None
    second = table.start + 8 + 3 + data[table.start + 8 + 2]
    properties = data[second + 3 : second + 3 + data[second + 2]]
    assert properties[0] == 1  # the size stands first
    broken = data[: second + 3] + properties[1:2] + data[second + 4 :]
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(broken))
    photo = decode(broken, SIZE)
    assert photo.decoder == "avif mended"
    assert np.array_equal(photo.pixels, decode(data, SIZE).pixels)
