"""The kinds of rarer formats, of orientations outside EXIF, and of files whose faults cost no pixel."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from drawn import saved, stored_for
from kinds import HEIGHT, WIDTH, Kind, codes, eight, grey, light, on_white, opacity, photo, rounded
from PIL import Image


def format_kinds() -> Iterator[Kind]:
    """All of them."""
    yield from _by_pillow()
    yield from _by_hand()
    yield from _turned_by_xmp()
    yield from _turned_jxl()
    yield from _with_faults()


def _image() -> Image.Image:
    return Image.fromarray(eight(photo()))


def _rgba() -> Image.Image:
    return Image.fromarray(eight(np.concatenate([photo(), opacity()], axis=-1)))


def _by_pillow() -> Iterator[Kind]:
    grey_image = Image.fromarray(eight(grey())[..., 0])
    bilevel = Image.fromarray(codes(grey()[..., 0], 1).astype(bool))
    for name, make in {
        "jp2": lambda: saved(_image(), "JPEG2000"),
        "jpeg 2000 codestream": lambda: saved(_image(), "JPEG2000", no_jp2=True),
        "tga": lambda: saved(_image(), "TGA"),
        "tga compressed": lambda: saved(_image(), "TGA", compression="tga_rle"),
        "ppm": lambda: saved(_image(), "PPM"),
        "pcx": lambda: saved(_image(), "PCX"),
        "dds": lambda: saved(_image(), "DDS"),
        "sgi": lambda: saved(_image(), "SGI"),
        "qoi": lambda: saved(_image(), "QOI"),
    }.items():
        yield Kind(name, make, photo, 2)
    yield Kind("jp2 grey", lambda: saved(grey_image, "JPEG2000"), grey)
    yield Kind("pgm", lambda: saved(grey_image, "PPM"), grey)
    yield Kind("pbm", lambda: saved(bilevel, "PPM"), lambda: rounded(grey(), 1))
    seen = on_white(photo(), opacity())
    yield Kind("jp2 with alpha", lambda: saved(_rgba(), "JPEG2000"), lambda: seen, 2)
    yield Kind("tga with alpha", lambda: saved(_rgba(), "TGA"), lambda: seen, 2)
    square = np.asarray(_image().resize((64, 64))) / 255
    icon = Image.fromarray(eight(square))
    yield Kind("ico", lambda: saved(icon, "ICO", sizes=[(64, 64)]), lambda: square, 2)
    yield Kind("icns", lambda: saved(icon.resize((128, 128)), "ICNS"), lambda: square, 4)


def _by_hand() -> Iterator[Kind]:
    yield Kind("psd", lambda: _psd(eight(photo()), 3), photo)
    yield Kind("psd grey", lambda: _psd(eight(grey()), 1), grey)
    rows = " ".join(str(value) for value in eight(photo()).reshape(-1)).encode()
    yield Kind("ppm as text", lambda: b"P3\n%d %d\n255\n%b\n" % (WIDTH, HEIGHT, rows), photo)
    deep = codes(photo(), 16).astype(">u2").tobytes()
    yield Kind("ppm 16 bits", lambda: f"P6\n{WIDTH} {HEIGHT}\n65535\n".encode() + deep, photo)
    shown = light(photo()).astype(np.float32)[..., ::-1]
    yield Kind("radiance", lambda: bytes(cv2.imencode(".hdr", shown)[1]), photo, 3)


def _psd(samples: np.ndarray, mode: int) -> bytes:
    """A Photoshop file of the merged picture alone (Adobe Photoshop File Formats Specification, 2019)."""
    height, width, channels = samples.shape
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, channels, height, width, 8, mode)
    return head + bytes(12) + bytes(2) + samples.transpose(2, 0, 1).tobytes()


def xmp(orientation: int) -> bytes:
    """A packet that says how the picture is turned, and nothing else."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        f'tiff:Orientation="{orientation}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def _turned_by_xmp() -> Iterator[Kind]:
    for orientation in range(2, 9):
        stored, packet = stored_for(_image(), orientation), xmp(orientation)
        yield Kind(
            f"jpeg orientation {orientation} in xmp",
            lambda i=stored, p=packet: saved(i, "JPEG", quality=95, subsampling=0, xmp=p),
            photo,
            3,
        )
        yield Kind(
            f"webp orientation {orientation} in xmp",
            lambda i=stored, p=packet: saved(i, "WEBP", lossless=True, xmp=p),
            photo,
        )


def _turned_jxl() -> Iterator[Kind]:
    for orientation in range(2, 9):
        stored = stored_for(_image(), orientation)
        yield Kind(
            f"jxl orientation {orientation}",
            lambda i=stored, n=orientation: _jxl_turned(i, n),
            photo,
            2,
            "pillow_jxl",
        )


def _jxl_turned(image: Image.Image, orientation: int) -> bytes:
    """A lossless JPEG XL whose header says how it is turned (ISO/IEC 18181-1, annex D)."""
    import pillow_jxl  # noqa: F401 (registers itself with Pillow)

    file = saved(image, "JXL", lossless=True)
    bits = np.unpackbits(np.frombuffer(file[2:10], np.uint8), bitorder="little").tolist()
    small, ratio = bits[0], bits[6:9]
    assert small == 1
    size = 9 if any(ratio) else 14
    all_default, more, rest = bits[size], bits[size + 1], bits[size + 2 : size + 13]
    assert (all_default, more) == (0, 0)
    turn = [(orientation - 1) >> place & 1 for place in range(3)]
    # more fields: the orientation; no other size, no preview, no animation. After the colours, which are the
    # default, one more bit says that the tone mapping is.
    depth_and_channels, colours, end = rest[:7], rest[7], rest[8:11]
    assert (colours, end) == (1, [0, 0, 1])
    named = [*bits[:size], 0, 1, *turn, 0, 0, 0, *depth_and_channels, colours, 1, *end]
    whole_before = -(-(size + 13) // 8)
    head = np.packbits(named, bitorder="little").tobytes()
    return file[:2] + head + file[2 + whole_before :]


def _with_faults() -> Iterator[Kind]:
    yield Kind("png with a wrong checksum of text", lambda: _wrong_checksum(b"tEXt"), photo)
    yield Kind("png with a wrong checksum of pixels", lambda: _wrong_checksum(b"IDAT"), photo)
    progressive = saved(_image(), "JPEG", quality=95, progressive=True)
    yield Kind("progressive jpeg without its end", lambda: progressive[:-2], photo, 3)
    baseline = saved(_image(), "JPEG", quality=95)
    yield Kind("jpeg without its end", lambda: baseline[:-2], photo, 3)
    yield Kind("jpeg without its end, then zeros", lambda: baseline[:-2] + bytes(200), photo, 3)
    yield Kind("bmp 4-4-4-4", _bmp_4444, photo, 8)


def _wrong_checksum(name: bytes) -> bytes:
    file = io.BytesIO()
    from PIL import PngImagePlugin

    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "a photo")
    _image().save(file, "PNG", pnginfo=text)
    data = bytearray(file.getvalue())
    at = data.index(name) - 4
    end = at + 8 + int.from_bytes(data[at : at + 4])
    assert zlib.crc32(data[at + 4 : end]) == int.from_bytes(data[end : end + 4])
    data[end] ^= 1
    return bytes(data)


def _bmp_4444() -> bytes:
    red, green, blue = (codes(photo()[..., k], 4).astype(np.uint16) for k in range(3))
    rows = (0xF000 | red << 8 | green << 4 | blue)[::-1].astype("<u2").tobytes()
    head = struct.pack("<IiiHHIIiiII", 108, WIDTH, HEIGHT, 1, 16, 3, len(rows), 2835, 2835, 0, 0)
    head += struct.pack("<IIII", 0x0F00, 0x00F0, 0x000F, 0xF000) + b"BGRs" + bytes(48)
    return struct.pack("<2sIII", b"BM", 14 + len(head) + len(rows), 0, 14 + len(head)) + head + rows
