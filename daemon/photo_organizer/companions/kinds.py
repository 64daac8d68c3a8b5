"""What a name promises a file to be."""

from __future__ import annotations

from enum import Enum, auto

from photo_organizer.formats import COMPANION_EXTENSIONS, IMAGE_FORMATS, VIDEO_EXTENSIONS, extension_of


class Kind(Enum):
    """What a file in an inbox may be, by its name."""

    PHOTO = auto()
    COMPANION = auto()
    """Of a photo, never anything by itself (XMP, AAE, JSON, ...)."""
    VIDEO = auto()
    """A photo's companion or, when videos are wanted, something by itself."""
    UNKNOWN = auto()
    """Only its content can tell."""


def kind_of(name: str) -> Kind:
    """The kind that the extension of `name` promises."""
    return _BY_EXTENSION.get(extension_of(name), Kind.UNKNOWN)


_BY_EXTENSION = (
    dict.fromkeys(COMPANION_EXTENSIONS, Kind.COMPANION)
    | dict.fromkeys(VIDEO_EXTENSIONS, Kind.VIDEO)
    | {extension: Kind.PHOTO for image_format in IMAGE_FORMATS for extension in image_format.extensions}
)
