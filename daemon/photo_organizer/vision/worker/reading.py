"""Reading a photo's bytes once, sure that they are those of the file that was submitted."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from photo_organizer.photo import FileIdentity, Photo
from photo_organizer.vision.decode.budget.limits import Limits
from photo_organizer.vision.outcome import (
    PhotoRejectedError,
    RejectionKind,
    UnreadablePhotoError,
    rejection_of,
)

_CHUNK = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PhotoBytes:
    """The bytes of a photo and their SHA-256 (hex)."""

    data: bytes
    sha256: str


def read_photo(descriptor: int, photo: Photo, limits: Limits) -> PhotoBytes:
    """All bytes of `photo`, which was the same file with the same size and times before and after.

    Args:
        descriptor: the file, open for reading; it stays open.
        photo: what it is to be.
        limits: of its size.

    Raises:
        PhotoRejectedError: GONE, CHANGED, SOURCE_ERROR, or UNREADABLE when it is larger than allowed.
    """
    try:
        _check(descriptor, photo)
        if photo.identity.size > limits.max_file_megabytes * 1_000_000:
            raise UnreadablePhotoError(
                f"the file has {photo.identity.size // 1_000_000} MB, more than the "
                f"{limits.max_file_megabytes} that limits.max_file_megabytes allows"
            )
        data = _read(descriptor, photo.identity.size)
        _check(descriptor, photo)
    except OSError as error:
        raise rejection_of(error) from error
    return PhotoBytes(data, hashlib.sha256(data).hexdigest())


def _check(descriptor: int, photo: Photo) -> None:
    if FileIdentity.of(os.fstat(descriptor)) != photo.identity:
        raise PhotoRejectedError(RejectionKind.CHANGED, "it changed since it was seen")


def _read(descriptor: int, size: int) -> bytes:
    parts = []
    left = size
    while left > 0 and (part := os.read(descriptor, min(left, _CHUNK))):
        parts.append(part)
        left -= len(part)
    if left:
        raise PhotoRejectedError(RejectionKind.CHANGED, "it became shorter while it was read")
    return parts[0] if len(parts) == 1 else b"".join(parts)
