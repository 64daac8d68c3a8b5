"""Which decoder a file's content asks for. The name of a file is never looked at."""

from __future__ import annotations

from enum import Enum

from photo_organizer import formats
from photo_organizer.vision.decode.tiff.tiff_structure import TiffStructure

_SUBFILE_TYPE, _COMPRESSION, _MAKE, _SUB_DIRECTORIES, _PREVIEW, _DNG_VERSION = 254, 259, 271, 330, 513, 50706
_ORDINARY_COMPRESSION = frozenset({1, 2, 3, 4, 5, 7, 8, 32773, 32946, 34925, 50000, 50001})


class Container(Enum):
    """File formats by decoder; the values are Pillow's names where Pillow decodes them."""

    JPEG = "JPEG"
    PNG = "PNG"
    GIF = "GIF"
    WEBP = "WEBP"
    BMP = "BMP"
    DIB = "DIB"
    TIFF = "TIFF"
    AVIF = "AVIF"
    HEIF = "HEIF"
    JXL = "JXL"
    RAW = "RAW"
    JPEG_2000 = "JPEG2000"
    PHOTOSHOP = "PSD"
    ICO = "ICO"
    CUR = "CUR"
    ICNS = "ICNS"
    NETPBM = "PPM"
    TARGA = "TGA"
    PCX = "PCX"
    DCX = "DCX"
    DDS = "DDS"
    QOI = "QOI"
    SGI = "SGI"
    SUN = "SUN"
    RADIANCE = "HDR"
    FITS = "FITS"
    PHOTO_CD = "PCD"
    XBM = "XBM"
    XPM = "XPM"
    FLIC = "FLI"
    BLP = "BLP"
    FTEX = "FTEX"
    MSP = "MSP"
    UNSUPPORTED = ""


_PLAIN = {
    formats.JPEG: Container.JPEG,
    formats.PNG: Container.PNG,
    formats.GIF: Container.GIF,
    formats.WEBP: Container.WEBP,
    formats.BMP: Container.BMP,
    formats.AVIF: Container.AVIF,
    formats.HEIF: Container.HEIF,
    formats.JPEG_XL: Container.JXL,
    formats.JPEG_2000: Container.JPEG_2000,
    formats.PHOTOSHOP: Container.PHOTOSHOP,
    formats.ICO: Container.ICO,
    formats.CUR: Container.CUR,
    formats.ICNS: Container.ICNS,
    formats.NETPBM: Container.NETPBM,
    formats.TARGA: Container.TARGA,
    formats.PCX: Container.PCX,
    formats.DCX: Container.DCX,
    formats.DDS: Container.DDS,
    formats.QOI: Container.QOI,
    formats.SGI: Container.SGI,
    formats.SUN_RASTER: Container.SUN,
    formats.RADIANCE: Container.RADIANCE,
    formats.FITS: Container.FITS,
    formats.XBM: Container.XBM,
    formats.XPM: Container.XPM,
    formats.FLIC: Container.FLIC,
    formats.BLP: Container.BLP,
    formats.FTEX: Container.FTEX,
    formats.MSP: Container.MSP,
    formats.UNSUPPORTED: Container.UNSUPPORTED,
}
_PHOTO_CD_AT, _PHOTO_CD = 2048, b"PCD_"


def container_of(data: bytes) -> Container | None:
    """The container that the content shows, or None."""
    told = formats.recognise(data[: formats.HEAD_SIZE])
    if told is formats.TIFF:
        return Container.RAW if _is_raw_tiff(data) else Container.TIFF
    if told is not None and told.is_raw:
        return Container.RAW
    if told is formats.BMP and data[:2] != b"BM":
        return Container.DIB
    if told is None and data[_PHOTO_CD_AT : _PHOTO_CD_AT + 4] == _PHOTO_CD:
        return Container.PHOTO_CD
    return _PLAIN.get(told) if told is not None else None


def _is_raw_tiff(data: bytes) -> bool:
    """Whether a TIFF is a camera's: DNG, NEF, ARW, PEF and others begin with a preview."""
    tiff = TiffStructure.of(data)
    if tiff is None or tiff.is_big:  # BigTIFF is no camera's
        return False
    tags = tiff.directory(tiff.first).entries
    if _DNG_VERSION in tags:
        return True
    if _MAKE not in tags:
        return False
    preview_first = bool((tiff.number(tags.get(_SUBFILE_TYPE)) or 0) & 1) and _SUB_DIRECTORIES in tags
    compression = tiff.number(tags.get(_COMPRESSION))
    odd_compression = compression is not None and compression not in _ORDINARY_COMPRESSION
    return preview_first or odd_compression or (_PREVIEW in tags and _SUB_DIRECTORIES in tags)
