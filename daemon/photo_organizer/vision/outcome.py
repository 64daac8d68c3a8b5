"""The outcome of each photo that the vision process was sent. Light: the daemon imports it."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from photo_organizer.errors import OrganizerError, printable
from photo_organizer.photo import Photo, Prediction

_LONGEST_REASON = 300
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR})
_REPLACED = frozenset({errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EISDIR})  # by a link, a pipe, a folder


class RejectionKind(StrEnum):
    """Why a photo was not classified, by what to do with it."""

    UNREADABLE = "unreadable"
    """It looks like an image but cannot be decoded: quarantine it."""
    CHANGED = "changed"
    """It changed between being seen and being read: try again once it is stable."""
    NOT_AN_IMAGE = "not-an-image"
    """Neither its content nor its name is that of an image: leave it where it is."""
    UNSUPPORTED = "unsupported"
    """An image in a format that no decoder here supports: leave it where it is."""
    NEEDS_EXTRA = "needs-extra"
    """The decoder for this format is not installed: leave it where it is; the reason names the extra."""
    GONE = "gone"
    """It no longer exists: forget it."""
    SOURCE_ERROR = "source-error"
    """Its folder or disk could not be read: try again later."""


@dataclass(frozen=True, slots=True)
class Classified:
    """A photo and what the model says about it.

    `ends_early`: the picture is complete, but the file ends before its other parts (a Motion Photo's video).
    """

    photo: Photo
    prediction: Prediction
    ends_early: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """A photo that was not classified; `reason` is one line for people.

    `ends_early`: the file is empty or ends before the picture does, as while it is being transferred.
    """

    photo: Photo
    kind: RejectionKind
    reason: str
    ends_early: bool = False


@dataclass(frozen=True, slots=True)
class Pictured:
    """A photo's thumbnail: a JPEG, upright and in sRGB, made of the bytes with this SHA-256 (hex).

    `taken` and `camera` are the photo's, from EXIF.
    """

    photo: Photo
    sha256: str
    jpeg: bytes
    taken: datetime | None
    camera: str


Outcome = Classified | Rejected


class VisionError(OrganizerError):
    """The vision process cannot serve the model, or crashes at its start."""


class PhotoRejectedError(Exception):
    """Raised while one photo is read or decoded; becomes a `Rejected`.

    `reason` is shortened to one line, because much of it comes from libraries.
    """

    def __init__(self, kind: RejectionKind, reason: str, *, ends_early: bool = False) -> None:
        self.kind = kind
        self.ends_early = ends_early
        self.reason = printable(" ".join(reason.split()))[:_LONGEST_REASON]
        super().__init__(self.reason)


class UnreadablePhotoError(PhotoRejectedError):
    """The bytes look like an image but cannot be decoded."""

    def __init__(self, reason: str) -> None:
        super().__init__(RejectionKind.UNREADABLE, reason)


class DecoderRefusedError(UnreadablePhotoError):
    """One decoder failed; another one may succeed."""


def rejection_of(error: OSError) -> PhotoRejectedError:
    """Return what an error of opening or reading a photo means for it."""
    if error.errno in _GONE:
        return PhotoRejectedError(RejectionKind.GONE, "it is no longer there")
    if error.errno in _REPLACED:
        return PhotoRejectedError(RejectionKind.CHANGED, "something else has taken its name")
    return PhotoRejectedError(RejectionKind.SOURCE_ERROR, f"it cannot be read ({error.strerror})")
