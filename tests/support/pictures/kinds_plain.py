"""The kinds of everyday files: each container with its depths, palettes and ways to be transparent."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from support.pictures.drawn import saved, stored_for, with_exif
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
from support.pictures.kinds_colour import heif_file, png_with


def plain_kinds() -> Iterator[Kind]:
    """All of them."""
    yield from _png()
    yield from _jpeg()
    yield from _bmp()
    yield from _others()
    yield from _orientations()


def _grey() -> Image.Image:
    return Image.fromarray(eight(grey())[..., 0])


def _png() -> Iterator[Kind]:
    for bits in (1, 2, 4, 8, 16):
        yield Kind(
            f"png grey {bits} bits", lambda b=bits: _png_of(grey(), b, 0), lambda b=bits: rounded(grey(), b)
        )
    for bits in (8, 16):
        kind = f"u{bits // 8}"
        yield Kind(
            f"png rgb {bits} bits", lambda b=bits, k=kind: png_with(codes(photo(), b).astype(k)), photo
        )
        mixed = np.concatenate([photo(), opacity()], axis=-1)
        seen = on_white(photo(), opacity())
        make = lambda b=bits, k=kind, m=mixed: png_with(codes(m, b).astype(k))  # noqa: E731
        yield Kind(f"png rgba {bits} bits", make, lambda s=seen: s)
        greys, shown = np.concatenate([grey(), opacity()], axis=-1), on_white(grey(), opacity())
        make = lambda b=bits, k=kind, m=greys: png_with(codes(m, b).astype(k))  # noqa: E731
        yield Kind(f"png grey and alpha {bits} bits", make, lambda s=shown: s)
    for bits in (1, 2, 4, 8):
        yield Kind(f"png palette {bits} bits", lambda b=bits: _png_palette(b), lambda b=bits: _reddish(b))
    yield Kind("png grey, one shade transparent", lambda: _png_of(grey(), 4, 0, trns=b"\0\0"), _without_black)
    yield Kind("png interlaced", lambda: _interlaced(eight(photo())), photo)
    yield Kind(
        "apng", lambda: saved(photo_image(), "PNG", save_all=True, append_images=[photo_image()] * 2), photo
    )


def _without_black() -> Shares:
    return np.where(codes(grey(), 4) == 0, 1.0, rounded(grey(), 4))


def _reddish(bits: int) -> Shares:
    shades = rounded(grey(), bits)
    return np.concatenate([shades**0.7, shades, shades**1.4], axis=-1)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png_of(shares: Shares, bits: int, colour_type: int, *, palette: bytes = b"", trns: bytes = b"") -> bytes:
    """A PNG of one channel of up to 16 bits."""
    values = codes(shares[..., 0], bits)
    shifts = np.arange(bits - 1, -1, -1, dtype=np.uint64)
    every = ((values[..., None] >> shifts) & np.uint64(1)).astype(np.uint8).reshape(HEIGHT, -1)
    rows = np.concatenate([np.zeros((HEIGHT, 1), np.uint8), np.packbits(every, axis=1)], axis=1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour_type, 0, 0, 0))
        + (_chunk(b"PLTE", palette) if palette else b"")
        + (_chunk(b"tRNS", trns) if trns else b"")
        + _chunk(b"IDAT", zlib.compress(rows.tobytes()))
        + _chunk(b"IEND", b"")
    )


def _png_palette(bits: int) -> bytes:
    ramp = np.linspace(0, 1, 1 << bits)
    table = np.stack([ramp**0.7, ramp, ramp**1.4], axis=-1)
    return _png_of(grey(), bits, 3, palette=eight(table).tobytes())


def _interlaced(image: np.ndarray) -> bytes:
    """Adam7 (PNG, third edition, 8.1)."""
    passes = (
        (0, 8, 0, 8),
        (0, 8, 4, 8),
        (4, 8, 0, 4),
        (0, 4, 2, 4),
        (2, 4, 0, 2),
        (0, 2, 1, 2),
        (1, 2, 0, 1),
    )
    data = b""
    for top, down, left, across in passes:
        part = image[top::down, left::across]
        flat = part.reshape(len(part), -1)
        data += np.concatenate([np.zeros((len(part), 1), np.uint8), flat], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 1)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(data)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _jpeg() -> Iterator[Kind]:
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        for progressive in (False, True):
            name = f"jpeg {subsampling}{' progressive' if progressive else ''}"
            options = {"quality": 95, "subsampling": subsampling, "progressive": progressive}
            yield Kind(name, lambda o=options: saved(photo_image(), "JPEG", **o), photo, 3)
    yield Kind("jpeg grey", lambda: saved(_grey(), "JPEG", quality=95), grey, 2)
    yield Kind("jpeg cmyk", lambda: saved(photo_image().convert("CMYK"), "JPEG", quality=95), photo, 3)
    yield Kind("jpeg kept as rgb", lambda: saved(photo_image(), "JPEG", quality=95, keep_rgb=True), photo, 3)
    yield Kind(
        "jpeg with restarts",
        lambda: saved(photo_image(), "JPEG", quality=95, restart_marker_rows=1),
        photo,
        3,
    )
    yield Kind(
        "jpeg of several pictures",
        lambda: saved(photo_image(), "MPO", quality=95, save_all=True, append_images=[_grey()]),
        photo,
        3,
    )


def _bmp() -> Iterator[Kind]:
    yield Kind("bmp 24 bits", lambda: saved(photo_image(), "BMP"), photo)
    yield Kind("bmp grey", lambda: saved(_grey(), "BMP"), grey)
    yield Kind(
        "bmp 1 bit",
        lambda: saved(_grey().point(lambda v: 255 * (v > 127), "1"), "BMP"),
        lambda: rounded(grey(), 1),
    )
    palette = photo_image().quantize(64)
    yield Kind("bmp palette", lambda: saved(palette, "BMP"), lambda: np.asarray(palette.convert("RGB")) / 255)
    yield Kind("bmp from the top down", _bmp_upside_down, photo)
    yield Kind("bmp 16 bits 5-6-5", _bmp_565, photo, 5)


def _bmp_header(bits: int, compression: int, height: int, size: int, masks: bytes = b"") -> bytes:
    start = 14 + 40 + len(masks)
    return (
        struct.pack("<2sIII", b"BM", start + size, 0, start)
        + struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, compression, size, 2835, 2835, 0, 0)
        + masks
    )


def _bmp_upside_down() -> bytes:
    rows = np.ascontiguousarray(eight(photo())[..., ::-1]).tobytes()
    return _bmp_header(24, 0, -HEIGHT, len(rows)) + rows


def _bmp_565() -> bytes:
    red, green, blue = (
        codes(photo()[..., k], bits).astype(np.uint16) for k, bits in ((0, 5), (1, 6), (2, 5))
    )
    rows = (red << 11 | green << 5 | blue)[::-1].astype("<u2").tobytes()
    return _bmp_header(16, 3, HEIGHT, len(rows), struct.pack("<III", 0xF800, 0x07E0, 0x001F)) + rows


def _others() -> Iterator[Kind]:
    palette = photo_image().quantize(128)
    seen = lambda: np.asarray(palette.convert("RGB")) / 255  # noqa: E731
    yield Kind("gif", lambda: saved(palette, "GIF"), seen)
    yield Kind("gif interlaced", lambda: saved(palette, "GIF", interlace=1), seen)
    yield Kind("webp", lambda: saved(photo_image(), "WEBP", quality=95), photo, 3)
    yield Kind("webp lossless", lambda: saved(photo_image(), "WEBP", lossless=True), photo)
    rgba = Image.fromarray(eight(np.concatenate([photo(), opacity()], axis=-1)))
    shown = on_white(photo(), opacity())
    yield Kind("webp with alpha", lambda: saved(rgba, "WEBP", lossless=True), lambda: shown)
    for subsampling in ("4:4:4", "4:2:0", "4:0:0"):
        options = {"quality": 95, "subsampling": subsampling}
        wanted = (
            (lambda: np.asarray(photo_image().convert("L"))[..., None] / 255)
            if subsampling == "4:0:0"
            else photo
        )
        yield Kind(f"avif {subsampling}", lambda o=options: saved(photo_image(), "AVIF", **o), wanted, 3)
    yield Kind("avif with alpha", lambda: saved(rgba, "AVIF", quality=95), lambda: shown, 3)
    for bits in (8, 10):
        yield Kind(f"heic {bits} bits", lambda b=bits: heif_file(photo(), b), photo, 3, "pillow_heif")
    for name, image, wanted in (
        ("rgb", photo_image(), photo),
        ("grey", _grey(), grey),
        ("with alpha", rgba, lambda: shown),
    ):
        yield Kind(f"jxl {name}", lambda i=image: _jxl(i), wanted, 3, "pillow_jxl")
    # the plugin says of 16 bits that they are light
    deep = Image.fromarray(codes(light(grey())[..., 0], 16).astype(np.uint16))
    yield Kind("jxl grey 16 bits", lambda: _jxl(deep), grey, 3, "pillow_jxl")


def _jxl(image: Image.Image) -> bytes:
    import pillow_jxl  # noqa: F401 (registers itself with Pillow)

    return saved(image, "JXL", quality=95)


def _orientations() -> Iterator[Kind]:
    for orientation in range(2, 9):
        exif = with_exif(orientation=orientation)
        for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
            options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
            yield Kind(
                f"{kind.lower()} orientation {orientation}",
                lambda k=kind, n=orientation, o=options, e=exif: saved(
                    stored_for(photo_image(), n), k, exif=e, **o
                ),
                photo,
                3,
            )
