"""What a name promises a file to be."""

from __future__ import annotations

import re
from enum import Enum, auto

from photo_organizer.formats import IMAGE_FORMATS, PHOTOSHOP, extension_of

LIVE_VIDEO_EXTENSIONS = frozenset({".mov", ".mp4", ".mp"})
"""Videos that phones write beside a photo of the same name (Apple Live Photo, Google Motion Photo)."""

VIDEO_EXTENSIONS = LIVE_VIDEO_EXTENSIONS - {".mp"} | frozenset(
    {
        ".m4v", ".avi", ".mkv", ".webm", ".3gp", ".3g2", ".mts", ".m2ts", ".m2t", ".mpg", ".mpeg", ".wmv",
        ".insv", ".360", ".mod", ".tod", ".dv", ".ogv", ".asf", ".flv",
    }
)  # fmt: skip

_OF_EDITORS = frozenset(
    {
        ".xmp",  # XMP: Lightroom, darktable, digiKam and many others
        ".aae",  # Apple Photos
        ".acr",  # Adobe Camera Raw, masks
        ".pp3", ".arp",  # RawTherapee, ART
        ".dop",  # DxO PhotoLab
        ".cos", ".cop", ".cof", ".cot", ".comask",  # Capture One
        ".on1", ".onphoto", ".onmask",  # ON1 Photo RAW
        ".nksc", ".ndf",  # Nikon NX Studio, Capture NX
        ".vrd", ".dr4", ".dr3",  # Canon Digital Photo Professional
        ".exposurex4", ".exposurex5", ".exposurex6", ".exposurex7",  # Exposure
        ".spd",  # Silkypix
        ".rrdata",  # RAW Power, Nitro
        ".ufraw", ".lzn", ".ptj", ".pts",  # UFRaw, LightZone, Photivo, PTGui
        ".pto",  # Hugin
        ".psb", ".xcf", ".kra", ".afphoto",  # the document in which it was edited
        ".mie", ".exv", ".exif", ".iptc",  # metadata: exiftool, exiv2
        ".json", ".yml", ".yaml",  # Google Takeout, PhotoPrism
    }
)  # fmt: skip
_OF_CAMERAS = frozenset(
    {
        ".thm", ".ctg",  # a camera's thumbnail and catalogue
        ".lrv", ".lrf", ".glv",  # the small rendering of a video: GoPro and Insta360, DJI, Garmin
        ".srt", ".vtt", ".ass",  # subtitles: DJI's telemetry
        ".wav", ".m4a",  # a voice memo, or a video's sound
        ".gpx", ".nmea",  # the track
        ".moi", ".modd", ".moff", ".bim", ".xml",  # what video cameras know of a clip: Sony, Panasonic, Canon
    }
)  # fmt: skip
SIDECAR_EXTENSIONS = _OF_EDITORS | _OF_CAMERAS
"""Of a photo or video, and nothing by themselves."""

COMPANION_EXTENSIONS = SIDECAR_EXTENSIONS | LIVE_VIDEO_EXTENSIONS

_IMAGE_EXTENSIONS = tuple(
    extension for image_format in IMAGE_FORMATS for extension in image_format.extensions
)
_EDITED_MOTION = re.compile(r"\.mp~\d{1,2}")
_ORIGINAL = "_original"


class Kind(Enum):
    """What a file may be, by its name."""

    PHOTO = auto()
    COMPANION = auto()
    """Of a photo, never anything by itself (XMP, AAE, JSON, ...)."""
    VIDEO = auto()
    """A photo's companion or, when videos are wanted, something by itself."""
    UNKNOWN = auto()
    """Only its content can tell."""


def kind_of(name: str) -> Kind:
    """Return the kind that the extension of `name` promises."""
    extension = extension_of(name)
    kind = _BY_EXTENSION.get(extension)
    if kind is not None:
        return kind
    if is_kept_original(name) or _EDITED_MOTION.fullmatch(extension):
        return Kind.COMPANION
    return Kind.UNKNOWN


def may_accompany(name: str) -> bool:
    """Return whether a file of this name can be the companion of a photo or video."""
    kind = kind_of(name)
    return kind is Kind.COMPANION or (kind is Kind.VIDEO and extension_of(name) in LIVE_VIDEO_EXTENSIONS)


def is_document(name: str) -> bool:
    """Return whether an editor keeps its work on a photo in such a file, which is an image itself.

    It is the companion of a photo of its name, and a photo where there is none.
    """
    return extension_of(name) in PHOTOSHOP.extensions


def is_of_a_recording(name: str) -> bool:
    """Return whether a camera writes such a file beside a video that it has recorded."""
    return extension_of(name) in _OF_CAMERAS


def is_kept_original(name: str) -> bool:
    """Return whether exiftool kept the file under this name when it changed it (`x.jpg_original`)."""
    extension = extension_of(name)
    return extension.endswith(_ORIGINAL) and extension.removesuffix(_ORIGINAL) in _BY_EXTENSION


_BY_EXTENSION = (
    dict.fromkeys(COMPANION_EXTENSIONS, Kind.COMPANION)
    | dict.fromkeys(VIDEO_EXTENSIONS, Kind.VIDEO)
    | dict.fromkeys(_IMAGE_EXTENSIONS, Kind.PHOTO)
)
