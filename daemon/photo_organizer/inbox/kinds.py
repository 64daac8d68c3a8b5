"""What a name promises a file to be."""

from __future__ import annotations

from enum import Enum, auto

from photo_organizer.formats import COMPANION_EXTENSIONS, VIDEO_EXTENSIONS, by_extension, extension_of


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
    if by_extension(name) is not None:
        return Kind.PHOTO
    extension = extension_of(name)
    if extension in VIDEO_EXTENSIONS:
        return Kind.VIDEO
    return Kind.COMPANION if extension in COMPANION_EXTENSIONS else Kind.UNKNOWN
