"""Image formats, by content and by extension: what the inbox offers, and what needs an extra.

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
from collections.abc import Callable
from dataclasses import dataclass

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
    """

    name: str
    extensions: tuple[str, ...]
    extra: str | None = None
    is_raw: bool = False


JPEG = ImageFormat("jpeg", (".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".mpo"))
PNG = ImageFormat("png", (".png", ".apng"))
WEBP = ImageFormat("webp", (".webp",))
BMP = ImageFormat("bmp", (".bmp", ".dib"))
TIFF = ImageFormat("tiff", (".tif", ".tiff"))
GIF = ImageFormat("gif", (".gif",))
HEIF = ImageFormat("heif", (".heic", ".heif", ".hif", ".heics", ".heifs"), extra="heif")
AVIF = ImageFormat("avif", (".avif", ".avifs"))
JPEG_XL = ImageFormat("jpeg xl", (".jxl",), extra="jxl")

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
    JPEG, PNG, WEBP, BMP, TIFF, GIF, HEIF, AVIF, JPEG_XL,
    CANON_RAW, FUJI_RAW, OLYMPUS_RAW, PANASONIC_RAW, SIGMA_RAW, MINOLTA_RAW, PHASE_ONE_RAW, TIFF_RAW,
)  # fmt: skip

EXTRAS = tuple(sorted({image_format.extra for image_format in IMAGE_FORMATS if image_format.extra}))

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
    }
)
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def _is_bmp(head: bytes) -> bool:
    """'BM' alone is two letters of text: the reserved bytes and the size of the next header must fit too."""
    return (
        head[:2] == b"BM"
        and len(head) >= 18
        and head[6:10] == bytes(4)
        and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES
    )


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


_SIGNATURES: tuple[tuple[Callable[[bytes], bool], ImageFormat], ...] = (
    (lambda head: head.startswith(b"\xff\xd8\xff"), JPEG),
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
    """The format of a file by content; the extension only tells apart what content cannot (RAW in TIFF)."""
    told = recognise(head)
    if told is TIFF:
        promised = by_extension(path)
        return promised if promised is not None and promised.is_raw else TIFF
    return told


def extension_of(name: str) -> str:
    """The last extension of a name or path, lower case with the dot ("" when there is none)."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 and "/" not in name[dot:] else ""
