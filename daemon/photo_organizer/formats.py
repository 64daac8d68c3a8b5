"""Image formats, by content and by extension: what the inbox offers, what needs an extra, what nothing opens.

Why a table of our own and not a library (looked at in November 2026): `filetype` 1.2 (last release 2022)
knows no JPEG XL, no RAW but CR2, not the HEIF brands heix, hevc and mif1-only, and wants the whole `ftyp`
box; `puremagic` 1.30 takes every TIFF-like RAW for a TIFF and answers with a ranked list of guesses. Each
costs the daemon about 33 ms and 3 MB at import. The table below costs neither and says which extra is needed.

Sources of the signatures: ISO/IEC 14496-12 and 23008-12 (`ftyp` brands), RFC 9649 (WebP), ISO/IEC 18181-2
(JPEG XL), TIFF 6.0 and BigTIFF, and the makers' RAW headers as libraw and exiftool describe them.
Standard library only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

HEAD_SIZE = 64
"""Bytes from the start of a file that `recognise` needs."""


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """A kind of image file.

    Attributes:
        name: short, lower case, as `why` shows it.
        extensions: lower case with the dot; the first is the usual one.
        extra: the optional part of this program that decodes it ("heif", "raw", "jxl"); None: none is needed.
        is_raw: a camera's raw data, which joins a JPEG or HEIC of the same name as its companion.
        needs_name: whether name and content have to agree, because other files have such names or begin so.
        is_supported: whether anything here opens it.
    """

    name: str
    extensions: tuple[str, ...]
    extra: str | None = None
    is_raw: bool = False
    needs_name: bool = False
    is_supported: bool = True


JPEG = ImageFormat("jpeg", (".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".mpo"))
PNG = ImageFormat("png", (".png", ".apng"))
WEBP = ImageFormat("webp", (".webp",))
BMP = ImageFormat("bmp", (".bmp", ".dib"))
TIFF = ImageFormat("tiff", (".tif", ".tiff"))
GIF = ImageFormat("gif", (".gif",))
HEIF = ImageFormat("heif", (".heic", ".heif", ".hif", ".heics", ".heifs"), extra="heif")
AVIF = ImageFormat("avif", (".avif", ".avifs"))
JPEG_XL = ImageFormat("jpeg xl", (".jxl",), extra="jxl")
JPEG_2000 = ImageFormat("jpeg 2000", (".jp2", ".j2k", ".jpf", ".jpx", ".jpc", ".j2c", ".jph", ".jhc"))
PHOTOSHOP = ImageFormat("photoshop", (".psd", ".psb"))
ICO = ImageFormat("ico", (".ico",))
CUR = ImageFormat("cur", (".cur",))
ICNS = ImageFormat("icns", (".icns",))
NETPBM = ImageFormat("netpbm", (".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".pfm"), needs_name=True)
TARGA = ImageFormat("targa", (".tga", ".icb", ".vda", ".vst"), needs_name=True)
PCX = ImageFormat("pcx", (".pcx",), needs_name=True)
DCX = ImageFormat("dcx", (".dcx",))
DDS = ImageFormat("dds", (".dds",))
QOI = ImageFormat("qoi", (".qoi",))
SGI = ImageFormat("sgi", (".sgi", ".rgb", ".rgba", ".bw"), needs_name=True)
SUN_RASTER = ImageFormat("sun raster", (".ras", ".sun"), needs_name=True)
RADIANCE = ImageFormat("radiance", (".hdr", ".rgbe", ".pic"), needs_name=True)
FITS = ImageFormat("fits", (".fits", ".fit", ".fts"), needs_name=True)
PHOTO_CD = ImageFormat("photo cd", (".pcd",), needs_name=True)
XBM = ImageFormat("xbm", (".xbm",), needs_name=True)
XPM = ImageFormat("xpm", (".xpm",), needs_name=True)
FLIC = ImageFormat("flic", (".fli", ".flc"), needs_name=True)
BLP = ImageFormat("blp", (".blp",))
FTEX = ImageFormat("ftex", (".ftc", ".ftu"), needs_name=True)
MSP = ImageFormat("microsoft paint", (".msp",), needs_name=True)

UNSUPPORTED = ImageFormat("unsupported", (), is_supported=False)
"""Any image that nothing here opens."""

CANON_RAW = ImageFormat("canon raw", (".cr2", ".cr3", ".crw"), extra="raw", is_raw=True)
FUJI_RAW = ImageFormat("fujifilm raw", (".raf",), extra="raw", is_raw=True)
OLYMPUS_RAW = ImageFormat("olympus raw", (".orf", ".ori"), extra="raw", is_raw=True)
PANASONIC_RAW = ImageFormat("panasonic raw", (".rw2", ".rwl"), extra="raw", is_raw=True)
SIGMA_RAW = ImageFormat("sigma raw", (".x3f",), extra="raw", is_raw=True)
MINOLTA_RAW = ImageFormat("minolta raw", (".mrw",), extra="raw", is_raw=True)
PHASE_ONE_RAW = ImageFormat("phase one raw", (".iiq",), extra="raw", is_raw=True)
TIFF_RAW = ImageFormat(
    "raw",
    (
        ".dng", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".arq", ".pef", ".ptx", ".srw", ".gpr", ".3fr",
        ".fff", ".erf", ".kdc", ".dcr", ".dcs", ".mef", ".mos", ".k25",
    ),
    extra="raw",
    is_raw=True,
)  # fmt: skip
"""DNG, Nikon, Sony, Pentax, Samsung, GoPro, Hasselblad, Epson, Kodak, Mamiya, Leaf: TIFF by content."""

IMAGE_FORMATS = (
    JPEG, PNG, WEBP, BMP, TIFF, GIF, HEIF, AVIF, JPEG_XL, JPEG_2000, PHOTOSHOP, ICO, CUR, ICNS, NETPBM, TARGA,
    PCX, DCX, DDS, QOI, SGI, SUN_RASTER, RADIANCE, FITS, PHOTO_CD, XBM, XPM, FLIC, BLP, FTEX, MSP,
    CANON_RAW, FUJI_RAW, OLYMPUS_RAW, PANASONIC_RAW, SIGMA_RAW, MINOLTA_RAW, PHASE_ONE_RAW, TIFF_RAW,
)  # fmt: skip

_UNSUPPORTED_EXTENSIONS = frozenset(
    {
        ".svg", ".svgz", ".jxr", ".wdp", ".hdp", ".exr", ".xcf", ".dpx", ".cin", ".flif", ".bpg", ".djvu",
        ".wmf", ".emf", ".eps", ".kra", ".ora", ".pict", ".pct",
        ".mng", ".jng", ".cdr", ".lfr", ".pdn",
    }
)  # fmt: skip
"""Names of images that have no signature, or one that stands too far within."""


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part of this program: the module that decodes its formats, and their name for people."""

    module: str
    title: str


EXTRAS = {
    "heif": Extra("pillow_heif", "HEIC"),
    "jxl": Extra("pillow_jxl", "JPEG XL"),
    "raw": Extra("rawpy", "RAW"),
}


def available_extras() -> frozenset[str]:
    """Return the extras whose decoders are installed; they are looked for, not imported."""
    return frozenset(name for name, extra in EXTRAS.items() if find_spec(extra.module) is not None)


_BY_EXTENSION = {
    extension: image_format for image_format in IMAGE_FORMATS for extension in image_format.extensions
}

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset(
    {
        b"heic",
        b"heix",
        b"heim",
        b"heis",
        b"hevc",
        b"hevx",
        b"hevm",
        b"hevs",
        b"mif1",
        b"mif2",
        b"mif3",
        b"msf1",
        b"heif",
        b"avci",
        b"avcs",
        b"j2ki",
        b"j2is",
    }
)
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PCX_VERSIONS, _PCX_BITS = (b"\0", b"\2", b"\3", b"\4", b"\5"), (b"\1", b"\2", b"\4", b"\x08")
_DIB_BITS = tuple(bits.to_bytes(2, "little") for bits in (1, 4, 8, 16, 24, 32))
_BMP_HEADER_SIZES = frozenset({12, *range(16, 65), 108, 124})


def _is_bmp(head: bytes) -> bool:
    """'BM' alone is two letters of text: the size of the next header must fit, too."""
    return (
        head[:2] == b"BM" and len(head) >= 18 and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES
    )


def _is_dib(head: bytes) -> bool:
    """A BMP without its file header, as the clipboard has it: one plane, a possible number of bits."""
    bits, compression = head[14:16], int.from_bytes(head[16:20], "little")
    return head[:4] == b"\x28\0\0\0" and head[12:14] == b"\1\0" and bits in _DIB_BITS and compression <= 3


def _box_brands(head: bytes) -> frozenset[bytes]:
    """Major and compatible brands of an ISO base media file, as far as `head` reaches; else none."""
    if head[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return frozenset({head[8:12], *(head[start : start + 4] for start in range(16, end - 3, 4))})


def _recognise_box(head: bytes) -> ImageFormat | None:
    brands = _box_brands(head)
    if head[8:12] == b"crx ":
        return CANON_RAW
    if brands & _AVIF_BRANDS:
        return AVIF
    return HEIF if brands & _HEIF_BRANDS else None


def _is_targa(head: bytes) -> bool:
    """Targa has no signature: every field of its header must be possible."""
    if len(head) < 18:
        return False
    palette, kind, palette_size, palette_bits = head[1], head[2], int.from_bytes(head[5:7], "little"), head[7]
    width, height = int.from_bytes(head[12:14], "little"), int.from_bytes(head[14:16], "little")
    bits, flags = head[16], head[17]
    has_palette = kind in {1, 9}
    return (
        kind in {1, 2, 3, 9, 10, 11}
        and palette == (1 if has_palette else palette)
        and palette <= 1
        and (palette_size > 0 and palette_bits in {15, 16, 24, 32} if palette else palette_size == 0)
        and width > 0
        and height > 0
        and bits in ({8, 16} if has_palette or kind in {3, 11} else {15, 16, 24, 32})
        and flags < 64
        and flags & 15 <= 8
    )


def _is_sgi(head: bytes) -> bool:
    return head[:2] == b"\x01\xda" and head[2:3] in {b"\0", b"\1"} and head[3:6] in {
        bytes((size, 0, dimensions)) for size in (1, 2) for dimensions in (1, 2, 3)
    }  # fmt: skip


def _is_pcx(head: bytes) -> bool:
    version, encoding, bits = head[1:2], head[2:3], head[3:4]
    return head[:1] == b"\n" and version in _PCX_VERSIONS and encoding == b"\1" and bits in _PCX_BITS


def _is_netpbm(head: bytes) -> bool:
    return head[:2] in {b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"P7", b"PF", b"Pf"} and head[2:3].isspace()


def _is_icon(head: bytes, kind: int) -> bool:
    """A directory of at least one picture, with the zeros where they belong."""
    return len(head) >= 22 and head[:4] == bytes((0, 0, kind, 0)) and head[4:6] != b"\0\0" and not head[9]


def _is_flic(head: bytes) -> bool:
    return head[4:6] in {b"\x11\xaf", b"\x12\xaf"} and head[12:14] == b"\x08\0"


_UNSUPPORTED_STARTS = (
    b"II\xbc\x01", b"II\xbc\0", b"\x76\x2f\x31\x01", b"gimp xcf", b"SDPX", b"XPDS",
    b"\x80\x2a\x5f\xd7", b"FLIF", b"BPG\xfb", b"AT&TFORM", b"\xd7\xcd\xc6\x9a", b"\xc5\xd0\xd3\xc6",
    b"%!PS-Adobe-3.0 EPSF", b"%!PS-Adobe-2.0 EPSF",
    b"\x8aMNG\r\n", b"\x8bJNG\r\n", b"<svg", b"farbfeld", b"PDN3",
)  # fmt: skip
"""JPEG XR, OpenEXR, GIMP, DPX, Cineon, FLIF, BPG, DjVu, WMF, EPS, MNG, JNG, SVG, Farbfeld, Paint.NET."""

_JPEG_START = b"\xff\xd8\xff"

_SIGNATURES: tuple[tuple[Callable[[bytes], bool], ImageFormat], ...] = (
    (lambda head: head.startswith(_JPEG_START), JPEG),
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), PNG),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", WEBP),
    (lambda head: head.startswith((b"GIF87a", b"GIF89a")), GIF),
    (lambda head: head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")), JPEG_XL),
    (lambda head: head.startswith(b"II*\0") and head[8:10] == b"CR", CANON_RAW),
    (lambda head: head.startswith(b"II") and head[6:14] == b"HEAPCCDR", CANON_RAW),
    (lambda head: head.startswith(b"FUJIFILMCCD-RAW"), FUJI_RAW),
    (lambda head: head.startswith((b"IIRO", b"IIRS", b"MMOR")), OLYMPUS_RAW),
    (lambda head: head.startswith(b"IIU\0"), PANASONIC_RAW),
    (lambda head: head.startswith(b"FOVb"), SIGMA_RAW),
    (lambda head: head.startswith(b"\0MRM"), MINOLTA_RAW),
    (
        lambda head: head.startswith(b"IIII") or (head[:2] in {b"II", b"MM"} and head[8:12] == b"IIII"),
        PHASE_ONE_RAW,
    ),
    (lambda head: head.startswith(_TIFF_STARTS), TIFF),
    (_is_bmp, BMP),
    (_is_dib, BMP),
    (lambda head: head.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")), JPEG_2000),
    (lambda head: head.startswith((b"8BPS\0\x01", b"8BPS\0\x02")), PHOTOSHOP),
    (lambda head: _is_icon(head, 1), ICO),
    (lambda head: _is_icon(head, 2), CUR),
    (lambda head: head.startswith(b"icns"), ICNS),
    (lambda head: head.startswith(b"\xb1\x68\xde\x3a"), DCX),
    (lambda head: head.startswith(b"DDS "), DDS),
    (lambda head: head.startswith(b"qoif"), QOI),
    (_is_sgi, SGI),
    (lambda head: head.startswith(b"\x59\xa6\x6a\x95"), SUN_RASTER),
    (lambda head: head.startswith((b"#?RADIANCE", b"#?RGBE")), RADIANCE),
    (lambda head: head.startswith(b"SIMPLE  ="), FITS),
    (lambda head: head.startswith(b"/* XPM */"), XPM),
    (lambda head: re.match(rb"(?:/\*.*?\*/)?\s*#define[ \t]+\S+_width[ \t]+\d", head) is not None, XBM),
    (lambda head: head.startswith((b"BLP1", b"BLP2")), BLP),
    (lambda head: head.startswith(b"FTEX"), FTEX),
    (lambda head: head.startswith((b"DanM", b"LinS")), MSP),
    (_is_netpbm, NETPBM),
    (_is_flic, FLIC),
    (lambda head: head.startswith(_UNSUPPORTED_STARTS), UNSUPPORTED),
    (lambda head: head[:4] == b"\1\0\0\0" and head[40:44] == b" EMF", UNSUPPORTED),
    (_is_pcx, PCX),
    (_is_targa, TARGA),
    (lambda head: head.startswith(_JPEG_START[:2]), JPEG),  # with something between its first two markers
)


def recognise(head: bytes) -> ImageFormat | None:
    """The format that the first bytes of a file tell, or None when they are no image's.

    Args:
        head: the first `HEAD_SIZE` bytes, or the whole of a shorter file.

    Most makers' RAW files begin like any TIFF and are answered as TIFF; `identify` tells them by extension.
    """
    if head[4:8] == b"ftyp":
        return _recognise_box(head)
    return next((image_format for matches, image_format in _SIGNATURES if matches(head)), None)


def by_extension(path: str | os.PathLike[str]) -> ImageFormat | None:
    """The format that a name promises, or None for a name that promises no image."""
    return _BY_EXTENSION.get(extension_of(os.fspath(path)))


def identify(head: bytes, path: str | os.PathLike[str]) -> ImageFormat | None:
    """The format of a file by content. The extension tells apart what content cannot: RAW in TIFF, formats
    whose signature proves little, and images that have none.
    """
    told, promised = recognise(head), by_extension(path)
    if told is JPEG and promised is not JPEG and not head.startswith(_JPEG_START):  # two bytes prove little
        return None
    if told is TIFF:
        return promised if promised is not None and promised.is_raw else TIFF
    if told is not None and (promised is told or not told.needs_name):
        return told
    if promised is PHOTO_CD:  # its signature stands 2048 bytes within
        return PHOTO_CD
    return UNSUPPORTED if extension_of(os.fspath(path)) in _UNSUPPORTED_EXTENSIONS else None


def extension_of(name: str) -> str:
    """The last extension of a name or path, lower case with the dot ("" when there is none)."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 and "/" not in name[dot:] else ""
