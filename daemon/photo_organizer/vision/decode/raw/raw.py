"""Camera RAW and DNG (the extra `raw`): the embedded preview where it is large enough, else developed.

Where LibRaw cannot do either (a camera newer than it, a file of which only the beginning came over), a JPEG
that stands somewhere in the file is the picture: every maker embeds one.
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from types import ModuleType
from typing import Any

import numpy as np

from photo_organizer.vision.decode.budget.costs import RAW
from photo_organizer.vision.decode.exif import Exif
from photo_organizer.vision.decode.formats.jpeg import decode_jpeg
from photo_organizer.vision.decode.formats.optional_formats import load
from photo_organizer.vision.decode.formats.raster import PILLOW_ERRORS
from photo_organizer.vision.decode.picture import Picture, Task
from photo_organizer.vision.decode.raw.embedded import LEAST_SIDE, embedded_picture, preview_exif
from photo_organizer.vision.decode.raw.raw_extent import declared_end
from photo_organizer.vision.decode.tiff.tiff import decode_tiff
from photo_organizer.vision.outcome import DecoderRefusedError, UnreadablePhotoError

_FLIP_TO_ORIENTATION = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}
"""LibRaw's `flip` (1 mirrors, 2 turns upside down, 4 swaps the sides) as EXIF has it."""
_SAMPLED, _NO_CONTRAST = 4, 1
_SAME_SHAPE = 0.08
"""A preview may be cropped a little; a part of the picture, as some DNG hold them, has another shape."""
_SLACK = 50
"""One part in so many may be missing at the end: makers note wrong sizes, and one stripe hides no picture."""


def decode_raw(task: Task) -> Picture:
    """A preview that has the wanted side, else the developed sensor data, else whatever preview there is.

    Raises:
        PhotoRejectedError: damaged, too large, or the extra is not installed.
    """
    rawpy = load("raw")
    exif = preview_exif(task.data)
    try:
        with rawpy.imread(BytesIO(task.data)) as raw:
            return _by_libraw(task, rawpy, raw, exif)
    except rawpy.LibRawFileUnsupportedError:
        return _unknown_to_libraw(task, exif)
    except (rawpy.LibRawError, *PILLOW_ERRORS) as error:  # before it could tell anything
        found = embedded_picture(task, exif)
        if found is None:
            raise DecoderRefusedError(f"the RAW file cannot be decoded ({_words(error)})") from error
        return found


def _by_libraw(task: Task, rawpy: ModuleType, raw: Any, exif: Exif) -> Picture:  # noqa: ANN401 (no types)
    sizes = raw.sizes
    task.check_size(sizes.width, sizes.height)
    turned = replace(exif, orientation=_FLIP_TO_ORIENTATION.get(sizes.flip, 1))
    preview = _preview(task, rawpy, raw, turned)
    if preview is not None and _is_enough(preview, task.size):
        return preview
    embedded = embedded_picture(task, turned)
    if embedded is not None and _is_enough(embedded, task.size) and _has_shape_of(embedded, sizes):
        return embedded
    try:
        return _developed(task, raw, turned)
    except (UnreadablePhotoError, rawpy.LibRawError, *PILLOW_ERRORS) as error:
        found = [each for each in (preview, embedded) if each is not None]
        best = max(found, key=_side, default=None)
        if best is None or _side(best) < LEAST_SIDE:
            raise UnreadablePhotoError(f"the RAW file cannot be decoded ({_words(error)})") from error
        return best


def _preview(task: Task, rawpy: ModuleType, raw: Any, exif: Exif) -> Picture | None:  # noqa: ANN401
    """The preview that LibRaw finds, to be turned like the sensor's data; None: none that can be used."""
    try:
        thumb = raw.extract_thumb()
        if thumb.format == rawpy.ThumbFormat.JPEG:
            picture = decode_jpeg(replace(task, data=bytes(thumb.data)), label="raw preview, jpeg")
        else:
            pixels = np.ascontiguousarray(np.asarray(thumb.data)[..., ::-1])
            if thumb.format != rawpy.ThumbFormat.BITMAP or pixels.ndim != 3 or pixels.shape[2] != 3:
                return None
            picture = Picture(pixels, pixels.shape[1], pixels.shape[0], "raw preview")
    except (UnreadablePhotoError, rawpy.LibRawError, *PILLOW_ERRORS):
        return None
    # RAF and X3F carry their EXIF in the preview alone
    taken, camera = exif.taken or picture.exif.taken, exif.camera or picture.exif.camera
    exif = Exif(exif.orientation, taken, camera)
    on_its_side = exif.orientation >= 5
    upright_already = (picture.width > picture.height) != (raw.sizes.width > raw.sizes.height)
    return replace(picture, exif=replace(exif, orientation=1) if on_its_side and upright_already else exif)


def _developed(task: Task, raw: Any, exif: Exif) -> Picture:  # noqa: ANN401
    missing = declared_end(task.data) - len(task.data)
    if missing > len(task.data) // _SLACK:  # LibRaw would develop what is missing as black
        raise UnreadablePhotoError("the file ends before the picture does, a part of it is missing")
    sizes = raw.sizes
    task.reserve(RAW * sizes.width * sizes.height)
    developed = raw.postprocess(half_size=True, use_camera_wb=True, user_flip=0, output_bps=8)
    darkest, brightest = np.percentile(developed[::_SAMPLED, ::_SAMPLED], (1, 99))
    if brightest - darkest <= _NO_CONTRAST:
        raise UnreadablePhotoError("it holds no sensor data")
    return Picture(
        np.ascontiguousarray(developed[..., ::-1]), sizes.width, sizes.height, "raw developed", exif
    )


def _has_shape_of(picture: Picture, sizes: Any) -> bool:  # noqa: ANN401
    """Whether the proportions are those of the sensor, held either way."""
    own = max(picture.width, picture.height) / max(1, _side(picture))
    sensors = max(sizes.width, sizes.height) / max(1, min(sizes.width, sizes.height))
    return bool(abs(own / sensors - 1) <= _SAME_SHAPE)


def _unknown_to_libraw(task: Task, exif: Exif) -> Picture:
    """A camera that LibRaw does not know yet, or a TIFF that only looks like a camera's."""
    found = embedded_picture(task, exif)
    try:
        plain = decode_tiff(task)
    except UnreadablePhotoError as error:
        if found is None:
            raise UnreadablePhotoError(
                "the RAW file is damaged or of a camera that LibRaw does not know, and has no preview"
            ) from error
        return found
    return plain if found is None or _side(plain) >= _side(found) else found


def _is_enough(picture: Picture, size: int) -> bool:
    return _side(picture) >= size and not picture.is_blank


def _side(picture: Picture) -> int:
    return min(picture.width, picture.height)


def _words(error: BaseException) -> str:
    """LibRaw's messages are bytes at times."""
    told = error.args[0] if error.args else error
    return told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
