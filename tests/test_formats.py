"""Formats by content and by name."""

from __future__ import annotations

import io
import sys

import pytest

from photo_organizer.formats import (
    EXTRAS,
    HEAD_SIZE,
    HEIF,
    IMAGE_FORMATS,
    JPEG,
    TIFF,
    TIFF_RAW,
    by_extension,
    identify,
    recognise,
)


def box(major: bytes, *compatible: bytes) -> bytes:
    brands = b"".join(compatible)
    return (16 + len(brands)).to_bytes(4, "big") + b"ftyp" + major + bytes(4) + brands + b"\0\0\0\x08free"


HEADS = {
    "jpeg": [b"\xff\xd8\xff\xe0\0\x10JFIF", b"\xff\xd8\xff\xe1\0\x10Exif", b"\xff\xd8\xff\xdb"],
    "png": [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
    "webp": [b"RIFF\x24\0\0\0WEBPVP8 "],
    "bmp": [b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"],
    "tiff": [b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0"],
    "gif": [b"GIF89a\1\0", b"GIF87a\1\0"],
    "heif": [
        box(b"heic", b"mif1", b"heic"),
        box(b"mif1", b"mif1", b"heic"),
        box(b"mif1", b"miaf"),
        box(b"mif3", b"heic"),
        box(b"heix", b"mif1"),
        box(b"msf1", b"hevc"),
    ],
    "avif": [box(b"avif", b"mif1", b"miaf"), box(b"mif1", b"miaf", b"avif"), box(b"avis", b"msf1")],
    "jpeg xl": [b"\xff\x0a\xfa\x1f", b"\0\0\0\x0cJXL \r\n\x87\n"],
    "canon raw": [b"II*\0\x10\0\0\0CR\x02\0", box(b"crx ", b"crx ", b"isom"), b"II\x1a\0\0\0HEAPCCDR"],
    "fujifilm raw": [b"FUJIFILMCCD-RAW 0201"],
    "olympus raw": [b"IIRO\x08\0\0\0", b"IIRS\x08\0\0\0"],
    "panasonic raw": [b"IIU\0\x18\0\0\0"],
    "sigma raw": [b"FOVb\0\0\0\0"],
    "minolta raw": [b"\0MRM\0\0\0\0"],
    "phase one raw": [b"IIII\0\0\0\0"],
    "jpeg 2000": [b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"],
    "photoshop": [b"8BPS\0\1", b"8BPS\0\2"],
    "ico": [b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0" + bytes(8)],
    "cur": [b"\0\0\2\0\1\0\x10\x10\0\0\1\0\x20\0" + bytes(8)],
    "icns": [b"icns\0\0\1\0"],
    "netpbm": [b"P6\n12 12\n255\n", b"P4 1 1\n", b"Pf\n1 1\n-1.0\n"],
    "targa": [b"\0\0\2\0\0\0\0\0\0\0\0\0\x10\0\x10\0\x18\0"],
    "pcx": [b"\n\5\1\x08\0\0\0\0"],
    "dds": [b"DDS \x7c\0\0\0"],
    "qoi": [b"qoif\0\0\0\1"],
    "sgi": [b"\1\xda\1\1\0\3"],
    "sun raster": [b"\x59\xa6\x6a\x95"],
    "radiance": [b"#?RADIANCE\n", b"#?RGBE\n"],
    "fits": [b"SIMPLE  =                    T"],
    "xbm": [b"#define x_width 16\n"],
    "xpm": [b"/* XPM */\n"],
    "unsupported": [b"II\xbc\1\x08\0\0\0", b"<svg xmlns", b"gimp xcf v011", b"\x76\x2f\x31\1"],
}

NO_IMAGES = [
    b"", b"B", b"BM", b"BMW is a car, and this is a text", b"%PDF-1.7", b"PK\x03\x04", b"RIFF\0\0\0\0AVI ",
    box(b"qt  ", b"qt  "), box(b"isom", b"iso2", b"avc1"), box(b"mp42", b"isom"), b"P5x",
    b"\0" * 64,    b"\0\0\0\0ftyp", b"II*",
]  # fmt: skip


@pytest.mark.parametrize(("name", "head"), [(name, head) for name, heads in HEADS.items() for head in heads])
def test_each_format_is_recognised_by_its_first_bytes(name: str, head: bytes) -> None:
    found = recognise(head[:HEAD_SIZE])
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("head", NO_IMAGES)
def test_other_content_is_no_image(head: bytes) -> None:
    assert recognise(head) is None


def test_extensions_are_read_without_regard_to_case() -> None:
    assert by_extension("/x/IMG_1.JPG") is by_extension("a.jpeg") is JPEG
    assert by_extension("photo.Heic") is HEIF
    assert by_extension("DSC.NEF") is TIFF_RAW
    for name in ("notes.txt", "jpg", ".jpg", "a.jpg/b", "", "a.", "movie.mov"):
        assert by_extension(name) is None


def test_raw_inside_tiff_is_told_by_its_extension_and_nothing_else_is() -> None:
    assert identify(b"II*\0\x08\0\0\0", "a.nef") is TIFF_RAW
    assert identify(b"II*\0\x08\0\0\0", "a.tif") is TIFF
    assert identify(b"II*\0\x08\0\0\0", "a.jpg") is TIFF
    assert identify(b"\xff\xd8\xff\xe0", "a.nef") is JPEG
    assert identify(b"text", "a.nef") is None


def test_no_extension_belongs_to_two_formats() -> None:
    extensions = [extension for image_format in IMAGE_FORMATS for extension in image_format.extensions]
    assert len(extensions) == len(set(extensions))
    assert EXTRAS.keys() == {image_format.extra for image_format in IMAGE_FORMATS} - {None}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF"])
def test_files_that_pillow_writes_are_recognised(kind: str) -> None:
    image = pytest.importorskip("PIL.Image")
    features = pytest.importorskip("PIL.features")
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow writes no AVIF")
    file = io.BytesIO()
    image.new("RGB", (16, 16), "red").save(file, kind)
    found = recognise(file.getvalue()[:HEAD_SIZE])
    assert found is not None
    assert found.name == kind.lower()


def test_the_table_is_light() -> None:
    import subprocess

    heavy = "import sys, photo_organizer.formats; print(len(sys.modules))"
    plain = "import sys, dataclasses, photo_organizer; print(len(sys.modules))"
    counts = [
        int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for code in (heavy, plain)
    ]
    assert counts[0] - counts[1] < 8
