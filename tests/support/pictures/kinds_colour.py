"""The kinds of colour: profiles, what formats say of colours in their own way, and HDR."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageCms

from photo_organizer.vision.decode.colour.colour_space import BT709, BT2020, Chromaticities, matrix_profile
from support.pictures.drawn import saved, with_exif
from support.pictures.kinds import HEIGHT, WIDTH, Kind, Shares, codes, eight, grey, light, photo

P3: Chromaticities = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
PQ, HLG = 16, 18
_PRIMARIES = {1: BT709, 9: BT2020, 12: P3}


def colour_kinds() -> Iterator[Kind]:
    """All of them."""
    yield from _profiles()
    yield from _png_chunks()
    yield from _hdr_png()
    yield from _hdr_heif()
    yield from _hdr_jxl()


def in_space(shares: Shares, chromaticities: Chromaticities, gamma: float | None = None) -> Shares:
    """The sRGB picture in the codes of another space."""
    linear = np.clip(light(shares) @ _matrix(chromaticities).T, 0, 1)
    return _encoded(linear) if gamma is None else linear ** (1 / gamma)


def _matrix(chromaticities: Chromaticities) -> np.ndarray:
    """From linear sRGB to linear light of other primaries with the same white, by hand (SMPTE RP 177)."""

    def to_xyz(space: Chromaticities) -> np.ndarray:
        x, y = np.array(space[2::2]), np.array(space[3::2])
        columns = np.stack([x / y, np.ones(3), (1 - x - y) / y])
        white = np.array([space[0] / space[1], 1, (1 - space[0] - space[1]) / space[1]])
        return columns * np.linalg.solve(columns, white)

    return np.linalg.inv(to_xyz(chromaticities)) @ to_xyz(BT709)


def _encoded(linear: Shares) -> Shares:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def grey_profile(gamma: float) -> bytes:
    """An ICC profile for grey (ICC.1:2010)."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"Grey\0" + bytes(78 + 1)
    return _profile(b"GRAY", {b"desc": name, b"wtpt": white, b"kTRC": curve})


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = 132 + 12 * len(tags)
    for name, value in tags.items():
        padded = value + bytes(-len(value) % 4)
        table += struct.pack(">4sII", name, start + len(body), len(value))
        body += padded
    head = struct.pack(
        ">I4sI4s4s4s12x4s", start + len(body), bytes(4), 0x02400000, b"mntr", space, b"XYZ ", b"acsp"
    )
    head += bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body


def tags_of(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * number) for number in range(count)]
    return {name: profile[offset : offset + size] for name, offset, size in entries}


def _profiles() -> Iterator[Kind]:
    for gamma in (1.0, 1.8, 2.8):
        stored = Image.fromarray(eight((light(grey()) ** (1 / gamma))[..., 0]))
        profile = grey_profile(gamma)
        for kind in ("JPEG", "PNG", "TIFF", "AVIF"):
            options = {"JPEG": {"quality": 98}, "AVIF": {"quality": 98, "subsampling": "4:0:0"}}.get(kind, {})
            yield Kind(
                f"{kind.lower()} grey, icc gamma {gamma}",
                lambda k=kind, o=options, s=stored, p=profile: saved(s, k, icc_profile=p, **o),
                grey,
                3,
            )
    spaces = {
        "display p3": matrix_profile(P3, None),
        "rec 2020 gamma 2.2": matrix_profile(BT2020, 2.2),
        "linear rec 2020": matrix_profile(BT2020, 1.0),
        "linear but called sRGB": _renamed(matrix_profile(BT709, 1.0)),
    }
    stored_as = {
        "display p3": in_space(photo(), P3),
        "rec 2020 gamma 2.2": in_space(photo(), BT2020, 2.2),
        "linear rec 2020": in_space(photo(), BT2020, 1.0),
        "linear but called sRGB": light(photo()),
    }
    for name, profile in spaces.items():
        image = Image.fromarray(eight(stored_as[name]))
        for kind, options in (
            ("JPEG", {"quality": 98, "subsampling": 0}),
            ("PNG", {}),
            ("WEBP", {"lossless": True}),
            ("TIFF", {}),
            ("AVIF", {"quality": 98, "subsampling": "4:4:4"}),
        ):
            yield Kind(
                f"{kind.lower()} {name}",
                lambda k=kind, o=options, i=image, p=profile: saved(i, k, icc_profile=p, **o),
                photo,
                4,
            )
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = Image.fromarray(eight(photo()))
    yield Kind("png srgb profile", lambda: saved(plain, "PNG", icc_profile=srgb), photo)
    yield Kind("rgb png, profile for grey", lambda: saved(plain, "PNG", icc_profile=grey_profile(1.0)), photo)
    swapped = tags_of(matrix_profile(BT709, None))
    swapped[b"rXYZ"], swapped[b"bXYZ"] = swapped[b"bXYZ"], swapped[b"rXYZ"]
    turned, profile = Image.fromarray(eight(photo()[..., ::-1])), _profile(b"RGB ", swapped)
    yield Kind(
        "png, profile with red and blue swapped", lambda: saved(turned, "PNG", icc_profile=profile), photo
    )


def _renamed(profile: bytes) -> bytes:
    tags = tags_of(profile)
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 12) + b"sRGB linear\0" + bytes(78)
    return _profile(b"RGB ", tags)


def png_with(image: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of 8 or 16 bits, grey or RGB or RGBA, with these chunks before its pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    height, width, channels = image.shape
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    bits = 8 * image.dtype.itemsize
    rows = image.astype(image.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0))
        + b"".join(chunk(*given) for given in chunks)
        + chunk(b"IDAT", zlib.compress(filtered.tobytes()))
        + chunk(b"IEND", b"")
    )


def _gamma(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def _chromaticities(space: Chromaticities) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in space))


def _code_points(primaries: int, transfer: int) -> tuple[bytes, bytes]:
    return b"cICP", bytes((primaries, transfer, 0, 1))


def _png_chunks() -> Iterator[Kind]:
    plain = eight(photo())
    given: dict[str, tuple[np.ndarray, tuple[tuple[bytes, bytes], ...]]] = {
        "gAMA 1": (eight(light(photo())), (_gamma(1),)),
        "gAMA 1 of 16 bits": (codes(light(photo()), 16).astype(np.uint16), (_gamma(1),)),
        "gAMA 1/1.8": (eight(light(photo()) ** (1 / 1.8)), (_gamma(1 / 1.8),)),
        "gAMA 1/2.2": (plain, (_gamma(0.45455),)),
        "gAMA 1 and sRGB": (plain, (_gamma(1), (b"sRGB", b"\0"))),
        "gAMA and cHRM of P3": (eight(in_space(photo(), P3)), (_gamma(0.45455), _chromaticities(P3))),
        "gAMA 1 and cHRM of Rec 2020": (
            codes(in_space(photo(), BT2020, 1.0), 16).astype(np.uint16),
            (_gamma(1), _chromaticities(BT2020)),
        ),
        "cHRM of sRGB": (plain, (_chromaticities(BT709),)),
        "cHRM of nothing": (plain, ((b"cHRM", bytes(32)),)),
        "gAMA 0": (plain, (_gamma(0),)),
        "cICP sRGB and gAMA 1": (plain, (_code_points(1, 13), _gamma(1))),
        "cICP P3": (eight(in_space(photo(), P3)), (_code_points(12, 13),)),
        "cICP linear": (codes(light(photo()), 16).astype(np.uint16), (_code_points(1, 8),)),
    }
    for name, (image, chunks) in given.items():
        yield Kind(f"png {name}", lambda i=image, c=chunks: png_with(i, *c), photo, 3)
    stored = eight(light(grey()))
    yield Kind("grey png gAMA 1", lambda: png_with(stored, _gamma(1)), grey, 3)


def hdr_codes(shares: Shares, transfer: int, primaries: int = 9) -> Shares:
    """The sRGB picture in PQ or HLG, white at 203 cd/m2 or 75 % (BT.2408)."""
    linear = np.clip(light(shares) @ _matrix(_PRIMARIES[primaries]).T, 0, None)
    if transfer == PQ:
        power = (linear * 203 / 10_000) ** (2610 / 16384)
        return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    scene = linear * (np.exp((0.75 - 0.55991073) / 0.17883277) + 0.28466892) / 12
    above = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), above)


def _hdr_png() -> Iterator[Kind]:
    for name, transfer in (("pq", PQ), ("hlg", HLG)):
        for primaries in (1, 9, 12):
            for bits in (8, 16):
                image = codes(hdr_codes(photo(), transfer, primaries), bits).astype(f"u{bits // 8}")
                chunk = _code_points(primaries, transfer)
                yield Kind(
                    f"png {name}, primaries {primaries}, {bits} bits",
                    lambda i=image, c=chunk: png_with(i, c),
                    photo,
                    3,
                )


def _with_colr(file: bytes, primaries: int, transfer: int) -> bytes:
    """A HEIC or AVIF that names other primaries and another transfer function for the same samples."""
    at = file.index(b"colrnclx") + 8
    return file[:at] + struct.pack(">HH", primaries, transfer) + file[at + 4 :]


def _in_codestream(file: bytes, primaries: int, transfer: int) -> bytes:
    """An AVIF whose sequence header alone names the colours: after six flags, the three code points of sRGB.

    libaom writes 1, 13 and 6, as Pillow's own property says.
    """
    bits = int.from_bytes(file)
    length = 8 * len(file)
    at = file.index(b"\x0a", file.index(b"mdat")) * 8  # the unit of the sequence header
    old, width = 1 << 16 | 13 << 8 | 6, 24
    place = next(
        shift
        for shift in range(length - at - width, length - at - 160, -1)
        if bits >> shift & ((1 << width) - 1) == old
    )
    bits += ((primaries << 16 | transfer << 8 | 6) - old) << place
    return bits.to_bytes(len(file)).replace(b"colrnclx", b"freenclx")


def heif_file(shares: Shares, bits: int) -> bytes:
    """A HEIC of 8 or 10 bits, without loss but for the turn to YCbCr."""
    import pillow_heif

    mode, kind = ("RGB;16", np.uint16) if bits > 8 else ("RGB", np.uint8)
    samples = codes(shares, 16 if bits > 8 else 8).astype(kind)
    file = io.BytesIO()
    image = pillow_heif.from_bytes(mode, (WIDTH, HEIGHT), samples.tobytes())
    image.save(file, quality=95, chroma=444, matrix_coefficients=1)
    return file.getvalue()


def _hdr_heif() -> Iterator[Kind]:
    for name, transfer in (("pq", PQ), ("hlg", HLG)):
        stored = hdr_codes(photo(), transfer)
        for bits in (8, 10):
            yield Kind(
                f"heic {name} {bits} bits",
                lambda s=stored, b=bits, t=transfer: _with_colr(heif_file(s, b), 9, t),
                photo,
                4,
                "pillow_heif",
            )
        image = Image.fromarray(eight(stored))
        yield Kind(
            f"avif {name}",
            lambda i=image, t=transfer: _with_colr(saved(i, "AVIF", quality=98, subsampling="4:4:4"), 9, t),
            photo,
            4,
        )
    for name, transfer in (("pq", PQ), ("hlg", HLG)):
        image = Image.fromarray(eight(hdr_codes(photo(), transfer)))
        exif = {"exif": with_exif(make="Maker")}
        for beside, options in (("", {}), (", after EXIF", exif)):
            yield Kind(
                f"avif {name} by the codestream alone{beside}",
                lambda i=image, t=transfer, o=options: _in_codestream(
                    saved(i, "AVIF", quality=98, subsampling="4:4:4", **o), 9, t
                ),
                photo,
                4,
            )
    stored = in_space(photo(), P3)
    yield Kind("heic nclx p3", lambda: _with_colr(heif_file(stored, 8), 12, 13), photo, 4, "pillow_heif")
    image = Image.fromarray(eight(stored))
    make = lambda: _with_colr(saved(image, "AVIF", quality=98, subsampling="4:4:4"), 12, 13)  # noqa: E731
    yield Kind("avif nclx p3", make, photo, 4)


def _hdr_jxl() -> Iterator[Kind]:
    for name, transfer in (("pq", PQ), ("hlg", HLG)):
        tags = tags_of(matrix_profile(BT2020, 2.2))
        tags[b"cicp"] = b"cicp\0\0\0\0" + bytes((9, transfer, 0, 1))
        profile = _profile(b"RGB ", tags)
        image = Image.fromarray(eight(hdr_codes(photo(), transfer)))
        for kind, options in (("JPEG", {"quality": 98, "subsampling": 0}), ("PNG", {})):
            yield Kind(
                f"{kind.lower()} {name} by the profile",
                lambda k=kind, o=options, i=image, p=profile: saved(i, k, icc_profile=p, **o),
                photo,
                4,
            )
        yield Kind(f"jxl {name}", lambda i=image, t=transfer: _jxl_in(i, t), photo, 4, "pillow_jxl")


def _jxl_in(image: Image.Image, transfer: int) -> bytes:
    """A lossless JPEG XL whose header says BT.2020 and `transfer`: the plugin itself writes sRGB only.

    Its header is a string of bits, filled up to a whole byte (ISO/IEC 18181-1, annexes A to E): the size,
    then the metadata, in which one bit says that the colours are sRGB's.
    """
    import pillow_jxl  # noqa: F401 (registers itself with Pillow)

    file = saved(image, "JXL", lossless=True)
    assert file[:2] == b"\xff\x0a"
    bits = np.unpackbits(np.frombuffer(file[2:6], np.uint8), bitorder="little").tolist()
    # 9 bits of the size, 9 of depth and channels; then: default colours; no extension; a default
    size, colours, rest = bits[:9], bits[18], bits[19:22]
    assert size[0] == 1
    assert (colours, rest) == (1, [0, 0, 1])
    code = {PQ: [0, 1, 0, 1, 1, 1], HLG: [1, 1, 0, 0, 0, 0, 0, 0]}[transfer]
    # not the default, no profile, RGB, D65, BT.2020, no gamma, the transfer function, relative intent
    named = [0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1, 0, 0, *code, 1, 0]
    head = np.packbits(bits[:18] + named + rest, bitorder="little").tobytes()
    return file[:2] + head + file[2 + 3 :]
