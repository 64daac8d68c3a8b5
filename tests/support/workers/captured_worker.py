"""A vision process whose decoder runs what is in a photo, as one with a hole would. The entry imports it.

A photo whose bytes begin with `RUN` holds Python. Its outcome says whether it was refused.
"""

from __future__ import annotations

from photo_organizer.vision.decode.decoder import DecodedPhoto, decode
from photo_organizer.vision.outcome import UnreadablePhotoError
from photo_organizer.vision.worker import worker

MARK = b"RUN"


def captured_decode(data: bytes, *arguments: object, **options: object) -> DecodedPhoto:
    if not data.startswith(MARK):
        return decode(data, *arguments, **options)  # type: ignore[arg-type]
    try:
        exec(data.removeprefix(MARK).decode(), {})  # noqa: S102 (that is what it is for)
    except BaseException as error:
        raise UnreadablePhotoError(f"{type(error).__name__}: {error}") from error
    raise UnreadablePhotoError("it was done")


worker.decode = captured_decode  # type: ignore[assignment,attr-defined]

make_worker = worker.Worker
