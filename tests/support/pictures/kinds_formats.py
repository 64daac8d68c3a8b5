"""The kinds of rarer formats, of orientations outside EXIF, and of files whose faults cost no pixel."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from support.pictures.drawn import saved, stored_for
from support.pictures.kinds import (
    HEIGHT,
    WIDTH,
    Kind,
    Shares,
    codes,
    eight,
    grey,
    light,
    on_white,
    opacity,
    photo,
    photo_image,
    rounded,
)


def format_kinds() -> Iterator[Kind]:
    """All of them."""
    yield from _by_pillow()
    yield from _by_hand()
    yield from _turned_by_xmp()
    yield from _turned_jxl()
    yield from _with_faults()


def _rgba() -> Image.Image:
    return Image.fromarray(eight(np.concatenate([photo(), opacity()], axis=-1)))


def _by_pillow() -> Iterator[Kind]:
    grey_image = Image.fromarray(eight(grey())[..., 0])
    bilevel = Image.fromarray(codes(grey()[..., 0], 1).astype(bool))
    for name, make in {
        "jp2": lambda: saved(photo_image(), "JPEG2000"),
        "jpeg 2000 codestream": lambda: saved(photo_image(), "JPEG2000", no_jp2=True),
        "tga": lambda: saved(photo_image(), "TGA"),
        "tga compressed": lambda: saved(photo_image(), "TGA", compression="tga_rle"),
        "ppm": lambda: saved(photo_image(), "PPM"),
        "pcx": lambda: saved(photo_image(), "PCX"),
        "dds": lambda: saved(photo_image(), "DDS"),
        "sgi": lambda: saved(photo_image(), "SGI"),
        "qoi": lambda: saved(photo_image(), "QOI"),
    }.items():
        yield Kind(name, make, photo, 2)
    yield Kind("jp2 grey", lambda: saved(grey_image, "JPEG2000"), grey)
    yield Kind("pgm", lambda: saved(grey_image, "PPM"), grey)
    yield Kind("pbm", lambda: saved(bilevel, "PPM"), lambda: rounded(grey(), 1))
    seen = on_white(photo(), opacity())
    yield Kind("jp2 with alpha", lambda: saved(_rgba(), "JPEG2000"), lambda: seen, 2)
    yield Kind("tga with alpha", lambda: saved(_rgba(), "TGA"), lambda: seen, 2)
    square = np.asarray(photo_image().resize((64, 64))) / 255
    icon = Image.fromarray(eight(square))
    yield Kind("ico", lambda: saved(icon, "ICO", sizes=[(64, 64)]), lambda: square, 2)
    yield Kind("icns", lambda: saved(icon.resize((128, 128)), "ICNS"), lambda: square, 4)


def _by_hand() -> Iterator[Kind]:
    rows = " ".join(str(value) for value in eight(photo()).reshape(-1)).encode()
    yield Kind("ppm as text", lambda: b"P3\n%d %d\n255\n%b\n" % (WIDTH, HEIGHT, rows), photo)
    deep = codes(photo(), 16).astype(">u2").tobytes()
    yield Kind("ppm 16 bits", lambda: f"P6\n{WIDTH} {HEIGHT}\n65535\n".encode() + deep, photo)
    shown = light(photo()).astype(np.float32)[..., ::-1]
    yield Kind("radiance", lambda: bytes(cv2.imencode(".hdr", shown)[1]), photo, 3)
    for order, stored in {
        (b"+Y", b"+X"): shown[::-1],  # from the bottom: Y grows upwards
        (b"-Y", b"-X"): shown[:, ::-1],
        (b"+X", b"-Y"): shown.transpose(1, 0, 2),
        (b"+X", b"+Y"): shown[::-1].transpose(1, 0, 2),
        (b"-X", b"-Y"): shown[:, ::-1].transpose(1, 0, 2),
    }.items():
        name = f"radiance in the order {order[0].decode()} {order[1].decode()}"
        yield Kind(name, lambda s=stored, o=order: _radiance(s, o), photo, 3)


def _radiance(light: np.ndarray, order: tuple[bytes, bytes]) -> bytes:
    """Lines of light in the order that the header tells."""
    height, width = light.shape[:2]
    file = bytes(cv2.imencode(".hdr", np.ascontiguousarray(light))[1])
    return file.replace(
        b"-Y %d +X %d" % (height, width), b"%b %d %b %d" % (order[0], height, order[1], width)
    )


def xmp(orientation: int) -> bytes:
    """A packet that says how the picture is turned, and nothing else."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        f'tiff:Orientation="{orientation}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def _turned_by_xmp() -> Iterator[Kind]:
    for orientation in range(2, 9):
        stored, packet = stored_for(photo_image(), orientation), xmp(orientation)
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
        stored = stored_for(photo_image(), orientation)
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
    progressive = saved(photo_image(), "JPEG", quality=95, progressive=True)
    yield Kind("progressive jpeg without its end", lambda: progressive[:-2], photo, 3)
    baseline = saved(photo_image(), "JPEG", quality=95)
    yield Kind("jpeg without its end", lambda: baseline[:-2], photo, 3)
    yield Kind("jpeg without its end, then zeros", lambda: baseline[:-2] + bytes(200), photo, 3)
    yield Kind("jpeg with bytes between its segments", lambda: _gaps(baseline), photo, 3)
    yield Kind("progressive jpeg with bytes between its segments", lambda: _gaps(progressive), photo, 3)
    for bits in ((4, 4, 4, 4), (2, 3, 1, 0), (1, 9, 2, 4), (5, 6, 5, 0), (3, 10, 3, 0)):
        name = "-".join(map(str, bits))
        yield Kind(f"bmp {name}", lambda b=bits: _bmp_masks(b), lambda b=bits: _in_bits(b))
    # many programs leave zeros in the place of alpha; a blank picture is nobody's photo
    yield Kind(
        "bmp with alpha of zeros", lambda: _bmp_masks((4, 4, 4, 4), opaque=False), lambda: _in_bits((4,) * 3)
    )
    yield Kind("bmp with a short header of os/2", _bmp_short, photo)


def _wrong_checksum(name: bytes) -> bytes:
    file = io.BytesIO()
    from PIL import PngImagePlugin

    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "a photo")
    photo_image().save(file, "PNG", pnginfo=text)
    data = bytearray(file.getvalue())
    at = data.index(name) - 4
    end = at + 8 + int.from_bytes(data[at : at + 4])
    assert zlib.crc32(data[at + 4 : end]) == int.from_bytes(data[end : end + 4])
    data[end] ^= 1
    return bytes(data)


def _gaps(jpeg: bytes) -> bytes:
    """A JPEG with bytes behind its first marker and behind each segment before the first scan."""
    junk = bytes(range(255)) + b"\xff"
    parts, at = [jpeg[:2] + junk], 2
    while jpeg[at + 1] != 0xDA:
        length = 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        parts.append(jpeg[at : at + length] + junk)
        at += length
    return b"".join(parts) + jpeg[at:]


def _in_bits(bits: tuple[int, ...]) -> Shares:
    return np.concatenate([rounded(photo()[..., k : k + 1], bits[k]) for k in range(3)], axis=-1)


def _bmp_masks(bits: tuple[int, ...], *, opaque: bool = True) -> bytes:
    """A BMP of so many bits of red, green, blue and alpha, red lowest."""
    masks, words, shift = [], np.zeros((HEIGHT, WIDTH), np.uint16), 0
    channels = np.concatenate([photo(), np.full((HEIGHT, WIDTH, 1), float(opaque))], axis=-1)
    for channel, width in enumerate(bits):
        masks.append(((1 << width) - 1) << shift)
        if width:
            words |= codes(channels[..., channel], width).astype(np.uint16) << shift
        shift += width
    rows = words[::-1].astype("<u2").tobytes()
    head = struct.pack("<IiiHHIIiiII", 108, WIDTH, HEIGHT, 1, 16, 3, len(rows), 2835, 2835, 0, 0)
    head += struct.pack("<IIII", *masks) + b"BGRs" + bytes(48)
    return struct.pack("<2sIII", b"BM", 14 + len(head) + len(rows), 0, 14 + len(head)) + head + rows


def _bmp_short() -> bytes:
    """A BMP whose header ends with the bits a pixel (OS/2 2.0)."""
    rows = eight(photo())[::-1, :, ::-1].tobytes()
    head = struct.pack("<IiiHH", 16, WIDTH, HEIGHT, 1, 24)
    return struct.pack("<2sIII", b"BM", 30 + len(rows), 0, 30) + head + rows
