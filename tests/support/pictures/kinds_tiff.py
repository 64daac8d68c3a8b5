"""The kinds of TIFF: photometric interpretations, depths, layouts and compressions."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from support.pictures.drawn import saved
from support.pictures.kinds import (
    HEIGHT,
    WIDTH,
    Kind,
    Shares,
    codes,
    eight,
    grey,
    inks,
    on_white,
    opacity,
    photo,
    rounded,
)
from support.pictures.tiff_writer import (
    ADOBE_DEFLATE,
    DEFLATE,
    FLOAT,
    JPEG,
    LZMA,
    LZW,
    NONE,
    PACKBITS,
    SIGNED,
    ZSTD,
    Layout,
    write_blocks,
    write_tiff,
)

MIN_IS_WHITE, MIN_IS_BLACK, RGB, PALETTE, SEPARATED, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
_COMPRESSIONS = {
    "lzw": LZW, "packbits": PACKBITS, "deflate": DEFLATE, "adobe deflate": ADOBE_DEFLATE, "lzma": LZMA,
    "zstd": ZSTD,
}  # fmt: skip


def tiff_kinds() -> Iterator[Kind]:
    """All of them."""
    yield from _depths()
    yield from _compressed()
    yield from _layouts()
    yield from _palettes()
    yield from _with_alpha()
    yield from _inks()
    yield from _lab()
    yield from _ycbcr()
    yield from _fax()
    yield from _files_within()
    yield from _signed()
    yield from _floating_point()


def _kind(
    name: str, shares: Shares, layout: Layout, seen: Shares | None = None, tolerance: float = 1.5
) -> Kind:
    """A TIFF whose samples are `shares` in the layout's depth; it shows `seen`, else just those."""
    deep = shares.astype(np.float64) if layout.sample_format == FLOAT else codes(shares, layout.bits)
    shown = seen if seen is not None else shares
    if seen is None and layout.sample_format != FLOAT:
        shown = rounded(shares, layout.bits)
    return Kind(f"tiff {name}", lambda: write_tiff(deep, layout), lambda: shown, tolerance)


def _depths() -> Iterator[Kind]:
    for bits in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 24, 32, 64):
        yield _kind(f"grey {bits} bits", grey(), Layout(bits, photometric=MIN_IS_BLACK))
    for bits in (1, 4, 8, 12, 16):
        layout = Layout(bits, photometric=MIN_IS_WHITE)
        yield _kind(f"min is white {bits} bits", 1 - grey(), layout, 1 - rounded(1 - grey(), bits))
    for bits in (2, 4, 5, 8, 10, 12, 14, 16, 24, 32, 64):
        yield _kind(f"rgb {bits} bits", photo(), Layout(bits))
    for bits in (4, 8, 12, 16, 32):
        yield _kind(f"rgb {bits} bits planar", photo(), Layout(bits, planar=True))
    for bits in (16, 24, 32, 64):
        yield _kind(f"rgb float{bits}", photo(), Layout(bits, FLOAT))
        yield _kind(f"grey float{bits}", grey(), Layout(bits, FLOAT, MIN_IS_BLACK))


def _compressed() -> Iterator[Kind]:
    for name, compression in _COMPRESSIONS.items():
        yield _kind(f"rgb {name}", photo(), Layout(compression=compression))
        yield _kind(
            f"grey 12 bits {name}", grey(), Layout(12, photometric=MIN_IS_BLACK, compression=compression)
        )
    for bits in (8, 16, 32):
        yield _kind(f"rgb {bits} bits lzw predictor", photo(), Layout(bits, compression=LZW, predictor=2))
    for bits in (16, 32, 64):
        layout = Layout(bits, FLOAT, compression=ADOBE_DEFLATE, predictor=3)
        yield _kind(f"rgb float{bits} predictor", photo(), layout)


def _layouts() -> Iterator[Kind]:
    for bits in (12, 16, 32):
        yield _kind(f"rgb {bits} bits big-endian", photo(), Layout(bits, order=">"))
    yield _kind("rgb float32 big-endian", photo(), Layout(32, FLOAT, order=">"))
    yield _kind("rgb float24 big-endian", photo(), Layout(24, FLOAT, order=">"))
    predicted = Layout(16, order=">", compression=LZW, predictor=2)
    yield _kind("rgb 16 bits big-endian predictor", photo(), predicted)
    yield _kind("bigtiff", photo(), Layout(big=True))
    yield _kind("bigtiff big-endian 16 bits", photo(), Layout(16, order=">", big=True))
    yield _kind("tiles", photo(), Layout(tile=(32, 48)))
    yield _kind("tiles 16 bits planar lzw", photo(), Layout(16, planar=True, tile=(80, 16), compression=LZW))
    yield _kind("tiles larger than the picture", photo(), Layout(tile=(128, 128), compression=ADOBE_DEFLATE))
    yield _kind("one row a strip", photo(), Layout(rows=1))
    yield _kind("rows a strip that do not divide the height", photo(), Layout(12, rows=15))
    yield _kind("fill order 2 grey 4 bits", grey(), Layout(4, photometric=MIN_IS_BLACK, reversed_bits=True))
    yield _kind("fill order 2 rgb deflate", photo(), Layout(compression=ADOBE_DEFLATE, reversed_bits=True))
    yield _kind("without sizes of strips", photo(), Layout(without_sizes=True))
    yield _kind("without sizes of strips, deflate", photo(), Layout(compression=DEFLATE, without_sizes=True))


def _palettes() -> Iterator[Kind]:
    for bits in (2, 4, 8, 16):
        for top, name in ((65535, ""), (255, " of 8 bits")):
            # the colour of each grey: reddish in the dark, bluish in the light
            ramp = np.linspace(0, 1, 1 << bits)
            table = np.stack([ramp**0.7, ramp, ramp**1.4])
            colour_map = (3, np.rint(table * top).astype(int).reshape(-1).tolist())
            layout = Layout(bits, photometric=PALETTE, tags={320: colour_map})
            seen = table.T[codes(grey()[..., 0], bits).astype(int)]
            yield _kind(f"palette {bits} bits, map{name or ' of 16 bits'}", grey(), layout, seen)


def _with_alpha() -> Iterator[Kind]:
    seen, alpha = on_white(photo(), opacity()), opacity()
    for bits in (8, 16):
        mixed = np.concatenate([photo(), alpha], axis=-1)
        yield _kind(f"rgba {bits} bits", mixed, Layout(bits, extra=(2,)), seen)
        ahead = np.concatenate([photo() * alpha, alpha], axis=-1)
        yield _kind(f"rgba {bits} bits associated", ahead, Layout(bits, extra=(1,)), seen)
        greys = np.concatenate([grey(), alpha], axis=-1)
        layout = Layout(bits, photometric=MIN_IS_BLACK, extra=(2,))
        yield _kind(f"grey and alpha {bits} bits", greys, layout, on_white(grey(), alpha))
    planar = Layout(16, planar=True, extra=(2,))
    yield _kind("rgba 16 bits planar", np.concatenate([photo(), alpha], axis=-1), planar, seen)
    depth = np.concatenate([photo(), 1 - alpha], axis=-1)
    yield _kind("rgb with a fourth channel of no meaning", depth, Layout(extra=(0,)), photo())
    both = np.concatenate([photo(), 1 - alpha, alpha], axis=-1)
    yield _kind("rgb with another channel before alpha", both, Layout(extra=(0, 2)), seen)


def _inks() -> Iterator[Kind]:
    four, alpha = inks(photo()), opacity()
    for bits in (8, 16):
        yield _kind(f"cmyk {bits} bits", four, Layout(bits, photometric=SEPARATED), photo(), 2.5)
    yield _kind("cmyk planar", four, Layout(photometric=SEPARATED, planar=True), photo(), 2.5)
    yield _kind("cmyk float16", four, Layout(16, FLOAT, SEPARATED), photo(), 2.5)
    spots = np.concatenate([four, alpha, 1 - alpha], axis=-1)
    layout = Layout(photometric=SEPARATED, extra=(0, 0), tags={332: (3, [1]), 334: (3, [6])})
    yield _kind("cmyk with spot channels", spots, layout, photo(), 2.5)
    clear = np.concatenate([four, alpha], axis=-1)
    yield _kind(
        "cmyk and alpha", clear, Layout(photometric=SEPARATED, extra=(2,)), on_white(photo(), alpha), 2.5
    )


def _lab() -> Iterator[Kind]:
    lab = cv2.cvtColor(photo().astype(np.float32), cv2.COLOR_RGB2Lab).astype(np.float64)
    signed = lab * [255 / 100, 1, 1]
    for bits in (8, 16):
        scale, top = 1 << (bits - 8), (1 << bits) - 1
        as_codes = np.rint(signed * ([top / 255, scale, scale])).astype(np.int64) & top
        layout = Layout(bits, photometric=CIELAB)
        yield Kind(f"tiff cielab {bits} bits", lambda c=as_codes, lay=layout: write_tiff(c, lay), photo)
        white = 65280 if bits == 16 else 255
        moved = np.stack(
            [lab[..., 0] / 100 * white, *((lab[..., k] + 128) * scale for k in (1, 2))], axis=-1
        ).round()
        icc = Layout(bits, photometric=ICCLAB)
        yield Kind(f"tiff icclab {bits} bits", lambda c=moved, lay=icc: write_tiff(c, lay), photo)
    yield _kind("cielab float32", lab, Layout(32, FLOAT, CIELAB), photo())


def _ycbcr() -> Iterator[Kind]:
    y_cr_cb = cv2.cvtColor(eight(photo()), cv2.COLOR_RGB2YCrCb)
    whole = y_cr_cb[..., [0, 2, 1]]
    for across, down in ((1, 1), (2, 1), (2, 2), (4, 2)):
        for name, compression in (("", NONE), (" lzw", LZW)):
            layout = Layout(
                photometric=YCBCR, compression=compression, tags={530: (3, [across, down])}, rows=HEIGHT
            )
            make = _subsampled(whole, across, down, layout)
            yield Kind(f"tiff ycbcr {across}x{down}{name}", make, photo, 2.5)


def _subsampled(whole: np.ndarray, across: int, down: int, layout: Layout):  # noqa: ANN202 (a Callable)
    light_units = whole[..., 0].reshape(HEIGHT // down, down, WIDTH // across, across).transpose(0, 2, 1, 3)
    colours = whole[..., 1:].reshape(HEIGHT // down, down, WIDTH // across, across, 2).mean(axis=(1, 3))
    units = np.concatenate(
        [light_units.reshape(HEIGHT // down, WIDTH // across, -1), np.rint(colours).astype(np.uint8)], axis=-1
    )
    rows = np.ascontiguousarray(units.reshape(HEIGHT // down, -1))

    def make() -> bytes:
        from support.pictures.tiff_writer import compress

        return write_blocks([compress(rows, layout.compression)], (WIDTH, HEIGHT, 3), layout)

    return make


def _fax() -> Iterator[Kind]:
    bilevel = Image.fromarray(codes(grey()[..., 0], 1).astype(bool))
    for name in ("tiff_ccitt", "group3", "group4"):
        for photometric in (MIN_IS_WHITE, MIN_IS_BLACK):
            tags = {262: photometric}
            yield Kind(
                f"tiff {name} photometric {photometric}",
                lambda n=name, t=tags: saved(bilevel, "TIFF", compression=n, tiffinfo=t),
                lambda: rounded(grey(), 1),
            )


def _files_within() -> Iterator[Kind]:
    image = Image.fromarray(eight(photo()))
    size = (WIDTH, HEIGHT, 3)
    for name, mode in (("rgb", "RGB"), ("ycbcr", "YCbCr"), ("grey", "L"), ("cmyk", "CMYK")):
        seen = (lambda: np.asarray(image.convert("L"))[..., None] / 255) if mode == "L" else photo
        picture = image.convert(mode)
        yield Kind(
            f"tiff jpeg {name}",
            lambda p=picture: saved(p, "TIFF", compression="jpeg", quality=95),
            seen,
            3,
        )
    webp, within = saved(image, "WEBP", lossless=True), Layout(compression=50001, rows=HEIGHT)
    yield Kind("tiff webp", lambda: write_blocks([webp], size, within), photo)
    coded = saved(image, "JPEG2000", no_jp2=True)
    for compression in (33005, 34712):
        layout = Layout(compression=compression, rows=HEIGHT)
        yield Kind(f"tiff jpeg 2000 {compression}", lambda c=layout: write_blocks([coded], size, c), photo, 2)
    ycc = np.asarray(image.convert("YCbCr"))
    aperio = saved(Image.fromarray(ycc), "JPEG2000", no_jp2=True, mct=0)
    for compression in (33003, 33004):
        layout = Layout(compression=compression, rows=HEIGHT)
        yield Kind(
            f"tiff jpeg 2000 {compression}", lambda c=layout: write_blocks([aperio], size, c), photo, 2
        )
    old = Layout(compression=JPEG, rows=HEIGHT, planar=True)
    planes = [saved(Image.fromarray(eight(photo())[..., k]), "JPEG", quality=95) for k in range(3)]
    yield Kind("tiff jpeg planar", lambda: write_blocks(planes, size, old), photo, 3)


def _signed() -> Iterator[Kind]:
    for bits in (8, 16):
        half = 1 << (bits - 1)
        moved = codes(photo(), bits) ^ np.uint64(half)
        layout = Layout(bits, SIGNED)
        yield Kind(f"tiff signed {bits} bits", lambda c=moved, lay=layout: write_tiff(c, lay), photo)
    plain, called_signed = codes(photo(), 8), Layout(8, SIGNED)
    yield Kind("tiff unsigned called signed", lambda: write_tiff(plain, called_signed), photo)


def _floating_point() -> Iterator[Kind]:
    bright = photo().copy()
    bright[30, 30] = 20
    seen = photo().copy()
    seen[30, 30] = 1
    layout = Layout(32, FLOAT)
    yield _kind("float with one highlight of 20", bright, layout, seen)
    infinite = bright.copy()
    infinite[30, 30] = np.inf
    yield _kind("float with one infinite pixel", infinite, layout, seen)
    empty = photo().copy()
    empty[30, 30] = np.nan
    dark = seen.copy()
    dark[30, 30] = 0
    yield _kind("float with one pixel that is no number", empty, layout, dark)
    negative = photo().copy()
    negative[30, 30] = -5
    yield _kind("float with one negative pixel", negative, layout, dark)
    yield _kind("float from 0 to 255", photo() * 255, layout, photo())
    yield _kind("float from 0 to 65535", photo() * 65535, layout, photo())
