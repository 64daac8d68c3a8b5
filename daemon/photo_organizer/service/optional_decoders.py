"""The decoders of optional formats: which exist, and which are installed."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OptionalDecoder:
    """A decoder that is installed with an extra of the package.

    Attributes:
        extra: the name of the extra, as in `pip install 'smart-photo-organizer[heif]'`.
        module: the module that it installs.
        formats: the formats that need it, for people.
    """

    extra: str
    module: str
    formats: str

    @property
    def is_installed(self) -> bool:
        """Return whether the module can be found, without importing it."""
        return importlib.util.find_spec(self.module) is not None


OPTIONAL_DECODERS = (
    OptionalDecoder("heif", "pillow_heif", "HEIC"),
    OptionalDecoder("raw", "rawpy", "RAW"),
    OptionalDecoder("jxl", "pillow_jxl", "JPEG XL"),
)


def available_extras() -> frozenset[str]:
    """Return the extras whose decoders are installed."""
    return frozenset(decoder.extra for decoder in OPTIONAL_DECODERS if decoder.is_installed)


def install_command(extra: str) -> str:
    """Return the command that installs an extra."""
    return f"pip install 'smart-photo-organizer[{extra}]'"
