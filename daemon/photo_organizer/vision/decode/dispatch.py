"""Which decoders are asked for a picture, in which order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from photo_organizer.vision.decode.budget.memory import release_frames
from photo_organizer.vision.decode.containers import Container, container_of
from photo_organizer.vision.decode.formats.avif_items import avif_of_distinct_items
from photo_organizer.vision.decode.formats.bmp_masks import decode_bmp_masks
from photo_organizer.vision.decode.formats.bmp_rle import decode_bmp
from photo_organizer.vision.decode.formats.icons import decode_icon
from photo_organizer.vision.decode.formats.jpeg import decode_jpeg, decode_jpeg_with_gaps
from photo_organizer.vision.decode.formats.jxl import decode_jxl
from photo_organizer.vision.decode.formats.mended import avif_of_pictures, mended_avif, mended_bmp, mended_png
from photo_organizer.vision.decode.formats.netpbm import decode_netpbm
from photo_organizer.vision.decode.formats.opencv import decode_opencv
from photo_organizer.vision.decode.formats.optional_formats import decode_heif
from photo_organizer.vision.decode.formats.pcx import decode_pcx
from photo_organizer.vision.decode.formats.photoshop import decode_photoshop
from photo_organizer.vision.decode.formats.radiance import decode_radiance
from photo_organizer.vision.decode.formats.raster import decode_first_frame, decode_mended, decode_raster
from photo_organizer.vision.decode.formats.targa import decode_targa
from photo_organizer.vision.decode.formats.xpm import decode_xpm
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.decode.raw.raw import decode_raw
from photo_organizer.vision.decode.tiff.tiff import decode_tiff
from photo_organizer.vision.outcome import (
    DecoderRefusedError,
    PhotoRejectedError,
    RejectionKind,
)

Decoder = Callable[[Task], Picture]

_DECODERS: dict[Container, tuple[Decoder, ...]] = {
    Container.JPEG: (
        decode_jpeg,
        partial(decode_raster, container="JPEG"),
        decode_jpeg_with_gaps,
    ),
    Container.PNG: (
        partial(decode_raster, container="PNG"),
        partial(decode_mended, container="PNG", mend=mended_png),
        partial(decode_first_frame, container="PNG"),
        partial(decode_opencv, container="PNG"),
    ),
    Container.BMP: (
        decode_bmp,
        decode_bmp_masks,
        partial(decode_mended, container="BMP", mend=mended_bmp),
        partial(decode_opencv, container="BMP"),
    ),
    Container.AVIF: (
        partial(decode_raster, container="AVIF"),
        partial(decode_mended, container="AVIF", mend=mended_avif),
        partial(decode_mended, container="AVIF", mend=avif_of_pictures),
        partial(decode_mended, container="AVIF", mend=avif_of_distinct_items),
        partial(decode_first_frame, container="AVIF"),
        partial(decode_opencv, container="AVIF"),
        decode_heif,
    ),
    Container.HEIF: (
        decode_heif,
        partial(decode_raster, container="AVIF"),
        partial(decode_opencv, container="AVIF"),
    ),
    Container.JXL: (decode_jxl,),
    Container.PHOTOSHOP: (decode_photoshop, partial(decode_raster, container="PSD")),
    Container.TARGA: (partial(decode_raster, container="TGA"), decode_targa),
    Container.PCX: (partial(decode_raster, container="PCX"), decode_pcx),
    Container.RAW: (decode_raw, decode_tiff),
    Container.TIFF: (decode_tiff,),
    Container.ICO: (decode_icon,),
    Container.CUR: (decode_icon,),
    Container.ICNS: (decode_icon,),
    Container.RADIANCE: (decode_radiance,),
    Container.NETPBM: (decode_netpbm,),
    Container.XPM: (decode_xpm,),
}
"""The decoders of a format in the order in which they are tried. Other formats: Pillow, then OpenCV."""


def open_picture(task: Task) -> Picture:
    """Return the picture from the first decoder that succeeds.

    Raises:
        PhotoRejectedError: none does; with the first decoder's reason. If a limit is exceeded or the file is
            incomplete, no other decoder is tried.
    """
    container = container_of(task.data)
    if container is None:
        raise PhotoRejectedError(
            RejectionKind.NOT_AN_IMAGE, "the content is not that of a known image format"
        )
    if container is Container.UNSUPPORTED:
        raise PhotoRejectedError(RejectionKind.UNSUPPORTED, "an image of a format that is not supported")
    first, *others = decoders_of(container)
    try:
        return first(task)
    except DecoderRefusedError as refusal:
        release_frames(refusal)
        for decoder in others:
            try:
                return decoder(task)
            except PhotoRejectedError as error:  # what counts is what the format's own decoder said
                release_frames(error)
        raise refusal from refusal.__cause__


def decoders_of(container: Container) -> tuple[Decoder, ...]:
    """Return the decoders of a format in the order in which they are tried."""
    usual = (
        partial(decode_raster, container=container.value),
        partial(decode_first_frame, container=container.value),
        partial(decode_opencv, container=container.value),
    )
    return _DECODERS.get(container, usual)
