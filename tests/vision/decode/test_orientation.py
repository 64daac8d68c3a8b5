"""Which way is up, however it is written."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from photo_organizer.vision.decode.decoder import decode
from photo_organizer.vision.decode.exif import read_exif
from photo_organizer.vision.decode.formats.jxl import read_jxl_header
from support.pictures.drawn import far_from, quarters_of, saved, scene, stored_for, with_exif

SIZE = 32


def xmp(orientation: int, *, element: bool = False) -> bytes:
    said = f"<tiff:Orientation>{orientation}</tiff:Orientation>" if element else ""
    attribute = "" if element else f' tiff:Orientation="{orientation}"'
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/"{attribute}>{said}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def is_upright(data: bytes) -> bool:
    photo = decode(data, SIZE)
    return (photo.width, photo.height) == (120, 80) and far_from(quarters_of(photo.pixels)) <= 30


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("element", [False, True])
def test_xmp_alone_turns_a_jpeg(orientation: int, element: bool) -> None:  # noqa: FBT001
    stored = stored_for(scene(), orientation)
    assert is_upright(saved(stored, "JPEG", quality=95, xmp=xmp(orientation, element=element)))


def test_xmp_alone_turns_other_formats() -> None:
    stored = stored_for(scene(), 6)
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp(6).decode())
    assert is_upright(saved(stored, "PNG", pnginfo=text))
    assert is_upright(saved(stored, "WEBP", quality=95, xmp=xmp(6)))


def test_exif_goes_before_xmp() -> None:
    stored = stored_for(scene(), 8)
    assert is_upright(saved(stored, "JPEG", quality=95, exif=with_exif(orientation=8), xmp=xmp(3)))
    assert is_upright(saved(scene(), "JPEG", quality=95, exif=with_exif(orientation=1), xmp=xmp(3)))
    no_orientation = with_exif(make="Maker")
    assert is_upright(saved(stored, "JPEG", quality=95, exif=no_orientation, xmp=xmp(8)))


@pytest.mark.parametrize(
    ("kind", "value"), [(2, b"6\0\0\0"), *((kind, b"\6\0\0\0") for kind in (1, 3, 4, 6, 8, 9))]
)
def test_orientation_counts_whatever_type_of_number_it_is(kind: int, value: bytes) -> None:
    block = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHI", 1, 0x0112, kind, 1) + value + bytes(4)
    assert read_exif(block).orientation == 6


@pytest.mark.parametrize("packet", [b"", b'tiff:Orientation="9"', b"tiff:Orientation", b"\xff" * 40])
def test_xmp_that_says_nothing_valid_changes_nothing(packet: bytes) -> None:
    assert read_exif(b"", packet).orientation == 1


def test_xmp_in_utf_16_is_read() -> None:
    assert read_exif(b"", xmp(6).decode().encode("utf-16")).orientation == 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_xl_made_from_a_jpeg_is_upright(tmp_path: Path, orientation: int) -> None:
    pytest.importorskip("pillow_jxl")
    path = tmp_path / "photo.jpg"
    stored = stored_for(scene(), orientation)
    stored.save(path, quality=95, exif=with_exif(orientation=orientation))
    with Image.open(path) as jpeg:
        jpeg.save(file := io.BytesIO(), "JXL", lossless_jpeg=True)
    data = file.getvalue()
    header = read_jxl_header(data)
    assert (header.width, header.height) == stored.size
    assert header.orientation == orientation
    assert is_upright(data)
    assert decode(data, SIZE).decoder.startswith("jxl from jpeg")


def test_jpeg_xl_of_pixels_is_turned_once() -> None:
    pytest.importorskip("pillow_jxl")
    assert is_upright(saved(scene(), "JXL", quality=95, exif=with_exif(orientation=6)))
    turned = bytearray(saved(scene(120, 80), "JXL", quality=95))
    assert read_jxl_header(bytes(turned)).width == 120
